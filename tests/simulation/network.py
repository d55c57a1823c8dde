"""TCP between simulated processes: bytes in order, with delays, windows, cuts and dead links.

One connection never reorders its bytes; different ones overtake each other. A link may go dark:
nothing passes, and nobody is told. What a killed process has given to its kernel may still arrive.
"""

from __future__ import annotations

import asyncio
from asyncio import Transport
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.loop import Process, SeededLoop

Seen = Callable[["End", str, bytes], None]
"""Told of what an end ``wrote`` and ``read``."""

Accept = Callable[[], Any]


@dataclass
class Weather:
    """How the network is: a delay in s for each segment, bytes a second, and bytes under way."""

    delay_s: tuple[float, float] = (0.001, 0.02)
    bytes_per_s: float = 1_000_000
    window: int = 65_536
    is_down: bool = False
    """True: connecting hangs."""


@dataclass(eq=False)
class Pipe:
    """One direction: what the writer has not handed over, what is under way, what waits there."""

    unsent: bytearray = field(default_factory=bytearray)
    has_ended: bool = False
    flight: deque[tuple[float, bytes | None]] = field(default_factory=deque)
    flying: int = 0
    last_at: float = 0.0
    unread: deque[bytes | None] = field(default_factory=deque)
    waiting: int = 0


class Link:
    """A connection's two ends. ``is_dark``: nothing passes."""

    def __init__(self, network: Network, number: int, client: Process, server: Process) -> None:
        self.network = network
        self.number = number
        self.weather = network.weather
        self.is_dark = False
        self.is_frozen = False
        self.client = End(self, client, f"{client.name}#{number}")
        self.server = End(self, server, f"{client.name}#{number}")
        self.client.peer, self.server.peer = self.server, self.client

    def darken(self) -> None:
        self.is_dark = True

    def lighten(self) -> None:
        self.is_dark = False
        for end in (self.client, self.server):
            end.arrive()
            end.peer.pump()

    def freeze(self) -> None:
        """The client reads nothing; its kernel still takes what the window allows."""
        self.is_frozen = True

    def thaw(self) -> None:
        self.is_frozen = False
        self.client.look()

    def cut(self) -> None:
        """Both ends hear of it, and what was under way is lost."""
        for end in (self.client, self.server):
            end.reset()

    @property
    def is_over(self) -> bool:
        return self.client.is_lost and self.server.is_lost


class End(Transport):
    """A transport, as asyncio's over a socket. ``incoming`` is the pipe towards it."""

    peer: End

    def __init__(self, link: Link, process: Process, name: str) -> None:
        super().__init__({"peername": (f"10.0.0.{link.number % 250}", 1), "socket": _Socket()})
        self.link = link
        self.process = process
        self.name = name
        self.incoming = Pipe()
        self.is_lost = False
        self._protocol: Any = None
        self._is_closing = False
        self._is_paused = False
        self._is_full = False
        self._high, self._low = 65_536, 16_384

    @property
    def is_server(self) -> bool:
        return self is self.link.server

    def attach(self, protocol: Any) -> None:
        self._protocol = protocol
        protocol.connection_made(self)
        self.look()

    # ── asyncio.Transport ──

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def is_closing(self) -> bool:
        return self._is_closing

    def is_reading(self) -> bool:
        return not self._is_paused and not self._is_closing

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        self.look()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = 65_536 if high is None else high
        self._low = self._high // 4 if low is None else low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        return len(self.peer.incoming.unsent)

    def write(self, data: Any) -> None:
        pipe = self.peer.incoming
        if self._is_closing or self.is_lost or pipe.has_ended or not self.process.is_alive:
            return
        self.link.network.seen(self, "wrote", bytes(data))
        pipe.unsent += data
        self.pump()
        if len(pipe.unsent) > self._high and not self._is_full:
            self._is_full = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.peer.incoming.has_ended = True
        self.pump()

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            if not self.peer.incoming.unsent:
                self.process.soon(self._lose, None)

    def abort(self) -> None:
        self._is_closing = True
        self.peer.incoming.unsent.clear()
        self.process.soon(self._lose, ConnectionAbortedError())

    # ── the way of the bytes ──

    def pump(self) -> None:
        """Hand over to the network what its window takes."""
        pipe, link, network = self.peer.incoming, self.link, self.link.network
        while pipe.unsent and pipe.flying + pipe.waiting < link.weather.window:
            room = link.weather.window - pipe.flying - pipe.waiting
            size = min(room, len(pipe.unsent), network.random.choice((200, 1_400, 20_000)))
            segment = bytes(pipe.unsent[:size])
            del pipe.unsent[:size]
            self._launch(segment)
        if not pipe.unsent:
            if pipe.has_ended and (not pipe.flight or pipe.flight[-1][1] is not None):
                self._launch(None)
            if self._is_closing and not self.is_lost:
                self.process.soon(self._lose, None)
        if self._is_full and len(pipe.unsent) <= self._low:
            self.process.soon(self._drained)

    def _launch(self, segment: bytes | None) -> None:
        pipe, weather, network = self.peer.incoming, self.link.weather, self.link.network
        size = len(segment or b"")
        delay_s = network.random.uniform(*weather.delay_s) + size / weather.bytes_per_s
        pipe.last_at = max(pipe.last_at, network.loop.time() + delay_s)
        pipe.flight.append((pipe.last_at, segment))
        pipe.flying += size
        network.loop.apart(pipe.last_at, self.peer.arrive)

    def _drained(self) -> None:
        if self._is_full and not self.is_lost and self.get_write_buffer_size() <= self._low:
            self._is_full = False
            self._protocol.resume_writing()

    def arrive(self) -> None:
        """Take in what has come by now, unless nothing passes."""
        pipe = self.incoming
        while not self.link.is_dark and pipe.flight:
            at, segment = pipe.flight[0]
            if at > self.link.network.loop.time():
                return
            pipe.flight.popleft()
            pipe.flying -= len(segment or b"")
            if self.is_lost:
                if segment is not None:
                    self.peer.reset()  # nobody there any more
                continue
            pipe.unread.append(segment)
            pipe.waiting += len(segment or b"")
            self.look()

    def look(self) -> None:
        """Have what waits read, if anybody reads."""
        is_frozen = self.link.is_frozen and not self.is_server
        if self.incoming.unread and self.is_reading() and not is_frozen:
            self.process.soon(self._read)

    def _read(self) -> None:
        is_frozen = self.link.is_frozen and not self.is_server
        pipe = self.incoming
        if self.is_lost or not self.is_reading() or is_frozen or not pipe.unread:
            return
        if self._protocol is None:
            return
        segment = pipe.unread.popleft()
        if segment is None:
            if not self._protocol.eof_received():
                self.close()
            return
        pipe.waiting -= len(segment)
        self.peer.pump()
        self.link.network.seen(self, "read", segment)
        self._protocol.data_received(segment)
        self.look()

    # ── the end ──

    def reset(self) -> None:
        """The other side is gone; what it had sent is lost."""
        self.incoming.unread.clear()
        self.incoming.flight.clear()
        self._is_closing = True
        self.process.soon(self._lose, ConnectionResetError())

    def _lose(self, error: Exception | None) -> None:
        if self.is_lost or (error is None and self.peer.incoming.unsent):
            return
        self.die(is_reset=error is not None or bool(self.incoming.unread))
        if self._protocol is not None:
            self._protocol.connection_lost(error)

    def die(self, *, is_reset: bool) -> None:
        """The kernel closes the socket: with what was handed over still under way, or with it lost.

        As Linux does it: a reset, too, if something was not read.
        """
        if self.is_lost:
            return
        self.is_lost = True
        pipe = self.peer.incoming
        pipe.unsent.clear()
        if is_reset:
            delay_s = self.link.network.random.uniform(*self.link.weather.delay_s)
            self.link.network.loop.apart(self.link.network.loop.time() + delay_s, self._reset_peer)
        elif not pipe.has_ended:
            pipe.has_ended = True
            self._launch(None)

    def _reset_peer(self) -> None:
        if not self.link.is_dark and not self.peer.is_lost:
            self.peer.reset()


class _Socket:
    def fileno(self) -> int:
        return -1

    def setsockopt(self, *_: object) -> None:
        pass


class Network:
    """Connects clients with whoever listens."""

    def __init__(self, loop: SeededLoop, random: Random, seen: Seen) -> None:
        self.loop = loop
        self.random = random
        self.seen = seen
        self.weather = Weather()
        self.links: list[Link] = []
        self._numbers = 0
        self._listener: tuple[Process, Accept] | None = None
        loop.connector = self._connect

    def listen(self, server: Process, accept: Accept) -> None:
        """``accept`` makes the protocol of a connection, within the server."""
        self._listener = server, accept

    def close(self) -> None:
        """Nobody listens any more; connections stay."""
        self._listener = None

    async def _connect(self, protocol_factory: Callable[[], Any]) -> tuple[Any, Any]:
        await asyncio.sleep(self.random.uniform(*self.weather.delay_s))
        if self.weather.is_down:
            await asyncio.Event().wait()
        if self._listener is None or not self._listener[0].is_alive:
            raise ConnectionRefusedError("connection refused")
        server, accept = self._listener
        self._numbers += 1
        link = Link(self, self._numbers, Process.current(), server)
        self.links = [old for old in self.links if not old.is_over]
        self.links.append(link)
        server.soon(lambda: link.server.attach(accept()))
        protocol = protocol_factory()
        link.client.attach(protocol)
        return link.client, protocol

    def process_died(self, process: Process) -> None:
        """Its kernel takes leave of everyone, one way or the other."""
        how = self.random.choice(("end", "reset", "silence"))
        for link in self.links:
            for end in (link.client, link.server):
                if end.process is process and not end.is_lost:
                    if how == "silence":
                        link.darken()  # the machine is gone, and knows nothing when it is back
                    end.die(is_reset=how == "reset")
