"""A whole server without sockets, on a loop whose time and a store whose moods are ours."""

from __future__ import annotations

import asyncio
import json
import re
from asyncio import Future
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from livethread.auth.identity import Identity
from livethread.effects import Subscribe
from livethread.feed import Encoding, Kind
from livethread.following import Subscriber
from livethread.hub import Hub, HubLimits
from livethread.joining import Joining
from livethread.model import (
    Audience,
    ChangeRange,
    Committed,
    Outcome,
    Page,
    PageRequest,
    Role,
    Room,
    RoomName,
    Write,
)
from livethread.protocol.cursor import Cursor
from livethread.protocol.errors import LivethreadError, Unavailable
from livethread.relay import Relay, deliver
from livethread.snapshots import Snapshots
from livethread.views import page_json, room_json
from livethread.wire import encode_frame
from livethread.writer import Writer
from tests.contract.making import A
from tests.contract.memory_store import MemoryStore
from tests.protocol.reader import Json
from tests.server.readers import Checker, Sink, payload_of
from tests.server.virtual import VirtualLoop

T = TypeVar("T")
Fate = Literal["done", "failed", "in doubt"]
WORDS = re.compile(rb"word-\d+-")


def whole_room(audience: Audience) -> PageRequest:
    """All of it in one page."""
    return PageRequest(A, limit=10_000, replies=10_000, audience=audience, max_bytes=10**9)


class MoodyStore(MemoryStore):
    """Reads what is there when asked, and answers at once, when released, or not at all."""

    def __init__(self, committed: Callable[[Sequence[Outcome]], None] = lambda _: None) -> None:
        super().__init__()
        self._committed = committed
        self.is_slow = False
        self.is_failing = False
        self.fates: list[Fate] = []
        self.waiting: list[Future[None]] = []
        self.pages = 0

    async def _answer(self, found: T) -> T:
        if self.is_failing:
            raise Unavailable
        if self.is_slow:
            released: Future[None] = Future()
            self.waiting.append(released)
            await released
        return found

    def release(self, which: int = 0) -> None:
        if self.waiting:
            released = self.waiting.pop(which % len(self.waiting))
            if not released.done():
                released.set_result(None)

    async def commit(self, writes: Sequence[Write]) -> list[Outcome]:
        fate = self.fates.pop(0) if self.fates else "done"
        if fate == "failed":
            raise Unavailable
        outcomes = await super().commit(writes)
        self._committed(outcomes)
        await self._answer(None)
        if fate == "in doubt":
            raise Unavailable
        return outcomes

    async def room(self, name: RoomName) -> Room:
        return await self._answer(await super().room(name))

    async def changes(self, room: RoomName, since: int, *, limit: int) -> ChangeRange:
        return await self._answer(await super().changes(room, since, limit=limit))

    async def size_since(self, room: RoomName, since: int) -> int:
        return await self._answer(await super().size_since(room, since))

    async def page(self, request: PageRequest) -> Page:
        self.pages += 1
        return await self._answer(await super().page(request))


class Server:
    """The parts between socket and store, as ``app.compose`` wires them, with tight bounds."""

    def __init__(self, store: MoodyStore, loop: VirtualLoop) -> None:
        self.store = store
        self.hub = Hub(
            Relay(store, page_changes=3),
            encode_frame,
            loop,
            HubLimits(
                slice_sinks=2,
                ring_entries=5,
                ring_bytes=2000,
                frame_bytes=500,
                lag_changes=9,
                retry_s=1,
            ),
        )

        def deliver_to_hub(committed: Iterable[Committed]) -> None:
            deliver(self.hub, committed)

        self.writer = Writer(
            store,
            deliver_to_hub,
            self.hub.recheck,
            loop,
            max_queue=50,
            max_batch=4,
            company_s=0.002,
        )
        self.joining = Joining(
            store,
            self.hub,
            Snapshots(store, max_bytes=100_000),
            resume_changes=8,
            resume_bytes=4000,
        )


@dataclass
class Client:
    """One reader over many connections: what it holds, and what is still on its way to it."""

    loop: VirtualLoop
    kind: Kind
    checker: Checker
    seen: Any
    sink: Sink | None = None
    subscriber: Subscriber | None = None
    taken: int = 0
    joins: int = 0
    is_joined: bool = False
    wants_to_join: bool = True
    faults: list[str] = field(default_factory=list)

    @property
    def is_staff(self) -> bool:
        return self.kind.is_staff

    def connect(self, server: Server) -> None:
        if self.sink is None:
            self.sink = Sink(server.hub, self.seen)
            self.taken = 0
            self.join(server)

    def join(self, server: Server) -> None:
        assert self.sink is not None
        self.wants_to_join = False
        self.is_joined = False
        since = self.checker.connected()
        self.joins += 1
        self.loop.create_task(self._join(server, self.sink, since, self.joins))

    async def _join(self, server: Server, sink: Sink, since: str | None, number: int) -> None:
        """What ``socket.Connection._join`` does."""
        audience = Audience.STAFF if self.is_staff else Audience.PUBLIC
        page = whole_room(audience)
        cursor = None if since is None else Cursor.parse(since)
        wanted = Subscribe(A, None, cursor, False, page)
        identity = Identity("", "", Role.MODERATOR if self.is_staff else Role.ANONYMOUS)
        joining, encoding = server.joining, self.kind.encoding
        found = joining.start_at_once(wanted, identity, encoding)
        if found is None and (opening := joining.opening(wanted)) is not None:
            await asyncio.wait([opening])
            found = joining.start_at_once(wanted, identity, encoding)
        try:
            if found is None:
                start = await joining.start(wanted, identity, encoding)
                found = await joining.feed(A), start
        except LivethreadError:
            if self.sink is sink and self.joins == number:
                self.wants_to_join = True
            return
        feed, start = found
        if self.sink is not sink or self.joins != number:
            return
        if self.subscriber is not None:
            server.hub.unsubscribe(self.subscriber)
            sink.subscribers.remove(self.subscriber)
        sink.written.append(b"".join(start.frame))
        self.is_joined = True
        subscriber = server.hub.subscribe(feed, sink, self.kind, start.seq)
        if subscriber in sink.lost:
            self.subscriber = None
        else:
            self.subscriber = subscriber
            sink.subscribers.append(subscriber)

    def read(self, server: Server, most: int = 1_000) -> None:
        """Take the next frames off the wire; a reset makes it join anew."""
        if self.sink is None:
            return
        for data in self.sink.written[self.taken :][:most]:
            self.taken += 1
            self.checker.take(payload_of(data))
        if self.sink.lost and self.taken == len(self.sink.written):
            self.sink.lost.clear()
            self.subscriber = None
            self.sink.subscribers.clear()
            self.checker.reader.receive({"type": "reset"})
            self.wants_to_join = True

    def drop(self, server: Server) -> None:
        """The connection breaks; what was on its way is lost."""
        if self.sink is None:
            return
        self.sink.is_writable = False
        if self.subscriber is not None:
            server.hub.unsubscribe(self.subscriber)
        written = len(self.sink.written)
        self.sink.window = -(10**9)
        self.sink, self.subscriber = None, None
        self.is_joined, self.wants_to_join = False, True
        assert self.taken <= written


class Town:
    """Server, clients, authors, and the judge."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.loop = VirtualLoop()
        self.store = MoodyStore(self.committed)
        self.server = Server(self.store, self.loop)
        self.entries: dict[bool, dict[int, Any]] = {False: {}, True: {}}
        self.counts: dict[int, int] = {}
        self.hidden: set[bytes] = set()
        self.words_of: dict[int, set[bytes]] = {}
        self.clients = [
            Client(
                self.loop,
                kind,
                Checker(self.entries[kind.is_staff], self.counts),
                self.watch_staff if kind.is_staff else self.watch_public,
            )
            for kind in kinds
        ]
        self.acked: dict[str, Committed] = {}
        self.unanswered: dict[str, Write] = {}
        self.faults: list[str] = []

    # ── writing ──

    def submit(self, write: Write) -> None:
        """Have it committed, as a client that repeats it until there is an answer."""
        assert write.nonce is not None
        self.unanswered[write.nonce] = write
        self.server.writer.submit(write, lambda decided: self.answered(*decided[0]))

    def answered(self, write: Write, _: str | None, outcome: Outcome) -> None:
        assert write.nonce is not None
        if isinstance(outcome, Unavailable):
            return
        self.unanswered.pop(write.nonce, None)
        if isinstance(outcome, Committed):
            known = self.acked.setdefault(write.nonce, outcome)
            if known.seq != outcome.seq:
                self.faults.append(f"{write.nonce} was {known.seq}, now {outcome.seq}")
            self.note(outcome)

    def note(self, outcome: Committed) -> None:
        """What may be read from the moment of this answer on."""
        comment = outcome.comment
        if comment is None or outcome.is_duplicate:
            return
        current = WORDS.findall(comment.body.encode())
        words = self.words_of.setdefault(comment.id, set())
        words.update(current)
        if comment.state == "visible":
            self.hidden -= set(current)
        else:
            self.hidden |= words

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        """What is shown may be read at once, even if the answer is lost."""
        for outcome in outcomes:
            if not isinstance(outcome, Committed):
                continue
            self.counts[outcome.room.seq] = outcome.room.comments
            if outcome.comment is not None and outcome.comment.state == "visible":
                self.note(outcome)

    def watch_public(self, data: bytes) -> None:
        """Nothing leaves that was already hidden, or is held."""
        payload = json.dumps(payload_of(data)).encode()
        for word in WORDS.findall(payload):
            if word in self.hidden:
                self.faults.append(f"{word!r} is hidden and left in {payload[:300]!r}")

    def watch_staff(self, data: bytes) -> None:
        pass

    # ── the end ──

    def restart(self) -> None:
        """The process is gone with everything in memory; the store stays."""
        for client in self.clients:
            client.drop(self.server)
        self.loop.run(self.server.writer.close())
        self.loop.run(self.server.hub.close())
        self.server = Server(self.store, self.loop)

    def calm_down(self) -> None:
        """Everything works again; all come back and read to the end."""
        self.store.is_slow = self.store.is_failing = False
        self.store.fates.clear()
        for _ in range(30):
            while self.store.waiting:
                self.store.release()
            for write in list(self.unanswered.values()):
                self.submit(write)
            self.loop.advance(2)
            for client in self.clients:
                if client.sink is None:
                    client.connect(self.server)
                elif client.wants_to_join:
                    client.join(self.server)
                if client.sink is not None:
                    client.sink.resume()
            self.loop.settle()
            for client in self.clients:
                client.read(self.server)
            is_calm = all(c.is_joined and not c.wants_to_join for c in self.clients)
            if is_calm and not self.unanswered:
                return
        raise AssertionError("the town doesn't come to rest")

    def judge(self) -> None:
        """State + changes = snapshot, for everyone; every ack is in it once."""
        self.calm_down()
        assert not self.faults, self.faults
        assert not self.loop.failures, self.loop.failures
        for client in self.clients:
            audience = Audience.STAFF if client.is_staff else Audience.PUBLIC
            request = whole_room(audience)
            page = self.loop.run(self.store.page(request))
            comments: list[Json] = json.loads(json.dumps(page_json(page, audience)))["comments"]
            client.checker.compare(comments, room_json(page.room))
        everything = whole_room(Audience.STAFF)
        ids = [comment.id for comment in self.loop.run(self.store.page(everything)).comments]
        assert len(ids) == len(set(ids))
        posted = [done.comment.id for done in self.acked.values() if done.comment is not None]
        assert set(posted) <= set(ids)

    def close(self) -> None:
        self.loop.finish()


ENCODINGS = (Encoding.TEXT, Encoding.DEFLATED, Encoding.JSON)
