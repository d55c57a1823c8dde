"""uvicorn's HTTP connection with the bounds it lacks.

A request has to arrive whole within ``request_deadline_s``, whatever trickles in meanwhile, and an
answer has to be taken: no bytes for ``stall_s``, and the connection is closed. Read from uvicorn
0.54, which has one deadline only, for silence between requests, and forgets that one at the first
byte.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from livethread.gateway import Gateway
from livethread.visit import Visit


class HttpConnection(HttpToolsProtocol):
    """One connection until it ends or becomes a websocket; it goes on with the door's ``visit``."""

    def __init__(self, gateway: Gateway, visit: Visit, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._gateway = gateway
        self._visit = visit
        self._stall: TimerHandle | None = None

    # ── asyncio.Protocol ──

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=self._gateway.settings.write_buffer_bytes)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_idle():
            self._visit.expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_stall()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_watching()

    # ── what the parser finds ──

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._visit.expect_request()

    def on_message_complete(self) -> None:
        self._visit.request_came()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._let_go()
        super().handle_websocket_upgrade()

    # ── bounds ──

    def _is_idle(self) -> bool:
        """No request is being answered."""
        cycle: Any = self.cycle  # None before the first one, whatever its type says
        return cycle is None or cycle.response_complete

    def _watch_stall(self) -> None:
        """Until the answer is taken, some of it has to be within each ``stall_s``."""
        unsent = self.transport.get_write_buffer_size()
        stall_s = self._gateway.settings.stall_s
        self._stall = self.loop.call_later(stall_s, self._look_at_stall, unsent)

    def _look_at_stall(self, unsent: int) -> None:
        if self.transport.get_write_buffer_size() < unsent:
            self._watch_stall()
        else:
            self.transport.abort()

    def _stop_watching(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _let_go(self) -> None:
        """It ends or is a websocket now."""
        self._visit.end()
        self._stop_watching()
