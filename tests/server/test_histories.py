"""Random histories of clients, drops, slow stores and restarts, judged by a checker.

What must hold: ranges are contiguous, every change is seen once and in order, all see the same,
the state a client ends with equals a fresh snapshot, acks are never lost, and what was hidden
doesn't leave any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from livethread.feed import Encoding, Kind
from tests.contract.making import MARA, MOD, TOM, configure, delete, edit, moderate, post
from tests.server.readers import PUBLIC as JSON_READER
from tests.server.readers import Faulty
from tests.server.town import ENCODINGS, Town

clients = st.integers(0, 3)
recent = st.integers(0, 6)


class Histories(RuleBasedStateMachine):
    town: Town

    @initialize(encodings=st.lists(st.sampled_from(ENCODINGS), min_size=4, max_size=4))
    def found(self, encodings: list[Encoding]) -> None:
        kinds = [Kind(i == 3, encoding) for i, encoding in enumerate(encodings)]
        self.town = Town(kinds)
        self.words = 0

    def body(self, size: int) -> str:
        self.words += 1
        return f"word-{self.words}- " + "x" * size

    def some_comment(self, back: int) -> int:
        """An id that very likely exists."""
        acked = [done.comment.id for done in self.town.acked.values() if done.comment]
        return acked[-1 - back % len(acked)] if acked else 1

    # ── authors ──

    @rule(author=st.sampled_from([MARA, TOM, MOD]), size=st.sampled_from([0, 30, 300]))
    def post(self, author: Any, size: int) -> None:
        self.town.submit(post(self.body(size), author=author))

    @rule(count=st.integers(2, 12))
    def post_many(self, count: int) -> None:
        for _ in range(count):
            self.town.submit(post(self.body(20), author=TOM))

    @rule(back=recent)
    def reply(self, back: int) -> None:
        self.town.submit(post(self.body(10), self.some_comment(back)))

    @rule(back=recent, author=st.sampled_from([MARA, TOM]), size=st.sampled_from([0, 200]))
    def edit(self, back: int, author: Any, size: int) -> None:
        self.town.submit(edit(self.some_comment(back), self.body(size), author=author))

    @rule(back=recent, author=st.sampled_from([MARA, TOM]))
    def delete(self, back: int, author: Any) -> None:
        self.town.submit(delete(self.some_comment(back), author=author))

    @rule(back=recent, action=st.sampled_from(["hide", "restore", "approve", "reject", "pin"]))
    def moderate(self, back: int, action: Any) -> None:
        self.town.submit(moderate(self.some_comment(back), action))

    @rule(premoderate=st.none() | st.booleans(), title=st.sampled_from([None, "One", "Two"]))
    def configure(self, premoderate: bool | None, title: str | None) -> None:
        self.town.submit(configure(premoderate=premoderate, title=title))

    @rule()
    def repeat(self) -> None:
        for write in list(self.town.unanswered.values()):
            self.town.submit(write)

    # ── clients ──

    @rule(who=clients)
    def connect(self, who: int) -> None:
        self.town.clients[who].connect(self.town.server)

    @rule()
    def all_connect(self) -> None:
        for client in self.town.clients:
            client.connect(self.town.server)

    @rule(who=clients)
    def rejoin(self, who: int) -> None:
        client = self.town.clients[who]
        if client.sink is not None and client.is_joined:
            client.read(self.town.server)
        if client.sink is not None and client.wants_to_join:
            client.join(self.town.server)

    @rule(who=clients)
    def drop(self, who: int) -> None:
        self.town.clients[who].drop(self.town.server)

    @rule(who=clients, after=st.integers(0, 2))
    def pause(self, who: int, after: int) -> None:
        """Now, or in the middle of one of the next writes."""
        sink = self.town.clients[who].sink
        if sink is not None and sink.is_writable:
            sink.window = after
            if not after:
                sink.pause()

    @rule(who=clients, window=st.sampled_from([1, 2, 1000]))
    def resume(self, who: int, window: int) -> None:
        sink = self.town.clients[who].sink
        if sink is not None and not sink.is_writable:
            sink.resume(window)

    @rule(who=clients, most=st.integers(1, 5))
    def read(self, who: int, most: int) -> None:
        self.town.clients[who].read(self.town.server, most)

    # ── the world ──

    @rule(turns=st.integers(1, 8))
    def turn(self, turns: int) -> None:
        self.town.loop.turn(turns)

    @rule()
    def settle(self) -> None:
        self.town.loop.settle()

    @rule(seconds=st.sampled_from([0.01, 1.1]))
    def wait(self, seconds: float) -> None:
        self.town.loop.advance(seconds)

    @rule(is_slow=st.booleans())
    def slow_store(self, is_slow: bool) -> None:
        self.town.store.is_slow = is_slow

    @rule(which=st.integers(0, 5))
    def release(self, which: int) -> None:
        self.town.store.release(which)

    @rule(is_failing=st.booleans())
    def failing_store(self, is_failing: bool) -> None:
        self.town.store.is_failing = is_failing

    @rule(fate=st.sampled_from(["failed", "in doubt"]))
    def next_commit(self, fate: Any) -> None:
        self.town.store.fates.append(fate)

    @rule()
    def forget_idle_rooms(self) -> None:
        self.town.server.hub.drop_idle(-1)

    @precondition(lambda self: not self.town.store.is_slow)
    @rule()
    def restart(self) -> None:
        while self.town.store.waiting:
            self.town.store.release()
        self.town.restart()

    @invariant()
    def nothing_is_wrong(self) -> None:
        if hasattr(self, "town"):
            assert not self.town.faults, self.town.faults
            assert not self.town.loop.failures, self.town.loop.failures

    def teardown(self) -> None:
        if hasattr(self, "town"):
            try:
                self.town.judge()
            finally:
                self.town.close()


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=100, stateful_step_count=40)


class ManyHistories(Histories):
    """The same, for longer."""


TestManyHistories = pytest.mark.slow(ManyHistories.TestCase)
TestManyHistories.settings = settings(max_examples=3_000, stateful_step_count=80)


# ── the checker itself: each kind of fault is seen ──


def a_changing_room(town: Town) -> None:
    for i in range(5):
        town.submit(post(f"word-{i}- x"))
        town.loop.settle()
    town.submit(moderate(2, "hide"))
    town.submit(edit(1, "word-9- better"))
    town.loop.settle()


def drop(frames: list[bytes]) -> None:
    del frames[3]


def repeat(frames: list[bytes]) -> None:
    frames.insert(3, frames[2])


def swap(frames: list[bytes]) -> None:
    frames[2], frames[3] = frames[3], frames[2]


def lose_the_last(frames: list[bytes]) -> None:
    del frames[-1]


def empty(frames: list[bytes]) -> None:
    start, end = frames[3].split(b'"changes":[')
    frames[3] = start + b'"changes":[]}'
    assert end


def alter(frames: list[bytes]) -> None:
    frames[3] = frames[3].replace(b"word-2-", b"word-7-")


def stale_snapshot(frames: list[bytes]) -> None:
    """A first page that says it is newer than what it shows."""
    frames[0] = frames[0].replace(b'.0"', b'.3"')
    del frames[1:4]


@pytest.mark.parametrize("plant", [drop, repeat, swap, lose_the_last, empty, alter, stale_snapshot])
def test_the_checker_sees_a_planted_fault(plant: Callable[[list[bytes]], None]) -> None:
    town = Town([JSON_READER, JSON_READER])
    try:
        for client in town.clients:
            client.connect(town.server)
        town.loop.settle()
        a_changing_room(town)
        sink = town.clients[1].sink
        assert sink is not None
        assert len(sink.written) >= 7
        plant(sink.written)
        with pytest.raises(Faulty):
            town.judge()
    finally:
        town.close()


@pytest.mark.parametrize("lose", [True, False])
def test_the_checker_sees_a_lost_ack(lose: bool) -> None:
    town = Town([JSON_READER])
    try:
        town.clients[0].connect(town.server)
        a_changing_room(town)
        if not lose:
            town.judge()
            return
        state = town.store._state
        state.comments.pop(max(state.comments))
        with pytest.raises(AssertionError):
            town.judge()
    finally:
        town.close()


def test_the_checker_sees_hidden_words_leave() -> None:
    town = Town([JSON_READER])
    try:
        town.clients[0].connect(town.server)
        a_changing_room(town)
        town.watch_public(b'{"body": "word-1- x"}')
        assert town.faults
    finally:
        town.close()
