from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from livethread import indexing
from livethread.indexing import LEAST_PAUSE_S, LOOK_S, PAUSES, Indexing
from livethread.protocol.errors import Unavailable
from tests.server.virtual import VirtualLoop


class Store:
    """Remembers when it was asked, and answers as it is told to; then that nothing is left."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.answers: list[bool | Exception] = []
        self.asked: list[tuple[float, bool]] = []
        self.step_s = 0.0

    async def index(self, *, is_tidying: bool) -> bool:
        self.asked.append((self.loop.now, is_tidying))
        await asyncio.sleep(self.step_s)
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, Exception):
            raise answer
        return answer

    def pauses(self) -> list[float]:
        times = [at for at, _ in self.asked]
        return [round(then - at, 3) for at, then in pairwise(times)]


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    loop.finish()


def test_it_goes_on_soon_while_there_is_more_and_looks_now_and_then(loop: VirtualLoop) -> None:
    store = Store(loop)
    store.answers = [True, True, False]
    task = loop.create_task(Indexing(store).run())
    loop.advance(LOOK_S * 3.5)
    assert store.pauses() == [LEAST_PAUSE_S, LEAST_PAUSE_S, LOOK_S, LOOK_S]
    assert not task.done()


def test_where_steps_take_long_it_pauses_long(loop: VirtualLoop) -> None:
    store = Store(loop)
    store.answers = [True, True, True]
    store.step_s = 0.04
    loop.create_task(Indexing(store).run())
    loop.advance(LOOK_S + 2.5 * PAUSES * store.step_s)
    assert store.pauses() == [round((PAUSES + 1) * store.step_s, 3)] * 2


def test_it_tidies_at_the_start_and_each_day(
    loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    day_s = 300.0
    monkeypatch.setattr(indexing, "TIDY_S", day_s)
    store = Store(loop)
    loop.create_task(Indexing(store).run())
    loop.advance(day_s * 2.5)
    tidied = [at for at, is_tidying in store.asked if is_tidying]
    assert [round((at - tidied[0]) / day_s, 1) for at in tidied] == [0, 1, 2]


@pytest.mark.parametrize("error", [Unavailable(), RuntimeError()])
def test_a_failure_doesnt_end_it_and_what_was_to_be_done_is_tried_again(
    loop: VirtualLoop, error: Exception
) -> None:
    store = Store(loop)
    store.answers = [error]
    loop.create_task(Indexing(store).run())
    with capture_logs() as logs:
        loop.advance(LOOK_S * 3.5)
    assert [is_tidying for _, is_tidying in store.asked] == [True, True, False]
    assert store.pauses() == [LOOK_S, LOOK_S]
    said = [] if isinstance(error, Unavailable) else ["indexing_failed"]
    assert [log["event"] for log in logs] == said
