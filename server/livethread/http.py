"""uvicorn's HTTP connection with the bounds it lacks.

A request has to arrive whole within ``request_deadline_s``, whatever trickles in meanwhile, and an
answer has to be taken: no bytes for ``stall_s``, and the connection is closed. Read from uvicorn
0.54, which has one deadline only, for silence between requests, and forgets that one at the first
byte. An address may hold so many connections, and the process; a websocket counts anew.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from livethread.auth.limits import source_of
from livethread.gateway import Gateway
from livethread.socket import bound_unsent

SPARE_CONNECTIONS = 32
"""Beyond ``max_connections``: who is one too many can still be told so, and /healthz be read."""


class HttpConnection(HttpToolsProtocol):
    """One connection until it ends or becomes a websocket."""

    def __init__(self, gateway: Gateway, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._gateway = gateway
        self._is_ours = False
        self._counted_as: str | None = None
        self._deadline: TimerHandle | None = None
        self._stall: TimerHandle | None = None

    # ── asyncio.Protocol ──

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        settings = self._gateway.settings
        bound = settings.max_connections + SPARE_CONNECTIONS
        if len(self.connections) > bound or not self._enter():
            self._gateway.stats.refused += 1
            transport.abort()
            return
        self._is_ours = True
        bound_unsent(transport, settings.write_buffer_bytes)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_idle():
            self._expect_request()

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
        self._expect_request()

    def on_message_complete(self) -> None:
        self._stop_waiting()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._let_go()
        super().handle_websocket_upgrade()

    # ── bounds ──

    def _is_idle(self) -> bool:
        """No request is being answered."""
        cycle: Any = self.cycle  # None before the first one, whatever its type says
        return cycle is None or cycle.response_complete

    def _expect_request(self) -> None:
        """From now on a request has to arrive in time, unless one is expected already."""
        if self._deadline is None and self._is_ours:
            deadline_s = self._gateway.settings.request_deadline_s
            self._deadline = self.loop.call_later(deadline_s, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

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

    def _enter(self) -> bool:
        """Count this connection under its address; a trusted proxy has as many as it likes."""
        address = self.client[0] if self.client else ""
        if self._gateway.services.proxies.is_trusted(address):
            return True
        source = source_of(address)
        if not self._gateway.visitors.enter(source):
            return False
        self._counted_as = source
        return True

    def _let_go(self) -> None:
        """It ends or is a websocket now: nothing is waited for or counted here any more."""
        self._is_ours = False
        self._stop_waiting()
        self._stop_watching()
        if self._counted_as is not None:
            self._gateway.visitors.leave(self._counted_as)
            self._counted_as = None
