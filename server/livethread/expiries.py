"""When whose token ends: one time each, forgotten with its owner."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Expiries(Generic[T]):
    """Times in ms since the Unix epoch. Memory is bounded by how many have one now.

    A guest's token lasts a year: what has left must not be kept until then.
    """

    def __init__(self) -> None:
        self._at_ms: dict[T, int] = {}
        self._heap: list[tuple[int, int, T]] = []

    def __len__(self) -> int:
        """Entries held, those included that no longer count."""
        return len(self._heap)

    def set(self, who: T, at_ms: int | None) -> None:
        """From now on this is the time of ``who``; None: never."""
        if at_ms is None:
            self.discard(who)
        elif self._at_ms.get(who) != at_ms:
            self._at_ms[who] = at_ms
            heapq.heappush(self._heap, (at_ms, id(who), who))
            self._trim()

    def discard(self, who: T) -> None:
        if self._at_ms.pop(who, None) is not None:
            self._trim()

    def take_due(self, now_ms: int) -> list[T]:
        """Those whose time has come; each is returned once."""
        due = []
        while self._heap and self._heap[0][0] <= now_ms:
            at_ms, _, who = heapq.heappop(self._heap)
            if self._at_ms.get(who) == at_ms:
                del self._at_ms[who]
                due.append(who)
        return due

    def _trim(self) -> None:
        """Build the heap anew once most of it no longer counts: a constant cost a change."""
        if len(self._heap) > 2 * len(self._at_ms) + 16:
            self._heap = [(at_ms, id(who), who) for who, at_ms in self._at_ms.items()]
            heapq.heapify(self._heap)
