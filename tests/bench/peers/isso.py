"""Isso: comments on SQLite over HTTP, under gunicorn, one of its documented ways. Readers ask."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from tests.bench.frames import Broken, body
from tests.bench.peers import install
from tests.bench.servers import Server, reserved_port, running

NAME = "Isso"
VISITORS = 8
"""At once; as many as it has threads."""

_CONFIGURATION = """\
[general]
dbpath = {directory}/comments.db
host = http://127.0.0.1:{port}/
[guard]
enabled = false
"""


@contextmanager
def serving(directory: Path, core: int | None) -> Iterator[Server]:
    directory.mkdir(parents=True, exist_ok=True)
    with reserved_port() as port:
        path = directory / "isso.cfg"
        path.write_text(_CONFIGURATION.format(directory=directory, port=port))
        command: list[str | Path] = [
            install.isso_python(),
            "-m",
            "gunicorn",
            "--bind",
            f"127.0.0.1:{port}",
        ]
        command += ["--threads", str(VISITORS), "--keep-alive", "60", "isso.run"]
        extra = {"ISSO_SETTINGS": str(path), "PYTHONPATH": ""}
        with running(command, directory, core, extra, port=port) as server:
            yield server


class Visitors:
    """Keep-alive connections, each waiting for its answer before it asks again.

    ``acks`` counts comments stored, ``delivered`` comments that readers were shown.
    """

    def __init__(self, server: Server) -> None:
        self.delivered = 0
        self.acks = 0
        self.received_bytes = 0
        self._pool = ThreadPoolExecutor(VISITORS)
        self._connections = [
            http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            for _ in range(VISITORS)
        ]

    def __enter__(self) -> Visitors:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown()
        for connection in self._connections:
            connection.close()

    def post(self, room: str, numbers: Iterator[int], stretch_s: float) -> None:
        """All post into the room, again and again for that long."""
        until = time.monotonic() + stretch_s

        def work(connection: http.client.HTTPConnection) -> int:
            stored = 0
            while time.monotonic() < until:
                self._post(connection, room, next(numbers))
                stored += 1
            return stored

        self.acks += sum(self._pool.map(work, self._connections))

    def post_one(self, room: str, number: int) -> float:
        """One comment; returns when it was created, as the server says."""
        created = self._post(self._connections[0], room, number)
        self.acks += 1
        return created

    def poll(self, room: str, after: float, readers: int, expected: int) -> None:
        """So many readers ask once what came after; each must be shown as many as expected."""

        def work(connection: http.client.HTTPConnection) -> int:
            size = 0
            for _ in range(readers // VISITORS):
                connection.request("GET", f"/?uri=%2F{room}&after={after!r}")
                answer = connection.getresponse()
                data = answer.read()
                found = len(json.loads(data)["replies"]) if answer.status == 200 else -1
                if found != expected:
                    raise Broken(f"{NAME}: {found} comments instead of {expected}")
                size += len(data) + len(bytes(answer.headers))
            return size

        self.received_bytes += sum(self._pool.map(work, self._connections))
        self.delivered += readers // VISITORS * VISITORS * expected

    def _post(self, connection: http.client.HTTPConnection, room: str, number: int) -> float:
        form = {"text": body(number).decode(), "author": "Ada", "title": room}
        headers = {"Content-Type": "application/json"}
        connection.request("POST", f"/new?uri=%2F{room}", json.dumps(form), headers)
        answer = connection.getresponse()
        data = answer.read()
        if answer.status != 201:
            raise Broken(f"{NAME}: {answer.status} {data[:200]!r}")
        return float(json.loads(data)["created"])
