from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from itertools import count
from json import JSONDecoder
from socket import SocketType, socketpair
from typing import Any

import pytest

from livethread.backlog import Backlog, Head, ReadFailed
from livethread.feed import Encoding, Entry, Feed, Kind
from livethread.following import Subscriber
from livethread.hub import Hub, HubLimits
from livethread.outlet import broadcast
from tests.server.readers import PUBLIC, STAFF, Sink, payload_of
from tests.server.virtual import VirtualLoop

DEFLATED = Kind(False, Encoding.DEFLATED)
LIMITS = HubLimits(
    slice_sinks=2, ring_entries=8, ring_bytes=10_000, frame_bytes=4_000, lag_changes=20, retry_s=1
)


class Log:
    """A feed on disk: compacted entries, read when and as the test says."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.seq = 0
        self.page = 100
        self.failures = 0
        self.bugs = 0
        self.heads = 0
        self.reads: list[int] = []
        self.gates: list[asyncio.Event] = []

    def commit(self, *keys: int, size: int = 10, public: bool = True) -> list[Entry]:
        """Entries of new comments (key 0) or of older ones that changed again."""
        made = []
        for key in keys or (0,):
            self.seq += 1
            part = b'{"seq":%d,"text":"words-%d-%b"}' % (self.seq, self.seq, b"x" * size)
            public_part = part if public else None
            entry = Entry(self.seq, key or self.seq, public_part, part, self.seq * 10)
            self.entries[entry.key] = entry
            made.append(entry)
        return made

    async def head(self, room: str, /) -> Head:
        self.heads += 1
        found = Head("k3", self.seq, b'{"seq":%d}' % self.seq)
        await self._answer()
        return found

    async def backlog(self, room: str, since: int, /) -> Backlog:
        self.reads.append(since)
        after = sorted(e for e in self.entries.values() if e.seq > since)[: self.page]
        to = after[-1].seq if len(after) == self.page else self.seq
        comments = to * 10 if to == self.seq else None
        await self._answer()
        return Backlog(to, [entry._replace(comments=None) for entry in after], comments)

    async def _answer(self) -> None:
        if self.gates:
            await self.gates.pop(0).wait()
        if self.bugs:
            self.bugs -= 1
            raise ZeroDivisionError
        if self.failures:
            self.failures -= 1
            raise ReadFailed


class Room:
    """A hub with one room, on a loop of its own."""

    def __init__(self, limits: HubLimits = LIMITS) -> None:
        self.loop = VirtualLoop()
        self.log = Log()
        self.encoded = count()
        self.hub = Hub(self.log, self.encode, self.loop, limits)

    def encode(self, payload: bytes, encoding: Encoding) -> bytes:
        next(self.encoded)
        return bytes(bytearray(payload))

    def open(self) -> Feed:
        return self.loop.run(self.hub.open("a", b'"a"'))

    def sink(self, kind: Kind = PUBLIC, since: int | None = None, window: int = 10**6) -> Sink:
        feed = self.open()
        sink = Sink(self.hub)
        sink.window = window
        self.subscribe(sink, kind, (feed.head or 0) if since is None else since)
        return sink

    def subscribe(self, sink: Sink, kind: Kind, since: int) -> Subscriber:
        subscriber = self.hub.subscribe(self.open(), sink, kind, since)
        sink.subscribers.append(subscriber)
        return subscriber

    def append(self, *keys: int, size: int = 10, public: bool = True) -> None:
        entries = self.log.commit(*keys, size=size, public=public)
        self.hub.append("a", entries, b'{"seq":%d}' % self.log.seq)

    def gate(self) -> asyncio.Event:
        """The next reading ends when this is set; it reads what is there when it begins."""
        self.log.gates.append(asyncio.Event())
        return self.log.gates[-1]


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    assert not made.loop.failures
    made.loop.finish()


# ── the flush ──


def test_all_live_readers_get_the_same_object_built_once(room: Room) -> None:
    sinks = [room.sink() for _ in range(5)]
    room.append(0, 0)
    room.loop.settle()
    assert len({id(sink.written[0]) for sink in sinks}) == 1
    assert [sink.ranges for sink in sinks] == [[(0, 2)]] * 5
    assert next(room.encoded) == 1


def test_a_frame_too_large_for_one_is_shared_in_its_parts(room: Room) -> None:
    sinks = [room.sink() for _ in range(5)]
    room.append(*[0] * 6, size=1500)
    room.loop.settle()
    assert [sink.ranges for sink in sinks] == [[(0, 2), (2, 4), (4, 6)]] * 5
    assert next(room.encoded) == 3
    for part in range(3):
        assert len({id(sink.written[part]) for sink in sinks}) == 1


def test_what_arrives_during_a_flush_goes_out_together_in_the_next(room: Room) -> None:
    sink = room.sink()
    for _ in range(4):
        room.append()
    room.loop.settle()
    assert sink.ranges == [(0, 4)]


def test_a_large_room_is_flushed_in_slices_with_turns_between(room: Room) -> None:
    sinks = [room.sink() for _ in range(30)]
    room.append()
    reached = []
    for _ in range(30):
        room.loop.turn()
        reached.append(sum(bool(sink.written) for sink in sinks))
    assert reached[0] < reached[1] < reached[2]
    assert reached[-1] == 30


def test_a_write_during_a_flush_reaches_all_in_order(room: Room) -> None:
    sinks = [room.sink() for _ in range(30)]
    room.append()
    room.loop.turn()
    room.append()
    room.loop.settle()
    assert [sink.ranges for sink in sinks] == [[(0, 1), (1, 2)]] * 30


def test_audiences_get_their_own_frames_over_the_same_range(room: Room) -> None:
    public, staff, deflated = room.sink(PUBLIC), room.sink(STAFF), room.sink(DEFLATED)
    room.append(public=False)
    room.append()
    room.loop.settle()
    assert (public.seqs, staff.seqs, deflated.seqs) == ([2], [1, 2], [2])
    assert public.ranges == staff.ranges == deflated.ranges == [(0, 2)]
    assert public.written[0] is not deflated.written[0]


def test_an_idle_hub_has_nothing_scheduled(room: Room) -> None:
    room.sink()
    room.loop.settle()
    room.hub.append("a", [], b"{}")
    room.hub.append("unknown", room.log.commit(), b"{}")
    room.loop.settle()
    assert not asyncio.all_tasks(room.loop)


# ── lagging ──


def test_a_slow_reader_is_skipped_and_caught_up_from_the_ring(room: Room) -> None:
    slow, quick = room.sink(), room.sink()
    slow.pause()
    for _ in range(3):
        room.append()
        room.loop.settle()
    assert slow.written == []
    assert quick.ranges == [(0, 1), (1, 2), (2, 3)]
    assert room.hub.lagging == 1
    slow.resume()
    assert slow.ranges == [(0, 3)]
    room.append()
    room.loop.settle()
    assert slow.ranges == [(0, 3), (3, 4)]
    assert room.log.reads == []
    assert room.hub.lagging == 0


def test_a_reader_that_pauses_in_the_middle_of_a_write_has_that_frame(room: Room) -> None:
    sink = room.sink(window=1)
    room.append()
    room.loop.settle()
    room.append()
    room.loop.settle()
    assert sink.ranges == [(0, 1)]
    sink.resume()
    assert sink.ranges == [(0, 1), (1, 2)]


def test_a_reader_paused_while_catching_up_goes_on_where_it_stopped(room: Room) -> None:
    sink = room.sink()
    sink.pause()
    room.append(*[0] * 6, size=1500)
    room.loop.settle()
    sink.resume(window=1)
    assert sink.ranges == [(0, 2)]
    sink.resume(window=1)
    sink.resume()
    assert sink.ranges == [(0, 2), (2, 4), (4, 6)]


def test_beyond_the_ring_the_store_is_read_once_for_all_at_the_same_place(room: Room) -> None:
    sinks = [room.sink() for _ in range(4)]
    for sink in sinks:
        sink.pause()
    for _ in range(12):
        room.append()
    room.loop.settle()
    for sink in sinks:
        sink.resume()
    room.loop.settle()
    assert room.log.reads == [0]
    assert [sink.ranges for sink in sinks] == [[(0, 12)]] * 4
    assert len({id(sink.written[0]) for sink in sinks}) == 1
    room.append()
    room.loop.settle()
    assert sinks[0].seqs == list(range(1, 14))


def test_those_who_come_back_to_different_places_share_readings(room: Room) -> None:
    """One reading at a time, of as much as a page holds; later comers find it in the ring."""
    for _ in range(6):
        room.log.commit()
    gate = room.gate(), room.gate()
    gate[0].set()  # the head's
    sinks = [room.sink(since=since) for since in (3, 5, 1, 4, 2, 0, 6)]
    room.loop.settle()
    assert room.log.reads == [3]
    gate[1].set()
    room.loop.settle()
    assert room.log.reads == [3, 1, 0]
    assert [sink.seqs for sink in sinks] == [
        list(range(since + 1, 7)) for since in (3, 5, 1, 4, 2, 0, 6)
    ]
    assert room.sink(since=2).seqs == [3, 4, 5, 6]
    assert len(room.log.reads) == 3


def test_one_who_reads_everything_holds_nobody_up(room: Room) -> None:
    """Pages are read in turn: for one from the beginning, then for one near the head."""
    room.log.page = 3
    room.open()
    room.append(*[0] * 18)
    replaying, gate = Sink(room.hub), room.gate()
    replaying.subscribers.append(
        room.hub.subscribe(room.open(), replaying, PUBLIC, 0, is_unbounded=True)
    )
    late = room.sink(since=8)
    gate.set()
    room.loop.settle()
    assert room.log.reads[:3] == [0, 8, 3]
    assert replaying.seqs == list(range(1, 19))
    assert late.seqs == list(range(9, 19))


def test_whoever_leaves_or_is_caught_up_while_waiting_needs_no_reading(room: Room) -> None:
    room.open()
    room.append(*[0] * 12)
    gate = room.gate()
    first, gone, behind = room.sink(since=3), room.sink(since=2), room.sink(since=3)
    room.loop.settle()
    room.hub.unsubscribe(gone.subscribers[0])
    behind.pause()
    behind.resume()
    gate.set()
    room.loop.settle()
    assert room.log.reads == [3]
    assert gone.written == []
    assert first.seqs == behind.seqs == list(range(4, 13))


def test_frames_from_the_store_keep_the_bound_of_frames(room: Room) -> None:
    room.open()
    room.append(*[0] * 12, size=1500)
    sink = room.sink(since=0)
    room.loop.settle()
    assert sink.ranges[:2] == [(0, 2), (2, 4)]
    assert sink.seqs == list(range(1, 13))
    assert max(map(len, sink.written)) < 4_500
    assert len(room.log.reads) == 1


def test_of_the_frames_from_the_store_the_last_says_how_many_comments_there_are(room: Room) -> None:
    room.open()
    room.append(*[0] * 12, size=1500)
    room.log.page = 5
    sink = room.sink(since=0)
    room.loop.settle()
    counts = {frame["to"]: frame.get("comments") for frame in sink.frames}
    assert counts == {2: None, 4: None, 5: None, 7: None, 9: None, 10: None, 12: 120}
    _, pulled = room.loop.run(room.hub.pull(room.open(), 0, is_staff=False))
    assert "comments" not in payload_of(pulled)


def test_a_reader_that_pauses_between_frames_from_the_store_loses_nothing(room: Room) -> None:
    room.open()
    room.append(*[0] * 12, size=1500)
    sink = room.sink(since=0, window=1)
    for _ in range(10):
        room.loop.settle()
        sink.resume(window=1)
    room.loop.settle()
    assert sink.seqs == list(range(1, 13))


def test_whoever_is_too_far_behind_loses_its_place(room: Room) -> None:
    slow, replaying = room.sink(), Sink(room.hub)
    slow.pause()
    for _ in range(30):
        room.append()
    room.loop.settle()
    slow.resume()
    assert slow.lost == slow.subscribers
    assert slow.written == []
    assert not dict(room.hub.rooms())["a"].subscribers
    replaying.subscribers.append(
        room.hub.subscribe(room.open(), replaying, PUBLIC, 0, is_unbounded=True)
    )
    room.loop.settle()
    assert replaying.seqs == list(range(1, 31))


def test_a_failed_reading_is_tried_again(room: Room) -> None:
    room.open()
    room.append(*[0] * 12)
    room.log.failures = 2
    sink = room.sink(since=0)
    room.loop.settle()
    assert sink.written == []
    room.loop.advance(2.5)
    assert sink.seqs == list(range(1, 13))
    assert room.hub.stats.store_failures == 2


def test_a_reading_that_ends_in_a_bug_is_reported_and_tried_again(room: Room) -> None:
    room.open()
    room.append(*[0] * 12)
    room.log.bugs = 2
    sink = room.sink(since=0)
    room.loop.advance(2.5)
    assert sink.seqs == list(range(1, 13))
    reported = [type(context.pop("exception")) for context in room.loop.failures]
    room.loop.failures.clear()
    assert reported == [ZeroDivisionError] * 2


def test_a_store_that_knows_less_than_the_feed_is_asked_again_later(room: Room) -> None:
    room.open()
    room.append(*[0] * 12)
    kept, room.log.entries, room.log.seq = room.log.entries, {}, 0
    sink = room.sink(since=0)
    room.loop.settle()
    assert len(room.log.reads) == 1
    assert sink.written == []
    room.log.entries, room.log.seq = kept, 12
    room.loop.advance(1.1)
    assert sink.seqs == list(range(1, 13))


def test_nothing_is_written_after_unsubscribing(room: Room) -> None:
    sink = room.sink()
    room.append()
    room.hub.unsubscribe(sink.subscribers[0])
    room.hub.unsubscribe(sink.subscribers[0])
    room.hub.resume(sink.subscribers[0])
    room.loop.settle()
    assert sink.written == []


def test_nothing_is_written_after_unsubscribing_during_a_failing_reading(room: Room) -> None:
    room.open()
    room.append(*[0] * 12)
    room.log.failures = 1
    sink = room.sink(since=0)
    room.loop.settle()
    room.hub.unsubscribe(sink.subscribers[0])
    room.loop.advance(2)
    assert sink.written == []
    assert len(room.log.reads) == 1


def test_whoever_unsubscribes_in_a_write_gets_no_more(room: Room) -> None:
    class Leaver(Sink):
        def write(self, data: bytes, /) -> None:
            super().write(data)
            self.hub.unsubscribe(self.subscribers[0])

    leaver = Leaver(room.hub)
    room.open()
    room.append(*[0] * 6, size=1500)
    room.loop.settle()
    leaver.is_writable = False
    room.subscribe(leaver, PUBLIC, 0)
    leaver.resume()
    room.loop.settle()
    assert leaver.ranges == [(0, 2)]
    assert room.log.reads == []


# ── joining ──


def test_a_reader_that_joins_during_a_flush_gets_each_change_once(room: Room) -> None:
    sinks = [room.sink() for _ in range(30)]
    room.append()
    room.loop.turn()
    sinks += [room.sink(since=since) for since in (0, 1)]
    room.append()
    room.loop.settle()
    assert [sink.seqs for sink in sinks] == [[1, 2]] * 31 + [[2]]


def test_a_reader_ahead_of_the_feed_is_not_told_what_it_has(room: Room) -> None:
    """A snapshot may be newer than what has been handed to the hub."""
    room.open()
    entries = room.log.commit(0, 0, 0)
    sink = room.sink(since=2)
    room.hub.append("a", entries, b"{}")
    room.loop.settle()
    assert (sink.ranges, sink.seqs) == ([(2, 3)], [3])


def test_what_commits_while_a_room_is_opened_is_not_missed(room: Room) -> None:
    room.log.commit(0, 0)
    gate = room.gate()
    opening = room.loop.create_task(room.hub.open("a", b'"a"'))
    room.loop.settle()
    room.append()
    gate.set()
    feed = room.loop.run(asyncio.wait_for(opening, 1))
    assert (feed.head, feed.tail) == (3, 2)
    assert feed.info == b'{"seq":3}'
    sink = room.sink(since=2)
    room.loop.settle()
    assert sink.seqs == [3]


def test_a_gap_found_while_a_room_is_opened_is_closed(room: Room) -> None:
    gate = room.gate()
    opening = room.loop.create_task(room.hub.open("a", b'"a"'))
    room.loop.settle()
    room.log.commit()  # in doubt: never handed on
    room.append()
    gate.set()
    feed = room.loop.run(asyncio.wait_for(opening, 1))
    room.loop.settle()
    assert feed.head == 2


def test_a_doubt_while_a_room_is_opened_is_settled(room: Room) -> None:
    gate = room.gate()
    opening = room.loop.create_task(room.hub.open("a", b'"a"'))
    room.loop.settle()
    room.log.commit()
    room.hub.recheck("a")
    gate.set()
    feed = room.loop.run(asyncio.wait_for(opening, 1))
    room.loop.settle()
    assert feed.head == 1


def test_rooms_opened_together_are_read_once(room: Room) -> None:
    async def open_many() -> list[Feed]:
        return await asyncio.gather(*(room.hub.open("a", b'"a"') for _ in range(5)))

    feeds = room.loop.run(open_many())
    assert room.log.heads == 1
    assert len(set(map(id, feeds))) == 1


def test_a_room_that_cannot_be_read_is_asked_for_anew(room: Room) -> None:
    room.log.failures = 1
    with pytest.raises(ReadFailed):
        room.open()
    assert room.open().head == 0


# ── doubts ──


def test_a_gap_is_closed_from_the_store(room: Room) -> None:
    sinks = [room.sink(), room.sink()]
    room.append()
    room.loop.settle()
    room.log.commit()
    room.append()
    room.loop.settle()
    assert [sink.seqs for sink in sinks] == [[1, 2, 3]] * 2
    assert sinks[0].ranges == [(0, 1), (1, 3)]


def test_a_lost_tail_is_found_by_rechecking(room: Room) -> None:
    sink = room.sink()
    room.log.commit(0, 0)
    room.hub.recheck("a")
    room.loop.settle()
    assert sink.seqs == [1, 2]
    room.hub.recheck("a")
    room.hub.recheck("unknown")
    room.loop.settle()
    assert sink.seqs == [1, 2]


def test_a_doubt_during_a_recheck_is_not_forgotten(room: Room) -> None:
    sink = room.sink()
    gate = room.gate()
    room.log.commit()
    room.hub.recheck("a")
    room.loop.settle()  # it has read seq 1, and waits
    room.log.commit()
    room.append()  # a gap: another recheck
    gate.set()
    room.loop.settle()
    assert sink.seqs == [1, 2, 3]


def test_a_recheck_that_fails_is_tried_again(room: Room) -> None:
    sink = room.sink()
    room.log.commit()
    room.log.failures = 2
    room.hub.recheck("a")
    room.loop.advance(2.5)
    assert sink.seqs == [1]


def test_a_recheck_that_ends_in_a_bug_is_reported_and_tried_again(room: Room) -> None:
    sink = room.sink()
    room.log.commit()
    room.log.bugs = 2
    room.hub.recheck("a")
    room.loop.advance(2.5)
    assert sink.seqs == [1]
    assert len(room.loop.failures) == 2
    room.loop.failures.clear()
    room.log.commit()
    room.hub.recheck("a")
    room.loop.settle()
    assert sink.seqs == [1, 2]


def test_a_ring_started_anew_during_a_flush_loses_nothing(room: Room) -> None:
    sinks = [room.sink() for _ in range(30)]
    room.append()
    room.loop.turn()
    room.log.commit()
    room.append()
    room.loop.settle()
    assert [sink.seqs for sink in sinks] == [[1, 2, 3]] * 30


# ── what was hidden ──


def test_hidden_words_do_not_leave_from_the_ring_any_more(room: Room) -> None:
    slow = room.sink()
    slow.pause()
    room.append(0, 0)
    room.loop.settle()
    room.append(1)
    slow.resume()
    room.loop.settle()
    late = room.sink(since=0)
    for sink in (slow, late):
        assert b"words-1-" not in b"".join(sink.written)
        assert sink.seqs == [2, 3]


def test_hidden_words_do_not_leave_in_the_rest_of_a_running_flush(room: Room) -> None:
    sinks = [room.sink() for _ in range(30)]
    room.append(0, 0)
    room.loop.turn()
    room.append(1)
    told = [b"words-1-" in b"".join(sink.written) for sink in sinks]
    room.loop.settle()
    assert [b"words-1-" in b"".join(sink.written) for sink in sinks] == told
    assert not all(told)
    assert all(sink.ranges == [(0, 2), (2, 3)] for sink in sinks)


def test_words_hidden_while_the_store_was_read_do_not_leave(room: Room) -> None:
    room.open()
    room.append(*[0] * 12)
    room.loop.settle()
    gate = room.gate()
    sink = room.sink(since=0)
    room.loop.settle()
    room.append(1)
    gate.set()
    room.loop.settle()
    assert b"words-1-" not in b"".join(sink.written)
    assert sink.seqs == list(range(2, 14))


# ── pulling and forgetting ──


def test_words_hidden_by_a_commit_in_doubt_while_the_store_was_read_do_not_leave(
    room: Room,
) -> None:
    """The feed never heard of that commit: it only found out that the Store is ahead."""
    room.open()
    room.append(*[0] * 12)
    gate = room.gate()
    sink = room.sink(since=1)
    room.loop.settle()
    room.log.commit(2)
    room.hub.recheck("a")
    room.loop.settle()
    gate.set()
    room.loop.settle()
    assert b"words-2-" not in b"".join(sink.written)
    assert sink.seqs == list(range(3, 14))


def test_a_pull_waits_for_the_next_change(room: Room) -> None:
    feed = room.open()
    pulling = room.loop.create_task(room.hub.pull(feed, 0, is_staff=False))
    room.loop.settle()
    assert not pulling.done()
    room.append()
    to, payload = room.loop.run(asyncio.wait_for(pulling, 1))
    assert to == 1
    assert b"words-1-" in payload


def test_a_pull_from_far_behind_reads_the_store(room: Room) -> None:
    feed = room.open()
    room.append(*[0] * 12)
    to, payload = room.loop.run(room.hub.pull(feed, 0, is_staff=False))
    assert to == 12
    assert payload.count(b"words-") == 12


def test_a_pull_that_ends_early_leaves_nothing_behind(room: Room) -> None:
    feed = room.open()
    pulling = room.loop.create_task(room.hub.pull(feed, 0, is_staff=False))
    room.loop.settle()
    pulling.cancel()
    room.loop.settle()
    room.loop.advance(5)
    room.hub.drop_idle(1)
    assert list(room.hub.rooms()) == []


def test_a_room_nobody_follows_is_forgotten_after_a_while(room: Room) -> None:
    sink = room.sink()
    room.loop.advance(100)
    room.hub.drop_idle(10)
    assert [name for name, _ in room.hub.rooms()] == ["a"]
    room.hub.unsubscribe(sink.subscribers[0])
    room.loop.advance(9)
    room.hub.drop_idle(10)
    assert [name for name, _ in room.hub.rooms()] == ["a"]
    room.loop.advance(2)
    room.hub.drop_idle(10)
    assert list(room.hub.rooms()) == []


def test_a_room_whose_opener_left_is_forgotten(room: Room) -> None:
    gate = room.gate()
    opening = room.loop.create_task(room.hub.open("a", b'"a"'))
    room.loop.settle()
    room.loop.advance(100)
    room.hub.drop_idle(10)
    assert [name for name, _ in room.hub.rooms()] == ["a"], "it is being read"
    opening.cancel()
    gate.set()
    room.loop.settle()
    room.loop.advance(100)
    room.hub.drop_idle(10)
    assert list(room.hub.rooms()) == []


def test_a_reading_that_fails_when_nobody_waits_any_more_is_no_news(room: Room) -> None:
    room.log.failures = 1
    gate = room.gate()
    opening = room.loop.create_task(room.hub.open("a", b'"a"'))
    room.loop.settle()
    opening.cancel()
    gate.set()
    room.loop.settle()
    del opening
    gc.collect()
    assert room.loop.failures == []  # asyncio complains of errors that nobody has seen


def test_closing_ends_what_is_running(room: Room) -> None:
    room.open()
    room.append(*[0] * 12)
    room.gate()
    room.sink(since=0)
    room.loop.settle()
    room.loop.run(room.hub.close())
    room.loop.settle()
    assert not asyncio.all_tasks(room.loop)


# ── straight to descriptors ──


class Descriptor(Sink):
    """Takes its frames through a socket; what the kernel doesn't take waits, as in a transport."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self.ours, self.theirs = socketpair()
        self.ours.setblocking(False)
        self.theirs.setblocking(False)
        self.rest = b""

    @property
    def socket(self) -> SocketType:
        return self.ours

    def write(self, data: bytes, /) -> None:
        assert self.is_writable
        (sent,) = broadcast((self.ours,), data)
        if sent < len(data):
            self.write_rest(data, sent)

    def write_rest(self, data: bytes, sent: int, /) -> None:
        self.rest += data[sent:]
        self.pause()

    def read(self) -> bytes:
        """What its client gets, the rest included."""
        got = b""
        while True:
            try:
                got += self.theirs.recv(65_536)
            except BlockingIOError:
                if not self.rest:
                    return got
                sent = self.ours.send(self.rest)
                self.rest = self.rest[sent:]


def test_a_reader_whose_descriptor_is_full_falls_out_and_misses_nothing() -> None:
    room = Room(HubLimits(slice_sinks=4, ring_entries=8, lag_changes=10_000, frame_bytes=100_000))
    quick, slow = Descriptor(room.hub), Descriptor(room.hub)
    for sink in (quick, slow):
        room.subscribe(sink, PUBLIC, 0)
    beside = room.sink()
    got = {quick: b"", slow: b""}
    for _ in range(60):
        room.append(size=20_000)
        room.loop.settle()
        got[quick] += quick.read()
    assert not slow.is_writable
    assert room.hub.lagging == 1
    while True:
        got[slow] += slow.read()
        if slow.subscribers[0].cursor == room.log.seq:
            break
        slow.resume()
        room.loop.settle()
    assert room.hub.stats.store_reads  # it was farther behind than the ring goes back
    for frames in (split(got[quick]), split(got[slow]), beside.frames):
        assert [frame["from"] for frame in frames] == [0, *(frame["to"] for frame in frames[:-1])]
        assert [c["seq"] for frame in frames for c in frame["changes"]] == list(range(1, 61))
    for sink in (quick, slow):
        sink.ours.close()
        sink.theirs.close()
    room.loop.finish()


def split(stream: bytes) -> list[dict[str, Any]]:
    decoder, text, frames = JSONDecoder(), stream.decode(), []
    while text:
        frame, end = decoder.raw_decode(text)
        frames.append(frame)
        text = text[end:]
    return frames
