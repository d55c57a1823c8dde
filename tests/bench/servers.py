"""The servers under test: processes of their own, pinned to a core, accounted by the OS."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

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
    """A running server. ``cpu_s`` is the process's time on all its threads, user and system."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.port = port
        self.process = process
        self._seen = psutil.Process(process.pid)

    def cpu_s(self) -> float:
        times = self._seen.cpu_times()
        return float(times.user + times.system)

    def rss_bytes(self) -> int:
        return int(self._seen.memory_info().rss)


@contextmanager
def livethread(data_dir: Path, core: int | None) -> Iterator[Server]:
    """Livethread on a database of its own."""
    command = ["livethread.cli", "serve", "--port", "0", "--data-dir", str(data_dir)]
    extra = {f"LIVETHREAD_{name}": value for name, value in SETTINGS.items()}
    with _running(command, data_dir, core, extra) as server:
        yield server


@contextmanager
def reference(data_dir: Path, core: int | None) -> Iterator[Server]:
    """``websockets.broadcast``."""
    with _running(["tests.bench.reference"], data_dir, core, {}) as server:
        yield server


@contextmanager
def _running(
    module: Sequence[str], directory: Path, core: int | None, extra: dict[str, str]
) -> Iterator[Server]:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "server.log"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LIVETHREAD_")}
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "server", ROOT / "client")))
    libc = ctypes.CDLL(None)
    with path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=directory,  # no livethread.toml there
            env={**kept, "PYTHONPATH": paths, **extra},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl+C is for the parent, which then ends this
            preexec_fn=partial(_settle, libc, core),  # noqa: PLW1509 (there are no threads)
        )
    try:
        yield Server(process, _port(process, path))
    finally:
        process.terminate()
        try:
            process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _settle(libc: ctypes.CDLL, core: int | None) -> None:
    """In the child: stay on one core, and end with the parent however that ends."""
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if core is not None:
        os.sched_setaffinity(0, {core})


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + START_DEADLINE_S
    while True:
        written = log.read_text(errors="replace")
        found = _PORT.search(written)
        if found is not None:
            return int(found[1])
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start:\n{written[-2000:]}")
        time.sleep(0.02)
