"""Who may open a websocket, and what is negotiated with them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl

from websockets.exceptions import InvalidHandshake
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from livethread.auth.limits import source_of
from livethread.auth.sites import Call
from livethread.gateway import Gateway
from livethread.protocol.errors import Forbidden
from livethread.settings import Settings

PATH = "/ws"
SUBPROTOCOL = Subprotocol("livethread.v1")

_DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True, client_no_context_takeover=True
)
_quiet = logging.getLogger("livethread.websockets")
_quiet.setLevel(logging.ERROR)


class Visitor(NamedTuple):
    """An admitted client; counted under ``address`` (its source) until ``addresses.leave``.

    ``site`` is a key; None where nothing names one. ``answer`` opens the websocket.
    """

    address: str
    has_origin: bool
    site: str | None
    answer: bytes


class Refused(Exception):
    """The handshake is answered with ``answer``, and the connection closed."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.answer = response.serialize()

    @classmethod
    def for_bad_request(cls, ws: ServerProtocol) -> Refused:
        return cls(ws.reject(HTTPStatus.BAD_REQUEST, "This is no request for a websocket.\n"))


def server_protocol(settings: Settings) -> ServerProtocol:
    """The Sans-I/O side of a connection, open: it is told of the handshake by :func:`admit`."""
    return ServerProtocol(
        extensions=[_DEFLATE] if settings.compression else None,
        subprotocols=[SUBPROTOCOL],
        select_subprotocol=_choose_subprotocol,
        state=State.OPEN,
        # Up to four times the bound a frame is read and refused with an error frame.
        max_size=settings.max_frame_bytes * 4,
        logger=_quiet,
    )


def admit(
    gateway: Gateway, ws: ServerProtocol, request: Request, peer: str, *, is_tls: bool
) -> Visitor:
    """Check path, origin and bounds, and have ``ws`` agree with the client. Raises ``Refused``."""
    services, headers = gateway.services, request.headers
    path, _, query = request.path.partition("?")
    if path != PATH:
        raise Refused(ws.reject(HTTPStatus.NOT_FOUND, "There is no websocket here.\n"))
    named = dict(parse_qsl(query)).get("site") if query else None
    call = Call(headers.get_all("Origin"), headers.get_all("Host"), is_tls, named)
    try:
        site = services.directory.sites.of(call)
    except Forbidden as error:
        gateway.stats.foreign += 1
        raise Refused(ws.reject(HTTPStatus.FORBIDDEN, f"{error.message}\n")) from error
    answer = _agree(ws, request)
    forwarded = ", ".join(headers.get_all("X-Forwarded-For")) or None
    address = source_of(services.proxies.client_address(peer, forwarded))
    if (
        gateway.is_draining
        or len(gateway) >= gateway.settings.max_connections
        or not gateway.addresses.enter(address)
    ):
        gateway.stats.refused += 1
        raise Refused(ws.reject(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.\n"))
    return Visitor(address, bool(call.origins), None if site is None else site.key, answer)


def _agree(ws: ServerProtocol, request: Request) -> bytes:
    """What opens the websocket (RFC 6455 4.2.2). Raises ``Refused``.

    Written here: as websockets' ``Response``, with the date that a 101 need not have, it took
    twice the time of all that is checked.
    """
    try:
        accept, extensions, subprotocol = ws.process_request(request)
    except InvalidHandshake as error:
        raise Refused(ws.accept(request)) from error
    more = "" if extensions is None else f"Sec-WebSocket-Extensions: {extensions}\r\n"
    if subprotocol is not None:
        more += f"Sec-WebSocket-Protocol: {subprotocol}\r\n"
    return (
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    ).encode()


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
