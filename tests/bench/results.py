"""What a scene found: rows for the table, and what says whether they can be believed."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, nan
from statistics import median
from typing import Protocol

import psutil

OURS = "Livethread"
"""The contestant that has the goals."""


@dataclass(slots=True)
class Row:
    """One figure: by contestant, a value a repeat. A goal judges Livethread's."""

    scene: str
    metric: str
    unit: str
    values: dict[str, list[float]] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()

    def add(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(value)

    @property
    def value(self) -> float:
        return median(self.values[OURS])

    def ratio(self, name: str) -> float:
        """Livethread's share of another's, the median over the repeats; NaN without that one."""
        if name not in self.values:
            return nan
        pairs = zip(self.values[OURS], self.values[name], strict=True)
        # A tiny scene may use no tick of CPU at all.
        return median(our / their if their else inf for our, their in pairs)


class Goal(Protocol):
    """What a row should reach."""

    def text(self, row: Row) -> str:
        """The goal, with what was reached where the table doesn't say it."""

    def is_reached(self, row: Row) -> bool | None:
        """None if there is nothing to judge by."""


@dataclass(slots=True)
class Sample:
    """One measured stretch. ``generator_s`` is the load generator's own CPU time.

    ``others_s`` is what neither it nor the server used: other processes, and the kernel's own.
    """

    site: str
    wall_s: float
    cpu_s: float
    generator_s: float
    others_s: float
    delivered: int
    acks: int
    received_bytes: int

    @property
    def cpu_us_a_delivery(self) -> float:
        return self.cpu_s / self.delivered * 1e6

    @property
    def bytes_a_delivery(self) -> float:
        return self.received_bytes / self.delivered

    @property
    def generator_share(self) -> float:
        return self.generator_s / self.wall_s

    @property
    def others_share(self) -> float:
        """Of all cores; the counters are too coarse for less than nothing to mean anything."""
        return max(0.0, self.others_s / self.wall_s / (os.cpu_count() or 1))


@dataclass(slots=True)
class Result:
    """A scene's rows, the samples behind them, and who could not take part and why."""

    rows: list[Row]
    samples: list[Sample]
    missing: list[str] = field(default_factory=list)

    @property
    def delivered(self) -> int:
        return sum(sample.delivered for sample in self.samples)

    @property
    def generator_share(self) -> float:
        """The busiest stretch: near 1, the generator and not the server was measured."""
        return max(sample.generator_share for sample in self.samples)

    @property
    def others_share(self) -> float:
        """The median stretch: much of it, and the figures are those of a busy machine."""
        return median(sample.others_share for sample in self.samples)


class Accounted(Protocol):
    """What is measured: a server, or more than that."""

    def cpu_s(self) -> float:
        """CPU time used so far."""


class Tally(Protocol):
    """What a generator has counted so far."""

    delivered: int
    acks: int
    received_bytes: int


def measure(site: str, server: Accounted, crowd: Tally, work: Callable[[], object]) -> Sample:
    """What one stretch of work cost. The work must wait for all it causes."""
    cpu_s, own_s, busy_s = server.cpu_s(), _own_s(), _busy_s()
    before = (crowd.delivered, crowd.acks, crowd.received_bytes)
    started = time.perf_counter()
    work()
    wall_s = time.perf_counter() - started
    cpu_s, own_s = server.cpu_s() - cpu_s, _own_s() - own_s
    return Sample(
        site,
        wall_s,
        cpu_s,
        own_s,
        _busy_s() - busy_s - cpu_s - own_s,
        crowd.delivered - before[0],
        crowd.acks - before[1],
        crowd.received_bytes - before[2],
    )


def of_site(samples: Sequence[Sample], site: str) -> list[Sample]:
    return [sample for sample in samples if sample.site == site]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of them don't exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _own_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)
