from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest

from livethread.model import Committed, Outcome, Room, RoomName, Write
from livethread.protocol.errors import Conflict, NotFound, Unavailable
from livethread.writer import COMPANY, Decided, Distribution, Writer
from tests.contract.making import post
from tests.server.virtual import VirtualLoop


class Store:
    """Commits when ``gate`` is open, as the test says; remembers its batches."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.batches: list[Sequence[Write]] = []
        self.failures: list[Exception] = []
        self.refused: set[int] = set()

    async def commit(self, writes: Sequence[Write]) -> list[Outcome]:
        self.batches.append(writes)
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return [
            NotFound() if i in self.refused else Committed(Room(write.room, "k3"), i, None, None)
            for i, write in enumerate(writes)
        ]

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]


class Scene:
    """A writer on a loop of its own, and everything it says, in order."""

    def __init__(self, *, max_queue: int = 100, max_batch: int = 32, company_s: float = 0) -> None:
        self.loop = VirtualLoop()
        self.store = Store()
        self.said: list[tuple[str, Any]] = []
        self.writer = Writer(
            self.store,
            self.deliver,
            self.recheck,
            self.loop,
            max_queue=max_queue,
            max_batch=max_batch,
            company_s=company_s,
        )

    def deliver(self, committed: Iterable[Committed]) -> None:
        self.said.append(("deliver", [outcome.seq for outcome in committed]))

    def recheck(self, room: RoomName) -> None:
        self.said.append(("recheck", room))

    def submit(self, room: str = "a") -> None:
        self.writer.submit(post(room=room), self.answer)

    def answer(self, decided: Sequence[Decided]) -> None:
        for _, _, outcome in decided:
            answer = outcome.seq if isinstance(outcome, Committed) else type(outcome)
            self.said.append(("answer", answer))

    @property
    def answers(self) -> list[Any]:
        return [what for who, what in self.said if who == "answer"]


Make = Callable[..., Scene]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Scene] = []

    def make(**bounds: Any) -> Scene:
        made.append(Scene(**bounds))
        return made[-1]

    yield make
    for scene in made:
        scene.loop.finish()
        assert scene.loop.failures == []


@pytest.fixture
def scene(make: Make) -> Scene:
    return make()


def test_what_arrives_during_a_commit_goes_out_together(scene: Scene) -> None:
    scene.store.gate.clear()
    scene.submit()
    scene.loop.settle()
    for _ in range(5):
        scene.submit()
    scene.loop.settle()
    assert scene.store.sizes == [1]
    assert scene.said == []  # nothing is said before the commit has returned
    scene.store.gate.set()
    scene.loop.settle()
    assert scene.store.sizes == [1, 5]
    assert (scene.writer.stats.batches, scene.writer.stats.writes) == (2, 6)


def test_writes_keep_their_order_and_batches_their_bound(make: Make) -> None:
    scene = make(max_batch=4)
    writes = [post() for _ in range(10)]
    for write in writes:
        scene.writer.submit(write, scene.answer)
    scene.loop.settle()
    assert scene.store.sizes == [4, 4, 2]
    assert [write for batch in scene.store.batches for write in batch] == writes


def test_answers_come_in_order_and_before_the_changes_are_delivered(scene: Scene) -> None:
    for _ in range(3):
        scene.submit()
    scene.loop.settle()
    assert scene.said == [("answer", 0), ("answer", 1), ("answer", 2), ("deliver", [0, 1, 2])]


def test_each_author_is_told_once_a_batch_of_all_its_writes(scene: Scene) -> None:
    class Author:
        def __init__(self) -> None:
            self.told: list[list[tuple[str | None, int]]] = []

        def answer(self, decided: Sequence[Decided]) -> None:
            outcomes = [(ref, outcome) for _, ref, outcome in decided]
            self.told.append([(r, o.seq) for r, o in outcomes if isinstance(o, Committed)])

    ada, bob = Author(), Author()
    for number, author in enumerate([ada, bob, ada]):
        scene.writer.submit(post(), author.answer, f"r{number}")
    scene.loop.settle()
    assert scene.store.sizes == [3]
    assert ada.told == [[("r0", 0), ("r2", 2)]]
    assert bob.told == [[("r1", 1)]]


def test_a_refused_write_is_answered_alone_and_not_delivered(scene: Scene) -> None:
    scene.store.refused = {1}
    for _ in range(3):
        scene.submit()
    scene.loop.settle()
    assert scene.answers == [0, NotFound, 2]
    assert scene.said[-1] == ("deliver", [0, 2])
    assert scene.writer.stats.failures == 0


def test_a_full_queue_refuses_at_once(make: Make) -> None:
    scene = make(max_queue=3)
    scene.store.gate.clear()
    scene.submit()
    scene.loop.settle()  # that one has left the queue
    for _ in range(3):
        scene.submit()
    assert scene.writer.queued == 3
    write, refusals = post(), list[Decided]()
    scene.writer.submit(write, refusals.extend, "r1")
    ((refused, ref, refusal),) = refusals  # before the loop has turned
    assert (refused, ref) == (write, "r1")
    assert isinstance(refusal, Unavailable)
    assert refusal.retry_after_ms
    scene.store.gate.set()
    scene.loop.settle()
    assert scene.answers == [0, 0, 1, 2]
    scene.submit()
    scene.loop.settle()
    assert scene.answers[-1] == 0


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (Unavailable(), Unavailable),
        (Conflict(), Conflict),
        (RuntimeError("a bug"), Unavailable),
        (OSError("disk"), Unavailable),
    ],
    ids=repr,
)
def test_a_commit_that_failed_is_told_to_all_and_puts_their_rooms_in_doubt(
    scene: Scene, error: Exception, answer: type[Exception]
) -> None:
    scene.store.failures = [error]
    for room in "abab":
        scene.submit(room)
    scene.loop.settle()
    assert scene.answers == [answer] * 4
    assert sorted(what for who, what in scene.said if who == "recheck") == ["a", "b"]
    assert scene.said[-1] == ("deliver", [])
    assert scene.writer.stats.failures == 1
    scene.said.clear()
    scene.submit()  # the writer lives on
    scene.loop.settle()
    assert scene.said == [("answer", 0), ("deliver", [0])]


def test_closing_finishes_what_is_queued_and_takes_no_more(make: Make) -> None:
    scene = make(max_batch=2)
    scene.store.gate.clear()
    for _ in range(5):
        scene.submit()
    closing = scene.loop.create_task(scene.writer.close())
    scene.loop.settle()
    assert not closing.done()
    scene.submit()
    assert scene.answers == [Unavailable]
    scene.store.gate.set()
    scene.loop.settle()
    assert closing.done()
    assert scene.store.sizes == [2, 2, 1]
    assert scene.answers == [Unavailable, 0, 1, 0, 1, 0]


def test_closing_an_idle_writer_returns(scene: Scene) -> None:
    scene.loop.run(scene.writer.close())


# ── company ──

COMPANY_S = 0.002


def arrivals(scene: Scene, count: int, every_s: float) -> None:
    """So many writes, one at a time, each committed by itself."""
    for _ in range(count):
        scene.submit()
        scene.loop.advance(every_s)


def test_on_a_quiet_site_nobody_waits(make: Make) -> None:
    scene = make(company_s=COMPANY_S)
    arrivals(scene, 40, every_s=0.01)
    before = scene.loop.now
    scene.submit()
    scene.loop.turn(5)
    assert scene.answers == [0] * 41
    assert scene.loop.now == before


def test_at_a_high_rate_a_write_waits_a_moment_for_company(make: Make) -> None:
    scene = make(company_s=COMPANY_S)
    arrivals(scene, 15, every_s=0.0005)
    assert scene.store.sizes == [1] * 15
    before = len(scene.store.batches)
    scene.submit()
    scene.loop.turn(5)
    assert len(scene.store.batches) == before  # it waits
    for _ in range(3):
        scene.submit()
    scene.loop.advance(COMPANY_S)
    assert scene.store.sizes[before:] == [4]


def test_a_start_is_not_taken_for_a_high_rate(make: Make) -> None:
    scene = make(company_s=COMPANY_S)
    for _ in range(COMPANY - 1):
        scene.submit()
    scene.loop.turn(5)
    assert scene.store.sizes == [COMPANY - 1]


def test_whoever_has_company_waits_for_no_more(make: Make) -> None:
    scene = make(company_s=COMPANY_S)
    before = scene.loop.now
    for _ in range(COMPANY):
        scene.submit()
    scene.loop.turn(5)
    assert scene.store.sizes == [COMPANY]
    assert scene.loop.now == before


def test_who_closes_waits_for_no_company(make: Make) -> None:
    scene = make(company_s=COMPANY_S)
    arrivals(scene, 15, every_s=0.0001)
    scene.store.gate.clear()
    scene.submit()
    scene.loop.advance(COMPANY_S)
    scene.submit()  # the next batch's, and its only one
    before = scene.loop.now
    closing = scene.loop.create_task(scene.writer.close())
    scene.store.gate.set()
    scene.loop.turn(10)
    assert closing.done()
    assert scene.loop.now == before
    assert scene.store.sizes[-2:] == [1, 1]


def test_a_distribution_counts_up_to_and_with_each_bound() -> None:
    found = Distribution((1, 2, 4))
    for value in (0.5, 1, 2, 3, 4, 5, 50):
        found.add(value)
    assert (found.counts, found.total) == ([2, 1, 2, 2], 65.5)
