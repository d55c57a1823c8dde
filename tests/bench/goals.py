"""What Livethread should reach: bounds of a figure, and of its ratio to another's."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

from tests.bench.results import OURS, Row


@dataclass(frozen=True, slots=True)
class AtMost:
    """A bound of the value itself."""

    most: float
    kind: str = ""

    def text(self, row: Row) -> str:
        return f"{self.kind} ≤ {self.most:g}".lstrip()

    def is_reached(self, row: Row) -> bool:
        return row.value <= self.most


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A bound of the value itself."""

    least: float

    def text(self, row: Row) -> str:
        return f"≥ {self.least:g}"

    def is_reached(self, row: Row) -> bool:
        return row.value >= self.least


@dataclass(frozen=True, slots=True)
class ShareOf:
    """A bound of the ratio to another contestant."""

    most: float
    other: str

    def text(self, row: Row) -> str:
        bound = f"{self.most:.3g}" if self.most >= 0.5 else f"1/{1 / self.most:.3g}"
        return f"{share(row.ratio(self.other))} of {self.other} (≤ {bound})"

    def is_reached(self, row: Row) -> bool | None:
        ratio = row.ratio(self.other)
        return None if isnan(ratio) else ratio <= self.most


@dataclass(frozen=True, slots=True)
class Ahead:
    """Less than everybody else's but those of ``hors_concours``."""

    hors_concours: tuple[str, ...] = ()

    def text(self, row: Row) -> str:
        ahead = [name for name in self._others(row) if row.ratio(name) >= 1]
        return "the least of all peers" + (f" (not: {', '.join(ahead)})" if ahead else "")

    def is_reached(self, row: Row) -> bool | None:
        others = self._others(row)
        return all(row.ratio(name) < 1 for name in others) if others else None

    def _others(self, row: Row) -> list[str]:
        return [name for name in row.values if name not in (OURS, *self.hors_concours)]


def share(ratio: float) -> str:
    """As a fraction below a half, where that says more."""
    if isnan(ratio):
        return "–"
    return f"1/{1 / ratio:.1f}" if 0 < ratio < 0.5 else f"{ratio:.2f}"
