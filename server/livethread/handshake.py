"""Who may open a websocket, and what is negotiated with them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple

from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from livethread.auth.limits import source_of
from livethread.gateway import Gateway
from livethread.settings import Settings

PATH = "/ws"
SUBPROTOCOL = Subprotocol("livethread.v1")

_DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True, client_no_context_takeover=True
)
_quiet = logging.getLogger("livethread.websockets")
_quiet.setLevel(logging.ERROR)


class Visitor(NamedTuple):
    """An admitted client; counted under ``address`` (its source) until ``addresses.leave``."""

    address: str
    has_origin: bool


class Refused(Exception):
    """The handshake is answered with ``status`` and a line of text."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def server_protocol(settings: Settings) -> ServerProtocol:
    """The Sans-I/O side of a connection that has not shaken hands yet."""
    return ServerProtocol(
        extensions=[_DEFLATE] if settings.compression else None,
        subprotocols=[SUBPROTOCOL],
        select_subprotocol=_choose_subprotocol,
        # Up to four times the bound a frame is read and refused with an error frame.
        max_size=settings.max_frame_bytes * 4,
        logger=_quiet,
    )


def admit(gateway: Gateway, request: Request, peer: str, *, is_tls: bool) -> Visitor:
    """Check path, origin and bounds. Raises ``Refused``."""
    services, headers = gateway.services, request.headers
    if request.path.partition("?")[0] != PATH:
        raise Refused(HTTPStatus.NOT_FOUND, "There is no websocket here.\n")
    origins, hosts = headers.get_all("Origin"), headers.get_all("Host")
    host = hosts[0] if len(hosts) == 1 else ""
    is_foreign = origins and not services.origins.allows(origins[0], host, is_tls=is_tls)
    if is_foreign or len(origins) > 1:
        gateway.stats.foreign += 1
        raise Refused(HTTPStatus.FORBIDDEN, "This site may not use this server.\n")
    forwarded = ", ".join(headers.get_all("X-Forwarded-For")) or None
    address = source_of(services.proxies.client_address(peer, forwarded))
    if (
        gateway.is_draining
        or len(gateway) >= gateway.settings.max_connections
        or not gateway.addresses.enter(address)
    ):
        gateway.stats.refused += 1
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.\n")
    return Visitor(address, bool(origins))


def is_deflating(ws: ServerProtocol) -> bool:
    """Whether shared frames may go out deflated.

    They use the whole window; a client that asked for a smaller one gets them plain.
    """
    return any(
        isinstance(extension, PerMessageDeflate) and extension.local_max_window_bits == 15
        for extension in ws.extensions
    )


def _choose_subprotocol(_: ServerProtocol, offered: Iterable[Subprotocol]) -> Subprotocol | None:
    return SUBPROTOCOL if SUBPROTOCOL in offered else None
