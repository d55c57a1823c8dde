"""Steps in order for one consumer, and no step lost to a cancelled wait."""

from __future__ import annotations

import asyncio

import pytest

from livethread.protocol.cursor import Cursor
from livethread.protocol.errors import Banned
from livethread.protocol.frames import Change
from livethread_client.following import Step
from livethread_client.inbox import Inbox


def step(seq: int, *, is_empty: bool = False) -> Step:
    return Step(None if is_empty else Change(seq=seq), Cursor("e", seq))


def inbox(bound: int = 2) -> Inbox:
    return Inbox(bound, lambda: None)


async def test_in_order_with_the_cursor_of_each() -> None:
    box = inbox()
    box.put([step(1), step(2)])
    assert [await box.take(), await box.take()] == [step(1), step(2)]


async def test_what_only_moves_the_cursor_takes_no_place() -> None:
    box = inbox()
    box.put([step(1)])
    for seq in range(2, 100):
        box.put([step(seq, is_empty=True)])
    assert len(box) == 1
    assert await box.take() == Step(step(1).item, Cursor("e", 99))


async def test_a_cancelled_wait_loses_nothing() -> None:
    box = inbox()
    waiting = asyncio.create_task(box.take())
    await asyncio.sleep(0)
    box.put([step(1)])
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await box.take() == step(1)


async def test_the_rest_comes_before_the_end_and_the_error() -> None:
    box = inbox()
    box.put([step(1)])
    box.end(Banned())
    assert await box.take() == step(1)
    with pytest.raises(Banned):
        await box.take()


async def test_stopping_drops_the_rest() -> None:
    box = inbox()
    box.put([step(1)])
    box.stop()
    assert await box.take() is None


async def test_a_second_consumer_is_an_error() -> None:
    box = inbox()
    waiting = asyncio.create_task(box.take())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="one consumer"):
        await box.take()
    box.end()
    assert await waiting is None


@pytest.mark.parametrize("count", range(6))
async def test_full_and_overfull(count: int) -> None:
    box = inbox(2)
    box.put([step(seq) for seq in range(1, count + 1)])
    assert box.is_full == (count >= 2)
    assert box.is_overfull == (count >= 4)
