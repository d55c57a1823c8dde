"""Where everyone comes in: a websocket's request goes straight to it, all else is uvicorn's.

uvicorn would parse the request, write it anew and have ``websockets`` parse it again: with what it
makes for each connection that was a quarter of what a reader cost from ``connect`` to ``joined``.
It still does so for those who come in another way than browsers do: in pieces, or on a connection
that was used for HTTP before.
"""

from __future__ import annotations

import asyncio
import re
from asyncio import Transport
from collections.abc import Callable
from typing import Any

from livethread.gateway import Gateway
from livethread.handshake import PATH
from livethread.visit import Visit

_STARTS = tuple(f"GET {PATH}{end}".encode() for end in " ?")
_UPGRADE = re.compile(rb"\r\nUpgrade:[ \t]*websocket[ \t]*(?:\r|\Z)", re.IGNORECASE)


def is_upgrade(data: bytes) -> bool:
    """Whether there is a whole request for a websocket; what else it says is for the handshake."""
    if not data.startswith(_STARTS):
        return False
    end = data.find(b"\r\n\r\n")
    return end > 0 and _UPGRADE.search(data, 0, end) is not None


MakeHttp = Callable[[Visit], asyncio.Protocol]
MakeWebsocket = Callable[[], asyncio.Protocol]


class Door(asyncio.Protocol):
    """A connection before its first bytes; then one of those made here takes it over."""

    __slots__ = (
        "_connections",
        "_gateway",
        "_make_http",
        "_make_websocket",
        "_transport",
        "_visit",
    )

    def __init__(
        self,
        gateway: Gateway,
        connections: set[Any],
        make_http: MakeHttp,
        make_websocket: MakeWebsocket,
    ) -> None:
        self._gateway = gateway
        self._connections = connections
        self._make_http = make_http
        self._make_websocket = make_websocket
        self._transport: Transport
        self._visit: Visit

    def connection_made(self, transport: Any) -> None:
        self._connections.add(self)
        self._transport = transport
        self._visit = Visit(self._gateway, transport)
        if not self._visit.begin(len(self._connections)):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._connections.discard(self)
        if is_upgrade(data):
            self._visit.end()
            protocol = self._make_websocket()
        else:
            protocol = self._make_http(self._visit)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._visit.end()

    def shutdown(self) -> None:
        """Uvicorn is stopping."""
        self._transport.close()
