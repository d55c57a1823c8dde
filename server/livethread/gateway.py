"""What all connections of this process share, and the one timer that looks after them."""

from __future__ import annotations

import asyncio
import secrets
from asyncio import AbstractEventLoop, Future, Task
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol

import structlog

from livethread.auth.authenticator import Authenticator
from livethread.auth.directory import Directory
from livethread.auth.identity import Identity
from livethread.auth.limits import Tally
from livethread.auth.proxies import ProxyPolicy
from livethread.auth.sign_in import SignIn
from livethread.expiries import Expiries
from livethread.following import Following
from livethread.hook import Hook
from livethread.hub import Hub
from livethread.joining import Joining
from livethread.protocol import frames
from livethread.protocol.codec import encode
from livethread.protocol.errors import CloseCode, LivethreadError
from livethread.rules import SessionRules
from livethread.settings import Settings
from livethread.site import name_of
from livethread.store.base import Store
from livethread.watching import Watchers
from livethread.wire import encode_frame
from livethread.writer import Writer

log = structlog.get_logger(__name__)

TELL_REFUSED_S = 60.0
"""Refused connections are counted in the log that often: a line each would be a way to fill it."""

WATCH_S = 1.0
"""A ban, a revoked token or a new site is noticed that much later, at most."""

FORGET_LINKS_S = 600.0
"""A sign-in link that nobody used goes so long after its time, at most, and the address with it."""

_KNOWN_CODES = frozenset({*CloseCode, *range(1000, 1016)})
"""A client that closes may choose among thousands of codes; each would be a series of its own."""


class Peer(Protocol):
    """A connection as the timer sees it."""

    heard_at: float

    def __hash__(self) -> int: ...
    def write(self, data: bytes, /) -> None: ...
    def hello_overdue(self) -> None: ...
    def went_silent(self) -> None: ...
    def stalled(self) -> None: ...
    def expire(self) -> None: ...
    def abort(self) -> None: ...
    def unsent_bytes(self) -> int: ...
    def review(self) -> None: ...


@dataclass(slots=True, eq=False)
class Stream:
    """What HTTP holds open: events, or a long poll. ``ended`` says that it is to finish.

    ``readers`` is how many read the room, 0 before it is told, ``writing`` how many of them write;
    ``nudge`` is called when that has changed.
    """

    room: str
    address: str
    identity: Identity
    ended: Future[None]
    readers: int = 0
    writing: int = 0
    nudge: Callable[[], None] | None = None

    def end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


@dataclass(slots=True)
class GatewayStats:
    opened: int = 0
    refused: int = 0
    foreign: int = 0
    received: int = 0
    closed: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Services:
    """The parts a gateway brings together; ``app`` makes them."""

    settings: Settings
    rules: SessionRules
    store: Store
    hub: Hub
    writer: Writer
    joining: Joining
    authenticator: Authenticator
    directory: Directory
    proxies: ProxyPolicy
    sign_in: SignIn | None = None
    hook: Hook | None = None


class Gateway:
    """The registry of open connections; its timer ticks once a second or oftener."""

    def __init__(self, services: Services, loop: AbstractEventLoop) -> None:
        settings = services.settings
        self.services = services
        self.settings = settings
        self.loop = loop
        self.stats = GatewayStats()
        self.is_draining = False
        self.streams: set[Stream] = set()
        self.addresses = Tally(settings.max_connections_per_address)
        self.visitors = Tally(settings.max_connections_per_address)  # over HTTP
        self.identities = Tally(settings.max_connections_per_identity)
        self._tick_s = min(
            1.0,
            settings.heartbeat_s / 4,
            settings.hello_deadline_s / 4,
            settings.stall_s / 4,
            settings.presence_s / 4 or 1.0,
        )
        self._ticks = 0
        self.watchers = Watchers(settings.write_buffer_bytes)
        self._news = asyncio.Event()
        self._forgotten = 0
        self._links_at = loop.time()
        slots = max(1, round(settings.heartbeat_s / self._tick_s))
        self._wheel: list[dict[Peer, None]] = [{} for _ in range(slots)]
        self._slots: dict[Peer, int] = {}
        self._hellos: deque[tuple[float, Peer]] = deque()
        self._closing: deque[tuple[float, Peer]] = deque()
        self._stalled: dict[Peer, tuple[float, int]] = {}
        self._expiries: Expiries[Peer] = Expiries()
        self._timer: Task[None] | None = None
        self._watch: Task[None] | None = None
        self._tell_refused_at = loop.time()
        self._told_refused = (0, 0)

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def stalled_count(self) -> int:
        return len(self._stalled)

    @staticmethod
    def new_session_id() -> str:
        return secrets.token_hex(6)

    # ── the registry ──

    def enter(self, peer: Peer) -> None:
        """A connection is open; its first frame is awaited."""
        self.stats.opened += 1
        slot = (self._ticks - 1) % len(self._wheel)
        self._wheel[slot][peer] = None
        self._slots[peer] = slot
        self._hellos.append((self.loop.time() + self.settings.hello_deadline_s, peer))

    def leave(self, peer: Peer, code: int) -> None:
        slot = self._slots.pop(peer, None)
        if slot is not None:
            del self._wheel[slot][peer]
            known = code if code in _KNOWN_CODES else int(CloseCode.NORMAL)
            self.stats.closed[known] = self.stats.closed.get(known, 0) + 1
        self._stalled.pop(peer, None)
        self._expiries.discard(peer)
        self.watchers.set(peer, None)

    def closing(self, peer: Peer, within_s: float = 2.0) -> None:
        """A close frame was sent: the peer has that long to answer it."""
        self._closing.append((self.loop.time() + within_s, peer))

    def paused(self, peer: Peer) -> None:
        self._stalled[peer] = (self.loop.time(), peer.unsent_bytes())

    def resumed(self, peer: Peer) -> None:
        self._stalled.pop(peer, None)

    def expires(self, peer: Peer, identity: Identity) -> None:
        if peer in self._slots:
            self._expiries.set(peer, identity.expires_ms)

    def open_stream(self, room: str, address: str, identity: Identity) -> Stream | None:
        """Count what HTTP holds open among the connections; None if there are too many."""
        is_full = len(self) + len(self.streams) >= self.settings.max_connections
        if self.is_draining or is_full or not self.addresses.enter(address):
            self.stats.refused += 1
            return None
        if identity.id and not self.identities.enter(identity.id):
            self.addresses.leave(address)
            self.stats.refused += 1
            return None
        stream = Stream(room, address, identity, self.loop.create_future())
        self.streams.add(stream)
        return stream

    def close_stream(self, stream: Stream) -> None:
        """The other end of :meth:`open_stream`."""
        self.streams.remove(stream)
        self.addresses.leave(stream.address)
        if stream.identity.id:
            self.identities.leave(stream.identity.id)

    def drain(self) -> list[Peer]:
        """Take no new work and end the streams; returns who is still connected."""
        self.is_draining = True
        for stream in self.streams:
            stream.end()
        return list(self._slots)

    # ── the timer ──

    def start(self) -> None:
        self._timer = self.loop.create_task(self._run())
        self._watch = self.loop.create_task(self._watch_directory())

    async def stop(self) -> None:
        for task in (self._timer, self._watch):
            if task is not None:
                task.cancel()
        if self._watch is not None:
            await asyncio.wait([self._watch])  # it may be reading the Store, which closes next
        self._tell_refused(inf)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._tick_s)
            self._do(self.tick)

    async def _watch_directory(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH_S):
                    await self._news.wait()
            self._news.clear()
            try:
                if await self.services.directory.refresh():
                    self.review()
                await self._forget_erased()
                await self._forget_links()
            except LivethreadError:
                continue  # the Store says so; what was known counts on
            except Exception:
                log.exception("timer_failed", duty="watch_directory")

    async def _forget_erased(self) -> None:
        """Where somebody was erased, have neither feeds nor the database's log remember them."""
        directory, hub = self.services.directory, self.services.hub
        erasures = directory.erasures
        if erasures == self._forgotten:
            return
        for name, _ in hub.rooms():
            hub.recheck(name)
        if await self.services.store.scrub():
            self._forgotten = erasures

    async def _forget_links(self) -> None:
        """At the start, and then now and again, have links and addresses go that nobody used."""
        if self.loop.time() >= self._links_at:
            await self.services.store.forget_links(self.services.rules.clock_ms())
            self._links_at = self.loop.time() + FORGET_LINKS_S

    def look(self) -> None:
        """Something was said through this server: the directory needn't wait for its turn."""
        self._news.set()

    def review(self) -> None:
        """Hold everyone who is connected against what the directory now says."""
        for peer in list(self._slots):
            self._do(peer.review)
        for stream in list(self.streams):
            self._do(self._review_stream, stream)

    def _review_stream(self, stream: Stream) -> None:
        """Whoever stands otherwise now comes back, and is then told so."""
        try:
            if self.services.directory.review(stream.identity) is stream.identity:
                return
        except LivethreadError:
            pass
        stream.end()

    def tick(self) -> None:
        """One turn of the timer: deadlines, heartbeats, stalls, expiry, presence, idle rooms."""
        now = self.loop.time()
        self._ticks += 1
        while self._hellos and self._hellos[0][0] <= now:
            self._do(self._hellos.popleft()[1].hello_overdue)
        while self._closing and self._closing[0][0] <= now:
            self._do(self._closing.popleft()[1].abort)
        self._heartbeat(now)
        self._close_stalled(now)
        for peer in self._expiries.take_due(self.services.rules.clock_ms()):
            self._do(peer.expire)
        if self.settings.presence_s:
            every = max(1, round(self.settings.presence_s / self._tick_s))
            if self._ticks % every == 0:
                self._do(self._tell_presence)
        self._do(self.services.hub.drop_idle, self.settings.room_idle_s)
        self._do(self._tell_refused, now)

    def _do(self, duty: Callable[..., None], *arguments: Any) -> None:
        """One thing that is due. If it fails, that is a bug; the others' turn comes all the same.

        This is the only timer: without it nobody's silence, stall or expiry would be noticed.
        """
        try:
            duty(*arguments)
        except Exception:
            log.exception("timer_failed", duty=getattr(duty, "__name__", None))

    def _tell_refused(self, now: float) -> None:
        """The first at once, then how many in a minute."""
        stats, (refused, foreign) = self.stats, self._told_refused
        count = {"over_a_bound": stats.refused - refused, "foreign_origin": stats.foreign - foreign}
        if now >= self._tell_refused_at and any(count.values()):
            self._tell_refused_at = now + TELL_REFUSED_S
            self._told_refused = (stats.refused, stats.foreign)
            log.warning("connections_refused", **count)

    def _heartbeat(self, now: float) -> None:
        """One slot of the wheel: each connection is visited once per heartbeat interval."""
        slot = self._wheel[self._ticks % len(self._wheel)]
        if not slot:
            return
        frame = encode_frame(encode(frames.Heartbeat(t=self.services.rules.clock_ms())))
        for peer in list(slot):
            if peer in self._stalled:
                continue  # nothing is read from it, either
            if now - peer.heard_at > self.settings.silence_s:
                self._do(peer.went_silent)
            else:
                self._do(peer.write, frame)

    def _close_stalled(self, now: float) -> None:
        for peer, (since, unsent) in list(self._stalled.items()):
            left = peer.unsent_bytes()
            if left < unsent:
                self._stalled[peer] = (now, left)
            elif now - since > self.settings.stall_s:
                self._do(peer.stalled)

    def _tell_presence(self) -> None:
        """Tell whoever has not been told how many read their room, and how many others write.

        Who is behind is told when it has caught up.
        """
        over_http = Counter(stream.room for stream in self.streams)
        rooms = dict(self.services.hub.rooms())
        for room in rooms.values():
            room.forget_writers(self.loop.time())
        for stream in self.streams:
            feed = rooms.get(stream.room)
            subscribers, writing = (len(feed.subscribers), len(feed.writers)) if feed else (0, 0)
            news = subscribers + over_http[stream.room], writing
            if (stream.readers, stream.writing) != news:
                stream.readers, stream.writing = news
                if stream.nudge is not None:
                    stream.nudge()
        for name, room in rooms.items():
            self._tell_room(name, room, len(room.subscribers) + over_http[name])

    def _tell_room(self, name: str, room: Following, readers: int) -> None:
        news = readers, len(room.writers)
        made: dict[tuple[int, int], bytes] = {}
        for subscriber in [s for s in room.live if s.told != news]:
            told = (readers, news[1] - 1) if subscriber in room.writers else news
            if subscriber.told == told:
                continue
            if told not in made:
                made[told] = encode_frame(encode(presence(name, *told)))
            subscriber.told = told
            subscriber.write(made[told])


def presence(room: str, readers: int, writing: int) -> frames.Presence:
    """How many read a room that is named by its key."""
    return frames.Presence(room=name_of(room), readers=readers, writing=writing or None)
