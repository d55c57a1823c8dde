"""Sets of seqs, kept as ranges: what a bot has to remember of a feed is mostly contiguous."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator


class Ranges:
    """A set of integers as sorted, disjoint, inclusive ranges."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._ranges: list[tuple[int, int]] = []
        for start, end in ranges:
            self.add(start, end)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._ranges)

    def __len__(self) -> int:
        """How many ranges, which is what they cost."""
        return len(self._ranges)

    def __contains__(self, number: int) -> bool:
        at = self._at(number)
        return at >= 0 and number <= self._ranges[at][1]

    def add(self, start: int, end: int) -> None:
        """Add start…end; adds nothing if end is before start."""
        if end < start:
            return
        first = self._at(start)
        if first < 0 or self._ranges[first][1] < start - 1:
            first += 1
        last = self._at(end + 1)
        if first <= last:
            start = min(start, self._ranges[first][0])
            end = max(end, self._ranges[last][1])
        self._ranges[first : last + 1] = [(start, end)]

    def discard(self, start: int, end: int) -> None:
        """Take start…end away; nothing if end is before start."""
        if end < start:
            return
        first = self._at(start)
        if first < 0 or self._ranges[first][1] < start:
            first += 1
        last = self._at(end)
        if first > last:
            return
        low, high = self._ranges[first][0], self._ranges[last][1]
        left = [(low, start - 1)] if low < start else []
        right = [(end + 1, high)] if high > end else []
        self._ranges[first : last + 1] = left + right

    def drop_lowest(self, keep: int) -> None:
        """Forget all but the ``keep`` highest ranges."""
        del self._ranges[: max(0, len(self._ranges) - keep)]

    def _at(self, number: int) -> int:
        """The last range that starts at or before the number; -1 if none does."""
        return bisect_right(self._ranges, number, key=lambda pair: pair[0]) - 1
