"""The request for a websocket: parsed once, by httptools, in whatever pieces it comes."""

from __future__ import annotations

import httptools
from websockets.datastructures import Headers
from websockets.http11 import Request

MAX_HEAD_BYTES = 32_768
"""A browser's is some 600 bytes, and 8 KiB of cookies at most."""


class BadHead(Exception):
    """What came is no request, or one that has no end."""


class Head:
    """What has come of it so far; ``request`` is None until that is all.

    The parser knows whom it tells: it is let go of with the request, or both would be left to the
    garbage collector, which took a twentieth of a join.
    """

    __slots__ = ("_headers", "_parser", "_size", "_url", "request")

    def __init__(self) -> None:
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers = Headers()
        self._size = 0
        self.request: Request | None = None

    def receive_data(self, data: bytes) -> bytes:
        """Take in more; returns what came behind the request. Raises ``BadHead``."""
        behind, parser = b"", self._parser
        assert parser is not None
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade as end:
            behind = data[end.args[0] :]
        except httptools.HttpParserError as error:
            raise BadHead from error
        self._size += len(data) - len(behind)
        if self._size > MAX_HEAD_BYTES:
            raise BadHead
        if self.request is not None:
            self._parser = None
        return behind

    # ── what the parser finds ──

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1")] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        parser = self._parser
        assert parser is not None
        method, version = parser.get_method().decode(), parser.get_http_version()
        self.request = Request(
            self._url.decode("latin-1"), self._headers, method, f"HTTP/{version}"
        )
