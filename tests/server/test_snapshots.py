from __future__ import annotations

import asyncio
import gc
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from livethread.feed import Encoding, Feed
from livethread.model import Audience, PageRequest
from livethread.protocol.errors import Unavailable
from livethread.snapshots import MAX_BEHIND, MAX_READINGS, Snapshot, Snapshots
from livethread.wire import Pieces
from tests.contract.making import A, edit, moderate, post
from tests.protocol.reader import Json
from tests.server.readers import payload_of
from tests.server.town import MoodyStore, Server
from tests.server.virtual import VirtualLoop
from tests.simulation.loop import SeededLoop

PAGE = PageRequest(A)
BUDGET = 64 * 1024


class Scene:
    def __init__(self, loop: VirtualLoop | None = None) -> None:
        self.loop = loop or VirtualLoop()
        self.store = MoodyStore()
        self.server = Server(self.store, self.loop)
        self.snapshots = Snapshots(self.store, max_bytes=BUDGET)
        self.commit(post("one"), post("two"))
        self.feed: Feed = self.loop.run(self.server.joining.feed(A))

    def commit(self, *writes: Any) -> None:
        """Written, delivered, and in the ring; whatever mood reading is in."""
        is_slow, self.store.is_slow = self.store.is_slow, False
        for write in writes:
            self.server.writer.submit(write, lambda _: None)
            self.loop.advance(0.01)
        self.store.is_slow = is_slow

    def ask(self, page: PageRequest = PAGE) -> asyncio.Task[Snapshot]:
        task = self.loop.create_task(self.snapshots.get(self.feed, page))
        self.loop.settle()
        return task

    def get(self, page: PageRequest = PAGE) -> Snapshot:
        return self.loop.run(self.snapshots.get(self.feed, page))


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.loop.finish()
    assert scene.loop.failures == []


def told(frame: Pieces) -> Json:
    return payload_of(b"".join(frame))


def bodies(snapshot: Snapshot) -> list[str | None]:
    frame = told(snapshot.frame(None, Encoding.JSON))
    return [comment.get("body") for comment in frame["comments"]]


def test_a_reading_is_used_again_while_the_ring_continues_it(scene: Scene) -> None:
    first = scene.get()
    scene.commit(post("three"))
    assert scene.get() is first
    assert scene.store.pages == 1
    scene.commit(*(post() for _ in range(scene.feed.max_entries)))
    assert scene.feed.tail > first.seq
    assert scene.get() is not first


def test_a_reading_is_not_used_again_when_there_is_too_much_to_catch_up(scene: Scene) -> None:
    first = scene.get()
    scene.feed.max_entries, scene.feed.max_bytes = 1000, 10**6
    scene.commit(*(post() for _ in range(MAX_BEHIND)))
    assert scene.get() is first
    scene.commit(post())
    assert scene.get() is not first


@pytest.mark.parametrize("change", [edit(1, "changed"), moderate(1, "hide")], ids=["edit", "hide"])
def test_a_reading_is_not_used_again_after_an_older_comment_changed(
    scene: Scene, change: Any
) -> None:
    assert bodies(scene.get()) == ["one", "two"]
    scene.commit(change)
    assert scene.snapshots.kept(scene.feed, PAGE) is None
    assert "one" not in bodies(scene.get())
    assert scene.store.pages == 2


def test_those_who_ask_at_once_share_one_reading(scene: Scene) -> None:
    scene.store.is_slow = True
    tasks = [scene.ask() for _ in range(5)]
    assert scene.store.pages == len(scene.store.waiting) == 1
    scene.store.release()
    scene.loop.settle()
    assert len({id(task.result()) for task in tasks}) == 1


def test_a_reading_that_missed_a_change_is_no_ones_last() -> None:
    """Whoever is told first that it has ended: those who wait, or who keeps account of it."""
    for seed in range(30):
        scene = Scene(SeededLoop(random.Random(seed)))
        scene.store.is_slow = True
        scene.ask()
        scene.commit(moderate(1, "hide"))
        late = [scene.ask() for _ in range(5)]
        for _ in range(2):
            scene.store.release()
            scene.loop.settle()
        shown = [bodies(task.result()) for task in late]
        scene.loop.finish()
        assert all("one" not in each for each in shown)


def test_audiences_and_pages_do_not_share(scene: Scene) -> None:
    staff = PageRequest(A, audience=Audience.STAFF)
    assert scene.get() is not scene.get(staff)
    assert scene.get(PageRequest(A, limit=1)) is not scene.get()
    assert scene.get(staff) is scene.get(staff)


def test_what_was_hidden_while_it_was_read_is_not_shown(scene: Scene) -> None:
    scene.store.is_slow = True
    asked = scene.ask()
    scene.commit(moderate(1, "hide"))  # the page under way was read before
    scene.store.release()
    scene.loop.settle()
    assert not asked.done()
    scene.store.release()
    scene.loop.settle()
    assert bodies(asked.result()) == [None, "two"]
    assert bodies(scene.get()) == [None, "two"]


def test_whoever_comes_during_an_outdated_reading_does_not_get_it(scene: Scene) -> None:
    scene.store.is_slow = True
    scene.ask()
    scene.commit(edit(1, "changed"))
    late = scene.ask()
    scene.store.release()
    scene.loop.settle()
    assert not late.done()
    scene.store.release()
    scene.loop.settle()
    assert bodies(late.result()) == ["changed", "two"]


def test_a_room_that_never_rests_is_read_only_so_often(scene: Scene) -> None:
    scene.store.is_slow = True
    asked = scene.ask()
    for i in range(MAX_READINGS):
        assert not asked.done()
        scene.commit(edit(1, f"edit {i}"))
        scene.store.release()
        scene.loop.settle()
    assert asked.done()
    assert scene.store.pages == MAX_READINGS
    scene.store.is_slow = False
    assert scene.get() is not asked.result()  # it is not kept for others


def test_who_goes_away_does_not_take_the_others_reading_along(scene: Scene) -> None:
    scene.store.is_slow = True
    gone, stays = scene.ask(), scene.ask()
    gone.cancel()
    scene.loop.settle()
    scene.store.release()
    scene.loop.settle()
    assert bodies(stays.result()) == ["one", "two"]


def test_a_reading_that_fails_is_told_to_all_who_share_it_and_tried_again(scene: Scene) -> None:
    scene.store.is_failing = True
    for task in [scene.ask(), scene.ask()]:
        assert isinstance(task.exception(), Unavailable)
    scene.store.is_failing = False
    assert bodies(scene.get()) == ["one", "two"]


# ── frames ──


@pytest.mark.parametrize("encoding", list(Encoding))
def test_all_joiners_share_the_same_bytes_whatever_their_refs(
    scene: Scene, encoding: Encoding
) -> None:
    snapshot = scene.get()
    one, other, none = (snapshot.frame(ref, encoding) for ref in ("r", "s", None))
    assert [told(one).pop("ref"), told(other).pop("ref")] == ["r", "s"]
    assert "ref" not in told(none)
    assert one[1] is other[1] is none[1]
    assert len(one[0]) + len(one[2]) < 100


def test_a_frame_has_somebodys_own_comments_beside_what_is_shared(scene: Scene) -> None:
    snapshot = scene.get()
    for encoding in Encoding:
        mine = snapshot.frame("r", encoding, b',"mine":[%b]' % b",".join([b"1"] * 70_000))
        assert told(mine)["mine"] == [1] * 70_000
        assert mine[1] is snapshot.frame("r", encoding)[1]
        assert "mine" not in told(snapshot.frame("r", encoding))


# ── what is kept ──


def test_what_is_kept_of_all_rooms_and_pages_has_a_bound_in_bytes() -> None:
    """Both the pages and the refs are chosen by clients."""
    scene = Scene()
    texts = [random.Random(number).randbytes(1_000).hex() for number in range(4)]
    scene.commit(*(post(text) for text in texts))
    scene.get()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for limit in range(1, 101):
            snapshot = scene.get(PageRequest(A, limit=limit))
            for number in range(20):
                for encoding in Encoding:
                    snapshot.frame(f"{number}", encoding)
        assert scene.snapshots.kept_bytes <= BUDGET
        assert tracemalloc.get_traced_memory()[0] - before < 1.5 * BUDGET
    finally:
        tracemalloc.stop()
        scene.loop.finish()


def test_whichever_page_was_asked_for_longest_ago_makes_room(scene: Scene) -> None:
    scene.commit(post("x" * (BUDGET // 8)))  # a page counts twice, for it may be deflated, too
    pages = [PageRequest(A, limit=limit) for limit in range(10, 14)]
    first = scene.get(pages[0])
    for page in pages[1:]:
        scene.get(page)
        assert scene.get(pages[0]) is first
    assert scene.snapshots.kept(scene.feed, pages[1]) is None
    assert scene.snapshots.kept(scene.feed, pages[3]) is not None


def test_a_page_that_may_not_be_shown_any_more_is_not_kept_either(scene: Scene) -> None:
    scene.get()
    scene.commit(moderate(1, "hide"))
    assert scene.snapshots.kept(scene.feed, PAGE) is None
    assert scene.snapshots.kept_bytes == 0


def test_a_page_beyond_the_bound_is_told_and_not_kept(scene: Scene) -> None:
    scene.commit(post("x" * BUDGET))
    assert bodies(scene.get())[-1] == "x" * BUDGET
    assert scene.snapshots.kept_bytes == 0


def test_a_reading_that_fails_when_nobody_waits_any_more_is_no_news(scene: Scene) -> None:
    scene.store.is_slow = True
    asking = scene.ask()
    asking.cancel()
    scene.loop.settle()
    scene.store.waiting.pop().set_exception(Unavailable())
    scene.loop.settle()
    del asking
    gc.collect()
    assert scene.loop.failures == []  # asyncio complains of errors that nobody has seen
    scene.store.is_slow = False
    assert bodies(scene.get()) == ["one", "two"]
