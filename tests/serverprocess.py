"""A real server in a process of its own, for tests that kill, restart and reconnect.

Use it so::

    with serving(tmp_path, **UNLIMITED) as server:
        ...  # server.url, server.kill(), server.start(): the same port and data again
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from pydantic_core import to_json

from tests.forking import Fork

START_S = 60
STOP_S = 30

SERVE = (sys.executable, "-m", "livethread.cli", "serve")
"""Started as users start it; without a ``command`` it is forked: a third of the time."""

UNLIMITED: Mapping[str, object] = MappingProxyType(
    {
        "command_rate": 0,
        "post_rate": 0,
        "address_post_rate": 0,
        "bot_post_rate": 0,
        "guest_rate": 0,
        "http_rate": 0,
    }
)
"""Settings that lift every rate: ``serving(tmp_path, **UNLIMITED)``."""

_LISTENING = re.compile(r"listens on (\S+)")


class ServerProcess:
    """``livethread serve``, forked (see ``tests.forking``) or by a ``command``, on data of its own.

    The port comes from the kernel once and stays reserved: the socket that holds it never listens,
    so the server may bind it again and again, and nobody else is given it in between (not even as
    the near end of a client that tries to reconnect, which would then talk to itself).
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, object] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self.data_dir = directory / "data"
        self.log = directory / "server.log"
        self.url = ""
        self._directory = directory
        self._settings = dict(settings or {})
        self._command = command
        self._process: subprocess.Popen[str] | Fork | None = None
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", 0))

    @property
    def port(self) -> int:
        return int(self._reserved.getsockname()[1])

    @property
    def process(self) -> subprocess.Popen[str] | Fork:
        assert self._process is not None, "the server is not running"
        return self._process

    @property
    def environment(self) -> dict[str, str]:
        """For other ``livethread`` commands on the same data."""
        values = {"port": self.port, "data_dir": self.data_dir, **self._settings}
        return environment(values)

    def start(self) -> None:
        """Start and return when the server has printed its address. Blocks: some 0.5 s."""
        assert self._process is None, "the server is running already"
        process = self._process = self._launch()
        assert process.stdout is not None
        overdue = threading.Timer(START_S, process.kill)
        overdue.start()
        try:
            for line in process.stdout:
                found = _LISTENING.search(line)
                if found is not None:
                    self.url = found[1]
                    return
        finally:
            overdue.cancel()
        code = self._wait()
        raise AssertionError(f"the server ended with {code} at start:\n{self.log.read_text()}")

    def _launch(self) -> subprocess.Popen[str] | Fork:
        if self._command is None:
            return Fork(self._directory, self.environment, self.log)
        with self.log.open("a") as log:
            return subprocess.Popen(
                self._command,
                cwd=self._directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def kill(self) -> None:
        """Kill -9: no goodbye, nothing flushed."""
        self.process.kill()
        self._wait()

    def terminate(self) -> int:
        """SIGTERM, wait for the orderly end, return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._wait()

    def close(self) -> None:
        """End whatever still runs and give the port back."""
        try:
            if self._process is not None:
                self.kill()
        finally:
            self._reserved.close()

    def _wait(self) -> int:
        process = self.process
        try:
            code = process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()
            self._process = None
        return code


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """This process's environment with exactly these LIVETHREAD_ settings."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("LIVETHREAD_")}
    for name, value in settings.items():
        text = to_json(value).decode() if isinstance(value, list | tuple | bool) else str(value)
        env[f"LIVETHREAD_{name.upper()}"] = text
    return env


@contextmanager
def serving(
    directory: Path, command: Sequence[str] | None = None, /, **settings: object
) -> Iterator[ServerProcess]:
    """A running server with these settings; gone, however the test ends."""
    server = ServerProcess(directory, settings, command)
    try:
        server.start()
        yield server
    finally:
        server.close()
