"""Bugs planted in the program itself: a seed among the first few finds each of them.

Each is one that was made, or could easily be made. What is patched is the class, so that the world
composes the program as always.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from livethread import views
from livethread.feed import Entry, Feed, Gap
from livethread.following import Subscriber
from livethread.hub import Hub
from livethread.model import Committed, Outcome, PageRequest, Write
from livethread.snapshots import Snapshot, Snapshots
from livethread.socket import Connection
from livethread.store.plan import Plan, plan
from livethread.writer import Writer
from livethread_client.conversation import Conversation
from livethread_client.following import Following
from tests.simulation.disk import DiskStore
from tests.simulation.judge import faults_of
from tests.simulation.world import simulate

Patch = pytest.MonkeyPatch


def a_stalled_reader_is_thought_to_have_everything(patch: Patch) -> None:
    resume = Hub.resume

    def skip(self: Hub, subscriber: Subscriber) -> None:
        subscriber.cursor = max(subscriber.cursor, subscriber.feed.sent)
        resume(self, subscriber)

    patch.setattr(Hub, "resume", skip)


def the_cursor_is_set_past_what_was_written(patch: Patch) -> None:
    send = Hub._send

    def overrun(self: Hub, subscriber: Subscriber, to: int, frame: bytes) -> None:
        send(self, subscriber, to, frame)
        subscriber.cursor = max(to, subscriber.feed.sent)

    patch.setattr(Hub, "_send", overrun)


def writes_are_acknowledged_before_they_are_durable(patch: Patch) -> None:
    """As with ``synchronous=OFF``."""

    async def commit(self: DiskStore, writes: Sequence[Write]) -> list[Outcome]:
        later = copy.deepcopy(self._tables._state)
        for write in writes:
            later.rooms.setdefault(write.room, self._tables._room(write.room))
        outcomes = plan(later, writes).outcomes
        asyncio.get_running_loop().call_later(0.05, self._tables.apply, writes)
        return outcomes

    patch.setattr(DiskStore, "commit", commit)


def a_snapshot_is_kept_after_a_comment_was_hidden(patch: Patch) -> None:
    read = Snapshots.get

    async def get(self: Snapshots, feed: Feed, request: PageRequest) -> Snapshot:
        kept = self._kept.get(request)
        if kept is not None and kept.seq >= feed.tail:
            return kept
        return await read(self, feed, request)

    patch.setattr(Snapshots, "get", get)


def a_drain_does_not_wait_for_answers(patch: Patch) -> None:
    patch.setattr(Connection, "_close_when_drained", lambda self: self._close(1012, "restarting"))


def a_nonce_is_forgotten(patch: Patch) -> None:
    patch.setattr(Plan, "_repeated", lambda *_: None)


def a_doubt_is_not_looked_into(patch: Patch) -> None:
    patch.setattr(Hub, "recheck", lambda *_: None)


def what_changes_beyond_a_gap_is_not_noted(patch: Patch) -> None:
    append = Feed.append

    def stop(self: Feed, entries: Iterable[Entry]) -> None:
        if self.head is None:
            append(self, entries)
            return
        for entry in entries:
            if entry.seq > self.head + 1:
                raise Gap
            append(self, [entry])

    patch.setattr(Feed, "append", stop)


def only_changes_are_handed_on(patch: Patch) -> None:
    init = Writer.__init__

    def changed(self: Writer, store: Any, deliver: Any, *others: Any, **named: Any) -> None:
        def hand_on(committed: Iterable[Committed]) -> None:
            deliver([outcome for outcome in committed if outcome.change is not None])

        init(self, store, hand_on, *others, **named)

    patch.setattr(Writer, "__init__", changed)


def what_is_held_is_known_to_all(patch: Patch) -> None:
    patch.setattr(views, "is_known_to", lambda *_: True)


def a_reading_may_be_older_than_what_was_hidden_meanwhile(patch: Patch) -> None:
    @contextmanager
    def blind(_: Feed) -> Iterator[dict[int, int]]:
        yield {}

    patch.setattr(Feed, "watched", blind)


def a_client_forgets_its_questions(patch: Patch) -> None:
    lost = Conversation.lost

    def forget(self: Conversation) -> None:
        lost(self)
        self._asked.clear()

    patch.setattr(Conversation, "lost", forget)


def a_client_comes_back_one_too_far(patch: Patch) -> None:
    lost = Following.lost

    def advance(self: Following) -> None:
        lost(self)
        if self.cursor is not None and self.info is not None and self.info.seq > self.cursor.seq:
            self.cursor = self.cursor.at(self.cursor.seq + 1)

    patch.setattr(Following, "lost", advance)


def a_join_follows_from_the_head(patch: Patch) -> None:
    subscribe = Hub.subscribe

    def late(self: Hub, feed: Feed, sink: Any, kind: Any, cursor: int, **named: Any) -> Subscriber:
        return subscribe(self, feed, sink, kind, max(cursor, feed.head or 0), **named)

    patch.setattr(Hub, "subscribe", late)


QUICKLY_FOUND = [
    (a_stalled_reader_is_thought_to_have_everything, {"gap"}),
    (the_cursor_is_set_past_what_was_written, {"gap"}),
    (writes_are_acknowledged_before_they_are_durable, {"acknowledged before the commit"}),
    (a_snapshot_is_kept_after_a_comment_was_hidden, {"leaked", "late"}),
    (a_drain_does_not_wait_for_answers, {"not drained"}),
    (a_client_forgets_its_questions, {"unanswered"}),
]
"""Within one or two seeds, some 0.4 s of CPU each."""

FOUND_IN_TIME = [
    (a_client_comes_back_one_too_far, {"skipped"}),
    (what_is_held_is_known_to_all, {"leaked", "phantom"}),
    (a_nonce_is_forgotten, {"two effects"}),
    (a_join_follows_from_the_head, {"gap"}),
    (a_doubt_is_not_looked_into, {"behind"}),
    (what_changes_beyond_a_gap_is_not_noted, {"leaked", "late"}),
    (only_changes_are_handed_on, {"leaked", "late"}),
    (a_reading_may_be_older_than_what_was_hidden_meanwhile, {"leaked", "late"}),
]


def seeds_find(plant: Callable[[Patch], None], names: set[str], seeds: int, patch: Patch) -> bool:
    plant(patch)
    for seed in range(1, seeds + 1):
        faults = faults_of(simulate(seed))
        if any(fault.partition(":")[0] in names for fault in faults):
            return True
    return False


@pytest.mark.parametrize(("plant", "names"), QUICKLY_FOUND)
def test_a_few_seeds_find(
    plant: Callable[[Patch], None], names: set[str], monkeypatch: Patch
) -> None:
    assert seeds_find(plant, names, 20, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize(("plant", "names"), FOUND_IN_TIME)
def test_some_hundred_seeds_find(
    plant: Callable[[Patch], None], names: set[str], monkeypatch: Patch
) -> None:
    assert seeds_find(plant, names, 300, monkeypatch)
