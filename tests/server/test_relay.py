from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from pydantic_core import from_json

from livethread.backlog import ReadFailed
from livethread.feed import Encoding, Entry, Feed, Kind
from livethread.model import Author, Committed, RoomName
from livethread.relay import Relay, deliver
from livethread.views import entry_of
from tests.contract.making import A, configure, edit, moderate, post, react, report
from tests.server.town import MoodyStore
from tests.server.virtual import VirtualLoop


class FakeHub:
    """Writes down what it is given."""

    def __init__(self, *followed: str) -> None:
        self.followed = followed
        self.appended: list[tuple[str, list[Entry], bytes]] = []

    def keeps(self, name: str) -> bool:
        return name in self.followed

    def append(self, name: str, entries: Iterable[Entry], info: bytes) -> None:
        self.appended.append((name, list(entries), info))


class Scene:
    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.store = MoodyStore()
        self.relay = Relay(self.store, page_changes=3)

    def commit(self, *writes: Any) -> list[Committed]:
        outcomes = self.loop.run(self.store.commit(writes))
        return [outcome for outcome in outcomes if isinstance(outcome, Committed)]


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.loop.finish()


def hand_on(hub: FakeHub, committed: list[Committed]) -> list[tuple[str, list[Entry], bytes]]:
    deliver(hub, committed)  # type: ignore[arg-type]
    return hub.appended


def test_a_batch_is_handed_on_room_by_room_in_the_order_of_its_seqs(scene: Scene) -> None:
    batch = scene.commit(
        post("a1"), post("b1", room="b"), edit(1, "a2"), post("b2", room="b"), configure(title="T")
    )
    a, b = hand_on(FakeHub("a", "b"), batch)
    assert (a[0], [entry.seq for entry in a[1]]) == ("a", [1, 2, 3])
    assert (b[0], [entry.seq for entry in b[1]]) == ("b", [1, 2])
    assert b'"seq":3' in a[2]  # the room as after its last change
    assert b'"title":"T"' in a[2]


def test_a_hundred_likes_in_a_moment_are_one_small_change(scene: Scene) -> None:
    scene.commit(post("x" * 4_000))
    feed = Feed("a", b'"a"', max_entries=1_000, max_bytes=100_000)
    feed.load("k3", 1, b"{}")
    readers = [Author(f"g:{i}", f"Reader {i}") for i in range(100)]
    ((_, entries, _),) = hand_on(FakeHub("a"), scene.commit(*(react(1, author=r) for r in readers)))
    feed.append(entries)
    kind = Kind(False, Encoding.JSON)
    to, frame = feed.frame(1, 101, kind, lambda payload, _: payload, 100_000) or (0, b"")
    counted = {"comment": 1, "counts": {"like": 100}}
    assert (to, from_json(frame)["changes"]) == (101, [{"seq": 101, "reactions": counted}])
    assert len(frame) < 200


def test_what_is_answered_without_a_comment_is_not_handed_on(scene: Scene) -> None:
    same = configure(title="T")
    scene.commit(post("a1"), same)
    assert hand_on(FakeHub("a"), scene.commit(same, report(1))) == []


def test_a_repeated_answer_hands_the_comment_on_as_it_is(scene: Scene) -> None:
    """Its commit may have been in doubt: then the feed still sends what was hidden."""
    hidden = moderate(1, "hide")
    scene.commit(post("a1"), hidden)
    for write in (hidden, moderate(1, "hide")):  # the same nonce, and another one
        ((_, (entry,), info),) = hand_on(FakeHub("a"), scene.commit(write))
        assert (entry.seq, entry.key) == (2, 1)
        assert b"a1" not in (entry.public or b"")
        assert b'"seq":2' in info


def test_rooms_that_nobody_follows_are_not_encoded(scene: Scene) -> None:
    (found,) = hand_on(FakeHub("b"), scene.commit(post("a1"), post("b1", room="b")))
    assert found[0] == "b"


def test_an_entry_is_the_same_live_and_read_again(scene: Scene) -> None:
    batch = scene.commit(post("one"), post("two"), configure(premoderate=True))
    ((_, live, _),) = hand_on(FakeHub("a"), batch)
    backlog = scene.loop.run(scene.relay.backlog(A, 0))
    assert backlog.entries == [entry._replace(comments=None) for entry in live]


def test_each_entry_says_how_many_comments_everyone_can_see_after_it(scene: Scene) -> None:
    batch = scene.commit(
        post(),
        post(),
        moderate(1, "hide"),
        configure(premoderate=True),
        post(),
        moderate(5, "approve"),
    )
    ((_, live, _),) = hand_on(FakeHub("a"), batch)
    assert [entry.comments for entry in live] == [1, 2, 1, 1, 1, 2]


def test_a_backlog_knows_the_count_of_the_head_only(scene: Scene) -> None:
    scene.commit(*(post() for _ in range(4)), moderate(1, "hide"))
    assert scene.loop.run(scene.relay.backlog(A, 0)).comments is None
    assert scene.loop.run(scene.relay.backlog(A, 4)).comments == 3
    assert scene.loop.run(scene.relay.backlog(A, 2)).comments == 3


def test_a_backlog_is_read_in_pages_that_say_how_far_they_go(scene: Scene) -> None:
    scene.commit(*(post() for _ in range(4)), edit(1, "changed"))
    first = scene.loop.run(scene.relay.backlog(A, 0))
    assert (first.to, [entry.seq for entry in first.entries]) == (4, [2, 3, 4])
    rest = scene.loop.run(scene.relay.backlog(A, first.to))
    assert (rest.to, [entry.seq for entry in rest.entries]) == (5, [5])


def test_a_backlog_hides_from_the_public_what_is_hidden_by_now(scene: Scene) -> None:
    scene.commit(post("canary"), moderate(1, "hide"))
    (entry,) = scene.loop.run(scene.relay.backlog(A, 0)).entries
    assert b"canary" not in (entry.public or b"")
    assert b"canary" in (entry.staff or b"")


def test_the_head_is_the_room_as_it_is(scene: Scene) -> None:
    committed = scene.commit(post(), configure(title="T"))[-1]
    head = scene.loop.run(scene.relay.head(A))
    assert (head.epoch, head.seq) == (committed.room.epoch, 2)
    assert b'"title":"T"' in head.info
    assert committed.change is not None
    assert head.info in (entry_of(committed.change).public or b"")


def test_a_store_that_can_not_be_read_is_a_failed_reading(scene: Scene) -> None:
    scene.store.is_failing = True
    with pytest.raises(ReadFailed):
        scene.loop.run(scene.relay.head(A))
    with pytest.raises(ReadFailed):
        scene.loop.run(scene.relay.backlog(RoomName("a"), 0))
