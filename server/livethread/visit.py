"""What a connection is as long as it is no websocket: one of its address's, with a request due."""

from __future__ import annotations

from asyncio import TimerHandle, Transport

from livethread.auth.limits import source_of
from livethread.gateway import Gateway

SPARE_CONNECTIONS = 32
"""Beyond ``max_connections``: who is one too many can still be told so, and /healthz be read."""


class Visit:
    """Begun when the connection is made; a websocket ends it, for that counts anew."""

    __slots__ = ("_counted_as", "_deadline", "_gateway", "_is_over", "_transport")

    def __init__(self, gateway: Gateway, transport: Transport) -> None:
        self._gateway = gateway
        self._transport = transport
        self._counted_as: str | None = None
        self._deadline: TimerHandle | None = None
        self._is_over = False

    def begin(self, connections: int) -> bool:
        """Count one more and expect its request; false if ``connections`` are too many.

        An address has a bound of its own; a trusted proxy has as many as it likes.
        """
        gateway = self._gateway
        bound = gateway.settings.max_connections + SPARE_CONNECTIONS
        if connections > bound or not self._enter():
            gateway.stats.refused += 1
            return False
        self.expect_request()
        return True

    def expect_request(self) -> None:
        """From now on a request has to arrive in time, unless one is expected already."""
        if self._deadline is None and not self._is_over:
            deadline_s = self._gateway.settings.request_deadline_s
            self._deadline = self._gateway.loop.call_later(deadline_s, self._transport.abort)

    def request_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def end(self) -> None:
        """Nothing is waited for or counted here any more."""
        self._is_over = True
        self.request_came()
        if self._counted_as is not None:
            self._gateway.visitors.leave(self._counted_as)
            self._counted_as = None

    def _enter(self) -> bool:
        peer = self._transport.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        if self._gateway.services.proxies.is_trusted(address):
            return True
        source = source_of(address)
        if not self._gateway.visitors.enter(source):
            return False
        self._counted_as = source
        return True
