"""A process's feeds and their subscribers: the fan-out, and the only hot path.

A subscriber is a cursor plus a sink. One rule delivers everything: *when the sink can take bytes,
write feed[cursor:head]*. Live subscribers stand together, in cohorts, and are handed the same
bytes, built once; whoever stands elsewhere is caught up from the ring, else from the Store, and
then joins them. There are no per-client queues, so a slow reader costs one integer.

Everything here is synchronous but the reading from the Store; nothing awaits between looking at
shared state and changing it. Measured for 1,000 readers: one ``write`` a reader a flush, which is
the cost of the system call, and next to nothing of Python.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import AbstractEventLoop, Task
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from livethread.backlog import Backlog, FeedReader, Head, ReadFailed
from livethread.feed import EncodeFrame, Encoding, Entry, Feed, Gap, Kind
from livethread.following import Cohort, Following, Sink, Subscriber, Targets
from livethread.outlet import broadcast

ReadHead = Callable[[str], Awaitable[Head]]


WRITING_S = 10.0


@dataclass(frozen=True, slots=True)
class HubLimits:
    """Bounds; see ``Settings`` for what each one means."""

    slice_sinks: int = 256
    ring_entries: int = 1024
    ring_bytes: int = 256 * 1024
    frame_bytes: int = 64 * 1024
    lag_changes: int = 2000
    recall_changes: int = 0
    retry_s: float = 1.0


@dataclass(slots=True)
class HubStats:
    """Counters since the start, read by the metrics page."""

    flushes: int = 0
    flush_s: float = 0.0
    deliveries: int = 0
    bytes_out: int = 0
    catch_ups: int = 0
    store_reads: int = 0
    resets: int = 0
    store_failures: int = 0


class Hub:
    """See the module. ``encode`` makes websocket frames; ``json_name`` writes a room's name."""

    def __init__(
        self,
        reader: FeedReader,
        encode: EncodeFrame,
        loop: AbstractEventLoop,
        limits: HubLimits | None = None,
    ) -> None:
        self._reader = reader
        self._encode = encode
        self._loop = loop
        self._limits = limits or HubLimits()
        self._rooms: dict[str, Following] = {}
        self._tasks: set[Task[None]] = set()
        self.stats = HubStats()

    # ── feeds ──

    async def open(self, name: str, json_name: bytes, read_head: ReadHead | None = None) -> Feed:
        """The room's feed with its head known. Raises ``ReadFailed``."""
        opening = self.opening(name, json_name, read_head)
        if opening is not None:
            await asyncio.shield(opening)
        room = self._rooms[name]
        room.idle_since = self._loop.time()
        return room.feed

    def opening(
        self, name: str, json_name: bytes, read_head: ReadHead | None = None
    ) -> Task[None] | None:
        """The reading that a feed waits for, begun if need be; None if it is open.

        ``read_head`` reads it instead of the reader, for those who read more at the same time.
        """
        room = self._rooms.get(name)
        if room is None:
            limits = self._limits
            feed = Feed(
                name, json_name, max_entries=limits.ring_entries, max_bytes=limits.ring_bytes
            )
            # In place before it is read, so that what commits meanwhile waits in it.
            room = self._rooms[name] = Following(feed)
            room.idle_since = self._loop.time()  # whoever asked may be gone before it is read
        if room.feed.head is None and room.loading is None:
            room.loading = self._start(self._load(room, read_head or self._reader.head))
            room.loading.add_done_callback(_ended)
        return room.loading if room.feed.head is None else None

    def opened(self, name: str) -> Feed | None:
        """The feed if nothing has to be read for it."""
        room = self._rooms.get(name)
        return None if room is None or room.feed.head is None else room.feed

    async def _load(self, room: Following, read_head: ReadHead) -> None:
        try:
            head = await read_head(room.feed.name)
        except BaseException:
            self._rooms.pop(room.feed.name, None)
            raise
        try:
            room.feed.load(*head)
        except Gap:
            self.recheck(room.feed.name)
        self._schedule(room)

    def append(self, name: str, entries: Iterable[Entry], info: bytes) -> None:
        """Take in committed changes and have them sent. A gap is closed from the Store.

        ``info`` is the room as JSON after the last of them.
        """
        room = self._rooms.get(name)
        if room is None:
            return
        room.feed.info = info
        try:
            room.feed.append(entries)
        except Gap:
            self.recheck(name)
        self._schedule(room)

    def recheck(self, name: str) -> None:
        """Compare with the Store's head: something may have been committed that wasn't appended."""
        room = self._rooms.get(name)
        if room is None:
            return
        room.is_doubtful = True
        if not room.is_healing:
            room.is_healing = True
            self._start(self._heal(room))

    async def _heal(self, room: Following) -> None:
        """Restart the ring at the Store's head; who stands before it is caught up from there."""
        if room.loading is not None:
            await asyncio.wait([room.loading])
        while room.is_doubtful:
            room.is_doubtful = False  # until something happens that this reading may not see
            try:
                head = await self._reader.head(room.feed.name)
                if room.feed.head is not None and head.seq > room.feed.head:
                    room.feed.skip_to(head.seq)
                    room.feed.info = head.info
                self._schedule(room)
            except Exception as error:  # noqa: BLE001 (reported)
                room.is_doubtful = True
                self._failed(error)
                await asyncio.sleep(self._limits.retry_s)
        room.is_healing = False

    def drop_idle(self, older_than_s: float) -> None:
        """Forget feeds that nobody has followed for that long."""
        limit = self._loop.time() - older_than_s
        for name, room in list(self._rooms.items()):
            is_needed = room.subscribers or room.wakeups or room.feed.head is None
            if room.idle_since is not None and room.idle_since < limit and not is_needed:
                del self._rooms[name]

    # ── subscribers ──

    def subscribe(
        self, feed: Feed, sink: Sink, kind: Kind, cursor: int, *, is_unbounded: bool = False
    ) -> Subscriber:
        """Follow a feed from ``cursor`` on; what is already behind it is sent at once.

        The feed must come from :meth:`open` with nothing awaited in between.
        """
        room = self._rooms[feed.name]
        subscriber = Subscriber(feed, sink, kind, cursor, is_unbounded)
        room.subscribers[subscriber] = None
        room.idle_since = None
        self._catch_up(room, subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Stop following; nothing is written for this subscriber afterwards."""
        self.pause(subscriber)
        room = self._rooms.get(subscriber.feed.name)
        if room is not None and subscriber in room.subscribers:
            del room.subscribers[subscriber]
            room.writers.pop(subscriber, None)
            subscriber.cursor = -1
            if not room.subscribers:
                room.idle_since = self._loop.time()

    def tell_writing(self, subscriber: Subscriber, *, on: bool) -> None:
        """It is writing, for ``WRITING_S`` unless it says so again; or no longer."""
        room = self._rooms[subscriber.feed.name]
        if on:
            room.writers[subscriber] = self._loop.time() + WRITING_S
        else:
            room.writers.pop(subscriber, None)

    def pause(self, subscriber: Subscriber) -> None:
        """The sink takes no more: its cursor stays where it is."""
        subscriber.fall_out()

    def resume(self, subscriber: Subscriber) -> None:
        """The sink takes bytes again."""
        room = self._rooms.get(subscriber.feed.name)
        if room is not None and subscriber in room.subscribers:
            self._catch_up(room, subscriber)

    async def pull(self, feed: Feed, since: int, *, is_staff: bool) -> tuple[int, bytes]:
        """The ``changes`` payload after ``since`` and the seq it reaches, once there is one."""
        room = self._rooms[feed.name]
        while feed.head is not None and feed.head <= since:
            wakeup = self._loop.create_future()
            room.wakeups.append(wakeup)
            try:
                await wakeup
            finally:
                room.wakeups.remove(wakeup)
        kind, limits = Kind(is_staff, Encoding.JSON), self._limits
        found = feed.frame(since, feed.head or 0, kind, self._encode, limits.frame_bytes)
        if found is not None:
            return found
        backlog = await self._backlog(feed, since)
        return self._backlog_frame(feed, kind, backlog, since)

    def keeps(self, name: str) -> bool:
        """True if changes of that room are of use here."""
        return name in self._rooms

    def rooms(self) -> Iterator[tuple[str, Following]]:
        return iter(list(self._rooms.items()))

    @property
    def lagging(self) -> int:
        """Subscribers that a flush passes over."""
        return sum(
            len(room.subscribers) - sum(len(cohort.members) for cohort in room.cohorts)
            for room in self._rooms.values()
        )

    def _catch_up(self, room: Following, subscriber: Subscriber) -> None:
        """Write what the subscriber lacks up to ``feed.sent``, then let it join the live ones."""
        feed, sink = room.feed, subscriber.sink
        if subscriber.cohort is not None:
            return
        while sink.is_writable and 0 <= subscriber.cursor < feed.sent:
            behind = feed.sent - subscriber.cursor
            if behind > self._limits.lag_changes and not subscriber.is_unbounded:
                self._give_up(subscriber)
                return
            found = feed.frame(
                subscriber.cursor,
                feed.sent,
                subscriber.kind,
                self._encode,
                self._limits.frame_bytes,
            )
            if found is None:
                self._read(room, subscriber)
                return
            self.stats.catch_ups += 1
            self._send(subscriber, *found)
        if sink.is_writable and subscriber.cursor >= 0:
            room.enlist(subscriber, self._limits.slice_sinks)

    def _send(self, subscriber: Subscriber, to: int, frame: bytes) -> None:
        subscriber.cursor = to
        self.stats.deliveries += 1
        self.stats.bytes_out += len(frame)
        subscriber.write(frame)

    def _give_up(self, subscriber: Subscriber) -> None:
        self.stats.resets += 1
        self.unsubscribe(subscriber)
        subscriber.sink.lost_place(subscriber)

    # ── the Store, for those whom the ring can't help ──

    def _read(self, room: Following, subscriber: Subscriber) -> None:
        """Have the Store read for whoever waits for it: one reading of a room at a time."""
        room.waiting[subscriber] = None
        if not room.is_reading:
            room.is_reading = True
            self._start(self._read_backlogs(room))

    async def _read_backlogs(self, room: Following) -> None:
        """Read from where the first of those who wait stands; it serves all whom it reaches.

        After a restart thousands come back at once, from some places near the head.
        """
        feed, waiting = room.feed, room.waiting
        try:
            while waiting:
                first = next(iter(waiting))
                since = first.cursor
                if first.cohort or not 0 <= since < feed.tail:  # it has left, or the ring will do
                    served = [first]
                else:
                    # From somewhat earlier: then the next may find their place in the ring.
                    since = max(0, min(since, feed.tail - self._limits.recall_changes))
                    try:
                        backlog = await self._backlog(feed, since)
                    except Exception as error:  # noqa: BLE001 (reported)
                        self._failed(error)
                        await asyncio.sleep(self._limits.retry_s)
                        served = list(waiting)
                    else:
                        served = [one for one in waiting if since <= one.cursor < backlog.to]
                        served += [first] if first not in served else []
                        self._send_backlog(room, served, backlog)
                for subscriber in served:
                    del waiting[subscriber]
                for subscriber in served:
                    self._catch_up(room, subscriber)
        finally:  # whatever happens, the next who waits starts anew
            room.is_reading = False

    def _send_backlog(
        self, room: Following, subscribers: Iterable[Subscriber], backlog: Backlog
    ) -> None:
        """Write what was read to everyone who can take it, one frame a cursor and kind."""
        frames: dict[tuple[int, Kind], tuple[int, bytes]] = {}
        for subscriber in subscribers:
            if subscriber.cohort is not None:  # live again: the next flush has it
                continue
            while subscriber.sink.is_writable and 0 <= subscriber.cursor < backlog.to:
                key = (subscriber.cursor, subscriber.kind)
                if key not in frames:
                    frames[key] = self._backlog_frame(room.feed, key[1], backlog, key[0])
                self._send(subscriber, *frames[key])

    def _failed(self, error: Exception) -> None:
        """It is tried again, whatever it was: who waits for it waits for nothing else.

        What isn't ``ReadFailed`` is a bug, and goes to the loop's handler as one.
        """
        self.stats.store_failures += 1
        if not isinstance(error, ReadFailed):
            self._loop.call_exception_handler(
                {"message": "reading for a feed failed", "exception": error}
            )

    async def _backlog(self, feed: Feed, since: int) -> Backlog:
        """What the Store has after ``since``, but for what changed again while it was read.

        The feed brings that anew, and what was hidden meanwhile must not be sent any more.
        """
        skips = -1
        while skips != feed.skips:  # which keys changed in what was skipped, nobody knows
            skips = feed.skips
            self.stats.store_reads += 1
            with feed.watched() as changed:
                found = await self._reader.backlog(feed.name, since)
                if found.to <= since:
                    raise ReadFailed  # it knows less than this feed
                current = [e for e in found.entries if changed.get(e.key, 0) <= e.seq]
        if found.to >= feed.tail:
            feed.recall(since, current, found.comments if found.to == feed.tail else None)
        return Backlog(found.to, current, found.comments)

    def _backlog_frame(
        self, feed: Feed, kind: Kind, backlog: Backlog, since: int
    ) -> tuple[int, bytes]:
        """The frame for (since, to], cut at ``frame_bytes`` as the ring's are, and that ``to``."""
        parts: list[bytes] = []
        to, comments, size = backlog.to, backlog.comments, 0
        before = since
        for entry in backlog.entries:
            part = entry.staff if kind.is_staff else entry.public
            if entry.seq > since and part is not None:
                size += len(part)
                if size > self._limits.frame_bytes and parts:
                    to, comments = before, None
                    break
                parts.append(part)
            before = max(before, entry.seq)
        return to, self._encode(feed.payload(since, to, comments, parts), kind.encoding)

    # ── the flush ──

    def _schedule(self, room: Following) -> None:
        feed = room.feed
        for wakeup in room.wakeups:
            if not wakeup.done():
                wakeup.set_result(None)
        if feed.head is not None and feed.sent < feed.head and not feed.is_flushing:
            feed.is_flushing = True
            self._loop.call_soon(self._flush, room)

    def _flush(self, room: Following) -> None:
        """Send (sent, head] to all who are live: one frame a kind, one write a subscriber."""
        feed = room.feed
        assert feed.head is not None
        feed.sent = feed.head
        room.tidy(self._limits.slice_sinks)
        self._flush_slice(room, iter(room.cohorts.copy()), feed.sent)

    def _flush_slice(self, room: Following, cohorts: Iterator[Cohort], until: int) -> None:
        """Bring cohorts to ``until``; some hundred subscribers at a time, then others have a turn.

        Who joins one meanwhile stands at ``until`` already, or somewhere on the way to it.
        """
        started = time.perf_counter()
        visited = 0
        for cohort in cohorts:
            while cohort.cursor < until and cohort.members:
                visited += len(cohort.members)
                found = room.feed.frame(
                    cohort.cursor, until, cohort.kind, self._encode, self._limits.frame_bytes
                )
                if found is not None:
                    self._deliver(cohort, *found)
                    continue
                for subscriber in list(cohort.members):
                    subscriber.fall_out()
                    self._catch_up(room, subscriber)
            if visited >= self._limits.slice_sinks:
                self.stats.flush_s += time.perf_counter() - started
                self._loop.call_soon(self._flush_slice, room, cohorts, until)
                return
        self.stats.flush_s += time.perf_counter() - started
        self.stats.flushes += 1
        room.feed.is_flushing = False
        self._schedule(room)

    def _deliver(self, cohort: Cohort, to: int, frame: bytes) -> None:
        """Write one frame to all of a cohort. Who doesn't take all of it falls out, at ``to``."""
        targets = cohort.targets
        if targets is None:
            targets = cohort.targets = Targets(cohort.members)
        cohort.cursor = to
        self.stats.deliveries += len(cohort.members)
        self.stats.bytes_out += len(cohort.members) * len(frame)
        sent = broadcast(targets.sockets, frame)
        if sent.count(len(frame)) < len(sent):
            for subscriber, size in zip(targets.direct, sent, strict=True):
                if size < len(frame):
                    subscriber.sink.write_rest(frame, size)
        for subscriber in targets.others:
            subscriber.write(frame)

    def _start(self, work: Coroutine[Any, Any, None]) -> Task[None]:
        """Run owned work; :meth:`close` ends it. A failure reaches the loop's handler."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()


def _ended(task: Task[None]) -> None:
    """Whoever awaited it may be gone: its failure is no news then."""
    if not task.cancelled():
        task.exception()
