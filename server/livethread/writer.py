"""Group commit: what arrives while one commit runs goes into the next, as one transaction.

An answer is given only after COMMIT has returned; the changes are handed on after that, too. So
nobody ever sees a comment that a crash could take back.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import AbstractEventLoop, Task
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from livethread.model import Committed, Outcome, RoomName, Write
from livethread.protocol.errors import LivethreadError, Unavailable
from livethread.store.base import CommitStore

log = structlog.get_logger(__name__)

COMPANY = 16
"""Writes that need wait for no more: a batch's fixed cost is small beside theirs by then."""


class Decided(NamedTuple):
    """A write, what was submitted beside it, and what came of it."""

    write: Write
    ref: str | None
    outcome: Outcome


Answer = Callable[[Sequence[Decided]], None]
"""Called on the loop with all of a batch that was submitted with it, in order; must not raise."""


def _to_nobody(_: Sequence[Decided]) -> None:
    pass


SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
TIMES_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Distribution:
    """How often values up to each bound occurred; the last count is of what is above them all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class WriterStats:
    """Since the start: of each batch its size and the time its commit took."""

    batches: int = 0
    writes: int = 0
    failures: int = 0
    sizes: Distribution = field(default_factory=lambda: Distribution(SIZES))
    times_s: Distribution = field(default_factory=lambda: Distribution(TIMES_S))


class Writer:
    """Owns the queue of writes. ``deliver`` gets each batch's commits; ``recheck`` rooms in doubt.

    The queue is bounded: when it is full, a write is answered ``unavailable`` at once.
    """

    def __init__(
        self,
        store: CommitStore,
        deliver: Callable[[Iterable[Committed]], None],
        recheck: Callable[[RoomName], None],
        loop: AbstractEventLoop,
        *,
        max_queue: int,
        max_batch: int,
        company_s: float,
    ) -> None:
        self._store = store
        self._deliver = deliver
        self._recheck = recheck
        self._loop = loop
        self._max_queue = max_queue
        self._max_batch = max_batch
        self._company_s = company_s
        self._queue: deque[tuple[Write, str | None, Answer]] = deque()
        self._running: Task[None] | None = None
        self._is_closed = False
        self._arrivals: deque[float] = deque(maxlen=16)
        self.stats = WriterStats()

    @property
    def queued(self) -> int:
        return len(self._queue)

    def submit(self, write: Write, answer: Answer = _to_nobody, ref: str | None = None) -> None:
        """Have the write committed; its outcome goes to ``answer``. Never blocks."""
        if self._is_closed or len(self._queue) >= self._max_queue:
            answer([Decided(write, ref, Unavailable(retry_after_ms=1000))])
            return
        self._queue.append((write, ref, answer))
        self._arrivals.append(self._loop.time())
        if self._running is None:
            self._running = self._loop.create_task(self._run())

    async def close(self) -> None:
        """Take no more, finish what is queued."""
        self._is_closed = True
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        try:
            while self._queue:
                await self._wait_for_company()
                batch = [
                    self._queue.popleft() for _ in range(min(len(self._queue), self._max_batch))
                ]
                await self._commit(batch)
        finally:
            self._running = None

    async def _wait_for_company(self) -> None:
        """Wait a moment if, at the present rate, another write is expected in it.

        A batch of one costs as much CPU as one of six. On a quiet site nobody waits.
        """
        if self._is_closed or len(self._queue) >= COMPANY:
            return
        span = self._loop.time() - self._arrivals[0]
        is_full = len(self._arrivals) == self._arrivals.maxlen
        if is_full and len(self._arrivals) * self._company_s > 1.5 * span:
            await asyncio.sleep(self._company_s)

    async def _commit(self, batch: Sequence[tuple[Write, str | None, Answer]]) -> None:
        writes = [write for write, _, _ in batch]
        started = time.perf_counter()
        try:
            outcomes: Sequence[Outcome] = await self._store.commit(writes)
        except LivethreadError as error:
            self._in_doubt(writes)
            outcomes = [error] * len(batch)
        except Exception:
            log.exception("commit_failed", writes=len(writes))
            self._in_doubt(writes)
            outcomes = [Unavailable()] * len(batch)
        self.stats.batches += 1
        self.stats.writes += len(batch)
        self.stats.sizes.add(len(batch))
        self.stats.times_s.add(time.perf_counter() - started)
        # Answers first: on its own socket, an author hears of a comment before the feed brings it.
        decided: dict[Answer, list[Decided]] = {}
        for (write, ref, answer), outcome in zip(batch, outcomes, strict=True):
            decided.setdefault(answer, []).append(Decided(write, ref, outcome))
        for answer, its in decided.items():
            answer(its)
        self._deliver([outcome for outcome in outcomes if isinstance(outcome, Committed)])

    def _in_doubt(self, writes: Sequence[Write]) -> None:
        """The commit may have happened all the same; the feeds must find out."""
        self.stats.failures += 1
        for room in dict.fromkeys(write.room for write in writes):
            self._recheck(room)
