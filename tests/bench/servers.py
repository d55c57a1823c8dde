"""The servers under test: processes of their own, pinned to a core, accounted by the OS."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType

import psutil

ROOT = Path(__file__).parents[2]
START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 20.0
_PORT = re.compile(r"listens on http://127\.0\.0\.1:(\d+)")
_PR_SET_PDEATHSIG = 1

SETTINGS = {
    "COMMAND_RATE": "0",
    "POST_RATE": "0",
    "ADDRESS_POST_RATE": "0",
    "GUEST_RATE": "0",
    "MAX_CONNECTIONS_PER_ADDRESS": "0",
    "SILENCE_S": "3600",  # readers here only listen
    "DRAIN_S": "1",
    "LOG_LEVEL": "warning",
}
"""How Livethread runs here; all else is as it comes."""


class Server:
    """A running server: its process and that one's workers."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.port = port
        self._main = psutil.Process(process.pid)

    def cpu_s(self) -> float:
        """User and system time of all threads, also of those that have ended."""
        return sum(map(_cpu_s, self._processes()))

    def rss_bytes(self) -> int:
        return sum(int(process.memory_info().rss) for process in self._processes())

    def _processes(self) -> list[psutil.Process]:
        return [self._main, *self._main.children(recursive=True)]


class Descendants:
    """All processes that the generator has started, and they: servers, browsers."""

    def cpu_s(self) -> float:
        """Of those that still run."""
        return sum(map(_cpu_s, psutil.Process().children(recursive=True)))


@contextmanager
def livethread(
    data_dir: Path, core: int | None, *, origins: Sequence[str] = ()
) -> Iterator[Server]:
    """Livethread on a database of its own; pages of these origins may embed it."""
    command = python("livethread.cli", "serve", "--port", "0", "--data-dir", str(data_dir))
    settings = {f"LIVETHREAD_{name}": value for name, value in SETTINGS.items()}
    settings["LIVETHREAD_ORIGINS"] = json.dumps(list(origins))
    with running(command, data_dir, core, settings) as server:
        yield server


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module in this Python."""
    return [sys.executable, "-m", module, *arguments]


@contextmanager
def running(
    command: Sequence[str | Path],
    directory: Path,
    core: int | None,
    extra: Mapping[str, str] = MappingProxyType({}),
    port: int | None = None,
) -> Iterator[Server]:
    """A server that says "listens on URL" once it does, or was told its port; ended at exit."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "server.log"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LIVETHREAD_")}
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "server", ROOT / "client")))
    libc = ctypes.CDLL(None)
    with path.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=directory,  # no livethread.toml there
            env={**kept, "PYTHONPATH": paths, **extra},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl+C is for the parent, which then ends this
            preexec_fn=partial(_settle, libc, core),  # noqa: PLW1509 (there are no threads)
        )
    try:
        yield Server(process, _await_port(process, path, port))
    finally:
        process.terminate()
        try:
            process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port that the kernel gives to nobody else: its socket never listens, so a server may."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


def _cpu_s(process: psutil.Process) -> float:
    # clock_getcpuclockid(3): counts ns, where /proc counts hundredths of a second.
    return time.clock_gettime(~process.pid << 3 | 2)


def _settle(libc: ctypes.CDLL, core: int | None) -> None:
    """In the child: stay on one core, and end with the parent however that ends."""
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if core is not None:
        os.sched_setaffinity(0, {core})


def _await_port(process: subprocess.Popen[bytes], log: Path, port: int | None) -> int:
    deadline = time.monotonic() + START_DEADLINE_S
    while True:
        written = log.read_text(errors="replace")
        found = _PORT.search(written)
        if found is not None:
            return int(found[1])
        if port is not None and _is_listening(port):
            return port
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start:\n{written[-2000:]}")
        time.sleep(0.02)


def _is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
