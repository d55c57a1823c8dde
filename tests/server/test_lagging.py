"""What readers who take nothing cost those who do: counted, and measured beside each other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import pytest

from livethread.hub import HubLimits
from tests.server.test_hub import Room

READERS, STALLED = 500, 50
FLUSHES, BATCHES = 60, 7
TURNS = 8
"""Of the loop: more than a flush in slices needs."""


class Crowd:
    """A room of readers, some of whom can be told to take nothing."""

    def __init__(self) -> None:
        self.room = Room(HubLimits(slice_sinks=128))
        self.live = [self.room.sink() for _ in range(READERS)]
        self.deaf = [self.room.sink() for _ in range(STALLED)]

    def stall(self) -> None:
        for sink in self.deaf:
            sink.pause()

    def go_on(self) -> None:
        for sink in self.deaf:
            sink.resume()
        self.room.loop.settle()
        assert self.room.hub.lagging == 0

    def flush_s(self) -> float:
        """One change to all who take it: how long until the last has it."""
        started = time.perf_counter()
        self.room.append()
        self.room.loop.turn(TURNS)
        return time.perf_counter() - started

    def median_s(self) -> float:
        """Of some flushes; their p99 is the busy machine's, not theirs."""
        return median(self.flush_s() for _ in range(FLUSHES))


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd()
    yield crowd
    assert not crowd.room.loop.failures
    crowd.room.loop.finish()


def test_others_wait_at_most_twice_as_long_when_some_take_nothing(crowd: Crowd) -> None:
    """The least of some batches each, in turns: a busy machine disturbs both alike."""
    without, beside = [], []
    crowd.median_s()
    for _ in range(BATCHES):
        without.append(crowd.median_s())
        crowd.stall()
        beside.append(crowd.median_s())
        crowd.go_on()
    assert min(beside) <= 2 * min(without)


def test_who_takes_nothing_is_passed_over(crowd: Crowd) -> None:
    crowd.stall()
    before = crowd.room.hub.stats.deliveries
    taken = [len(sink.written) for sink in crowd.deaf]
    for _ in range(FLUSHES):
        crowd.flush_s()
    stats = crowd.room.hub.stats
    assert crowd.room.hub.lagging == STALLED
    assert stats.deliveries - before == FLUSHES * READERS
    assert (stats.catch_ups, stats.store_reads) == (0, 0)
    assert next(crowd.room.encoded) == FLUSHES
    assert [len(sink.written) for sink in crowd.deaf] == taken
    crowd.go_on()
    assert {sink.subscribers[0].cursor for sink in crowd.deaf + crowd.live} == {FLUSHES}
