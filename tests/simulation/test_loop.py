from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random

import pytest

from tests.simulation.loop import Process, SeededLoop


@pytest.fixture
def loop() -> Iterator[SeededLoop]:
    made = SeededLoop(Random(1))
    yield made
    made.finish()


def order_of(seed: int | None) -> list[int]:
    loop = SeededLoop(None if seed is None else Random(seed))
    ran: list[int] = []
    for number in range(20):
        loop.call_soon(ran.append, number)
    loop.settle()
    loop.finish()
    return ran


def test_what_is_ready_runs_in_an_order_of_the_seed() -> None:
    assert order_of(None) == list(range(20))
    assert order_of(1) == order_of(1) != order_of(2)
    assert sorted(order_of(1)) == list(range(20))


def test_nothing_of_a_killed_process_runs_any_more(loop: SeededLoop) -> None:
    did: list[str] = []

    async def work() -> None:
        try:
            loop.call_later(2, did.append, "called later")
            asyncio.create_task(live()).add_done_callback(lambda _: did.append("ended"))
            await live()
        finally:
            did.append("cleaned up")

    async def live() -> None:
        while True:
            await asyncio.sleep(0.4)
            did.append("lived")

    process, other = Process(loop, "one"), Process(loop, "other")
    process.start(work())
    loop.advance(0.5)
    assert did == ["lived", "lived"]
    process.kill()
    process.soon(did.append, "too late")
    other.soon(did.append, "another lives")
    loop.advance(10)
    assert did == ["lived", "lived", "another lives"]
    process.bury()
    assert loop.failures == []
