"""``livethread serve``, forked from a process that has imported it: importing is most of a start.

The fork is made before anything has run, by multiprocessing's fork server (one for each process
that runs tests); from there on it is what ``python -m livethread.cli serve`` is. It listens after
0.4 s, started the other way after 1.3.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Final

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["livethread.app", "livethread.cli.serve"])


def _serve(directory: Path, environment: dict[str, str], output: Connection, log: Path) -> None:
    from livethread.cli import main  # noqa: PLC0415 (in the fork)

    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a fork server ignores
    with log.open("a") as errors, Path(os.devnull).open() as nothing:
        for file, number in ((nothing, 0), (output, 1), (errors, 2)):
            os.dup2(file.fileno(), number)
    output.close()
    # Python's own know what those of the fork server were.
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    sys.argv = ["livethread", "serve"]
    main(["serve"])


class Fork:
    """As much of ``subprocess.Popen`` as tests use."""

    def __init__(self, directory: Path, environment: Mapping[str, str], log: Path) -> None:
        reading, writing = _FORKS.Pipe(duplex=False)
        arguments = (directory, dict(environment), writing, log)
        self._process = _FORKS.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        writing.close()
        self.stdout: IO[str] = os.fdopen(os.dup(reading.fileno()))
        reading.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; minus the signal's number if that ended it."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("livethread serve", timeout or 0)
        return code
