"""A moment of churn leaves nothing behind; and whatever is left or goes wrong is said."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.soak import plot, report
from tests.soak.__main__ import run
from tests.soak.regulars import Reader
from tests.soak.run import Record, Sample, Size
from tests.soak.site import Site

QUICK = Size(3, rooms=3, readers=12, posts_per_s=12, visits_per_s=12, sample_s=0.5)


@pytest.mark.parametrize("size", [QUICK, pytest.param(Size(180), marks=pytest.mark.slow)])
def test_churn_leaves_nothing_behind_and_no_reader_misses_anything(size: Size) -> None:
    record = run(size, seed=1, past=size.sample_s > 1)
    assert record.site.faults == []
    assert record.site.posts > size.seconds
    assert record.site.deliveries > 3 * record.site.posts
    assert record.site.visits > 30
    before, after = record.before, record.after
    for name in ("tasks", "files", "sockets", "connections", "rooms"):
        assert getattr(after, name) <= getattr(before, name), name


def empty(at_s: float = 0.0, **values: float) -> Sample:
    flat = {"rss_mib": 100.0, "tasks": 2, "files": 20, "sockets": 1, "connections": 0, "rooms": 0}
    return Sample(at_s=at_s, cpu_s=0.0, **(flat | values))  # type: ignore[arg-type]


def site() -> Site:
    return Site(1, "", random.Random(1), ("a",))


def record(mib_per_h: float = 0.0, hours: float = 2.0, **after: float) -> Record:
    """A run of which memory grows steadily."""
    samples = [
        empty(
            hours * 36 * n,
            rss_mib=100 + mib_per_h * hours * n / 100,
            connections=40,
            files=60,
            sockets=41,
        )
        for n in range(101)
    ]
    return Record(Size(hours * 3600), site(), empty(), empty(**after), samples)


def test_flat_run_has_no_fault_and_is_shown() -> None:
    flat = record()
    assert report.faults(flat) == []
    assert "| slope of memory, MiB/h | +0.00 |" in report.table(flat)
    assert plot.svg(flat).count("<path") == 2 * 4 + 1


@pytest.mark.parametrize(
    ("found", "run"),
    [
        ("memory grew by 1.1", record(1.1)),
        ("memory grew by 5.0", record(5, hours=1 / 3)),
        ("3 tasks at the end, 2 before", record(tasks=3)),
        ("21 files at the end", record(files=21)),
        ("2 sockets at the end", record(sockets=2)),
        ("1 connections at the end", record(connections=1)),
        ("1 rooms at the end", record(rooms=1)),
    ],
)
def test_what_grows_or_is_left_is_said(found: str, run: Record) -> None:
    faults = report.faults(run)
    assert len(faults) == 1
    assert found in faults[0]


def test_descriptors_and_tasks_that_no_connection_explains_are_said() -> None:
    for leak in ({"files": 99}, {"tasks": 99}):
        run = record()
        run.samples[80] = replace(run.samples[80], **leak)
        assert "more than the connections explain" in report.faults(run)[0]


def test_short_run_does_not_see_what_a_long_one_does() -> None:
    assert report.faults(record(2, hours=0.4)) == []
    assert report.faults(record(2, hours=2)) != []


def changes(since: int, to: int) -> dict[str, object]:
    seqs = [{"seq": seq} for seq in range(since + 1, to + 1)]
    return {"type": "changes", "room": "a", "from": since, "to": to, "changes": seqs}


def joined(cursor: str, mode: str = "resume") -> dict[str, object]:
    return {"type": "joined", "room": {"name": "a"}, "mode": mode, "cursor": cursor}


@pytest.mark.parametrize(
    "message",
    [
        changes(4, 6),
        changes(2, 3),
        {**changes(3, 6), "changes": [{"seq": 4}, {"seq": 6}]},
        joined("e.4"),
        joined("f.3"),
        joined("e.3", "snapshot"),
        {"type": "reset", "room": "a"},
    ],
)
def test_reader_accuses_of_gaps_repetitions_and_broken_resumptions(
    message: dict[str, object],
) -> None:
    there = site()
    reader = Reader(there, ["a"])
    for good in (joined("e.1", "snapshot"), changes(1, 3), joined("e.3")):
        reader.take(good)
    assert there.faults == []
    assert there.resumes == 1
    reader.take(message)
    assert len(there.faults) == 1
