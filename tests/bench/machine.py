"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from importlib.metadata import version
from pathlib import Path

import psutil

_LIBRARIES = ("websockets", "uvloop", "uvicorn", "httptools", "pydantic-core", "aiosqlite")
_MEMORY = ("tmpfs", "ramfs")


def describe(directory: Path) -> dict[str, str]:
    """The machine, with ``directory`` as the place of the databases."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return {
        "machine": f"{len(os.sched_getaffinity(0))} cores, {_processor()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": f"{libraries}, SQLite {sqlite3.sqlite_version}",
        "disk": f"{_file_system(directory)}, fdatasync of 4 KiB {_sync_us(directory):.0f} µs",
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()) + " (1, 5, 15 min, at start)",
    }


def is_memory(directory: Path) -> bool:
    """Whether what is written there survives nothing: fdatasync costs nothing, then."""
    return _file_system(directory) in _MEMORY


def _file_system(directory: Path) -> str:
    path = directory.resolve()
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    return next((mounts[place] for place in (path, *path.parents) if place in mounts), "unknown")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _sync_us(directory: Path, times: int = 50) -> float:
    path = directory / "sync"
    with path.open("wb", buffering=0) as file:
        started = time.perf_counter()
        for _ in range(times):
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
        spent = time.perf_counter() - started
    path.unlink()
    return spent / times * 1e6
