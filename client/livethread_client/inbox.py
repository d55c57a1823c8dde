"""What waits for a room's consumer.

The bound is on changes. Over it the reader stops reading the socket; what that can't hold back
(an answer is awaited, the consumer sleeps) is dropped and asked for again from the feed: see
``Live``. So nothing is lost and memory is bounded, whatever the consumer does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from livethread.protocol.errors import LivethreadError
from livethread_client.following import Step


class Inbox:
    """A queue with one consumer. ``taken`` is called whenever something leaves it."""

    def __init__(self, bound: int, taken: Callable[[], None]) -> None:
        self._bound = bound
        self._taken = taken
        self._steps: deque[Step] = deque()
        self._filled = asyncio.Event()
        self._is_ended = False
        self._error: LivethreadError | None = None
        self._is_taking = False

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def is_full(self) -> bool:
        return len(self._steps) >= self._bound

    @property
    def is_overfull(self) -> bool:
        return len(self._steps) >= 2 * self._bound

    def put(self, steps: Iterable[Step]) -> None:
        """Add steps; one that only moves the cursor is folded into the one before it."""
        for step in steps:
            if step.item is None and self._steps:
                self._steps[-1] = Step(self._steps[-1].item, step.cursor)
            else:
                self._steps.append(step)
        if self._steps:
            self._filled.set()

    def end(self, error: LivethreadError | None = None) -> None:
        """Nothing more will come; the consumer gets what is left, then the error, if any."""
        self._is_ended = True
        self._error = self._error or error
        self._filled.set()

    def stop(self) -> None:
        """The consumer gets nothing more, not even what is left."""
        self._steps.clear()
        self.end()

    async def take(self) -> Step | None:
        """The next step, None at the end. Cancelling it loses nothing."""
        if self._is_taking:
            raise RuntimeError("a room's changes have one consumer")
        self._is_taking = True
        try:
            while not self._steps and not self._is_ended:
                self._filled.clear()
                await self._filled.wait()
        finally:
            self._is_taking = False
        if self._steps:
            step = self._steps.popleft()
            self._taken()
            return step
        if self._error is not None:
            raise self._error
        return None
