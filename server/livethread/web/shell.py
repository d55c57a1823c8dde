"""The outermost layer: headers that every answer has, failures that nobody expected, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livethread.metrics import HttpStats

log = structlog.get_logger(__name__)

RawHeaders = Sequence[tuple[bytes, bytes]]

_EVERYWHERE: Mapping[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}
_PAGES: Mapping[bytes, bytes] = {
    **_EVERYWHERE,
    b"cross-origin-opener-policy": b"same-origin",
    b"content-security-policy": b"default-src 'self'; script-src 'self'; style-src 'self'; "
    b"connect-src 'self' ws: wss:; img-src 'self'; require-trusted-types-for 'script'; "
    b"frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
}


class Shell:
    """Wraps the whole application, so that nothing leaves without these headers.

    All but 304: its headers replace those of the copy the browser has, which knows its own policy.
    """

    def __init__(self, app: ASGIApp, stats: HttpStats) -> None:
        self._app = app
        self._stats = stats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, is_complete = scope["method"], False
        if method == "HEAD":  # answered as GET is; the server leaves the body out
            scope = {**scope, "method": "GET"}

        async def send_with_headers(message: Message) -> None:
            nonlocal is_complete
            if message["type"] == "http.response.start":
                self._stats.count(method, message["status"])
                if message["status"] != HTTPStatus.NOT_MODIFIED:
                    message["headers"] = complete_headers(message.get("headers", ()))
            elif message["type"] == "http.response.body":
                is_complete = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            # Starlette has answered with a problem document and raises for the server to log.
            log.exception("request_failed", method=method)
            if not is_complete:
                raise


def complete_headers(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """The headers with those that are missing; a page's policy for HTML, a stricter one else."""
    given = dict(headers)
    is_page = given.get(b"content-type", b"").startswith(b"text/html")
    missing = _PAGES if is_page else _EVERYWHERE
    return [*headers, *((name, value) for name, value in missing.items() if name not in given)]
