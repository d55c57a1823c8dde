"""Who may call at all: the site's Origins (with CORS for them), and so often from one address.

Identity is a bearer token, never a cookie, so there is nothing for a foreign page to ride on; a
foreign or ``null`` Origin is refused all the same, by the policy that guards the websocket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livethread.auth.limits import Rate, RateLimiter, source_of
from livethread.gateway import Gateway
from livethread.protocol.errors import LivethreadError
from livethread.web.caller import call_of, client_address
from livethread.web.problems import problem, shown_to

API = "/api/"
LIMITED = (API, "/rooms/", "/feeds/", "/docs", "/openapi.json", "/sign-in")
"""What reads the database or is made anew. Files and /healthz cost less than to refuse them;
/readyz must not fail because its caller shares an address with readers (a proxy's): it asks the
database once for all who wait."""

_PREFLIGHT: Mapping[str, str] = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID",
    "Access-Control-Max-Age": "7200",
}
_EXPOSED = "ETag, Location, Retry-After"


class Gate:
    """Stands before the API and the pages."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        settings, rules = gateway.settings, gateway.services.rules
        self._app = app
        self._gateway = gateway
        self._limiter = RateLimiter(Rate(settings.http_rate, settings.http_burst), rules.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(LIMITED):
            await self._app(scope, receive, send)
            return
        origins: Sequence[str] = ()
        if scope["path"].startswith(API):
            call = call_of(scope)
            origins = call.origins
            try:
                self._gateway.services.directory.sites.of(call)
            except LivethreadError as error:
                await problem(error)(scope, receive, send)
                return
        if origins:
            send = _with_cors(send, origins[0])
        try:
            self._limiter.take(source_of(client_address(self._gateway, scope)))
        except LivethreadError as error:
            await shown_to(Request(scope), problem(error))(scope, receive, send)
            return
        if origins and scope["method"] == "OPTIONS":
            preflight = Response(None, HTTPStatus.NO_CONTENT, _PREFLIGHT)
            await preflight(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _with_cors(send: Send, origin: str) -> Send:
    async def send_with_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = _EXPOSED
            headers.add_vary_header("Origin")
        await send(message)

    return send_with_cors
