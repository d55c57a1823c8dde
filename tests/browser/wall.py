"""What stands between some readers and the server: a proxy that lets no websocket through."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal
from urllib.parse import urlsplit

Events = Literal["pass", "refused", "swallowed"]

_HEAD_BYTES = 64 * 1024
_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextmanager
def walled(server_url: str, events: Events = "pass") -> Iterator[str]:
    """Yields the address of a way to the server that answers upgrades with 403.

    ``refused``: server-sent events, too; ``swallowed``: they begin and nothing of them arrives.
    """
    target = urlsplit(server_url)
    assert target.hostname is not None
    assert target.port is not None
    wall = _Wall((target.hostname, target.port), events)
    try:
        yield f"http://127.0.0.1:{wall.port}"
    finally:
        wall.close()


class _Wall:
    def __init__(self, target: tuple[str, int], events: Events) -> None:
        self._target = target
        self._events = events
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.add(client)
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One request a connection, so that each is seen."""
        head = b""
        with suppress(OSError), client:
            while b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES:
                data = client.recv(_HEAD_BYTES)
                if not data:
                    return
                head += data
            is_events = b"/events?" in head.split(b"\r\n", 1)[0]
            is_upgrade = b"\r\nupgrade:" in head.lower()
            if is_upgrade or (is_events and self._events == "refused"):
                client.sendall(_REFUSAL)
                return
            if is_events and self._events == "swallowed":
                client.recv(1)  # until the reader gives up
                return
            self._pass_on(client, head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))

    def _pass_on(self, client: socket.socket, head: bytes) -> None:
        with socket.create_connection(self._target) as server:
            self._sockets.add(server)
            server.sendall(head.replace(b"\r\nConnection: keep-alive", b""))
            threading.Thread(target=_pump, args=[client, server], daemon=True).start()
            _pump(server, client)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_HEAD_BYTES):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
