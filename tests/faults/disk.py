"""Disks that get full."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.serverprocess import ServerProcess

MIB = 2**20

Fill = Callable[[ServerProcess], AbstractContextManager[None]]
"""While the context lasts, that server can't write."""


@contextmanager
def small_disk(directory: Path, size_bytes: int) -> Iterator[Path]:
    """A file system of its own; the test is skipped where none may be mounted."""
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(directory)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip("needs leave to mount a tmpfs (root)")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@contextmanager
def full_disk(server: ServerProcess) -> Iterator[None]:
    """The last byte of its disk is taken."""
    filler = server.data_dir / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    yield
    filler.unlink()


@contextmanager
def file_size_limit(server: ServerProcess) -> Iterator[None]:
    """Its files may not grow (``ulimit -f``, a quota): needs no privilege."""
    wal = server.data_dir / "livethread.db-wal"
    pid, unlimited = server.process.pid, resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (os.path.getsize(wal) // 2, unlimited))  # noqa: PTH202
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
