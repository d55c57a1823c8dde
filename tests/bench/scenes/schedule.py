"""Comments on schedule: how late the last reader has them.

Counted from when a comment was due, so a generator or a server that falls behind shows. The time
comes from one monotonic clock; the comment's number, which its body says, stands for it.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from tests.bench.contestants import BROADCAST, LIVETHREAD, PEERS_LIVE
from tests.bench.crowd import Member
from tests.bench.frames import Broken
from tests.bench.goals import AtMost
from tests.bench.results import Goal, Result, Row, Sample, measure, percentile
from tests.bench.scenes.stage import READERS_A_ROOM, Player, Stage, playing

Places = Sequence[tuple[str, Member]]
"""Rooms, and who posts there; in turn."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How many comments, how often, and to how many readers each one."""

    count: int
    rate_per_s: float
    readers: int


@dataclass(slots=True)
class Latency:
    """Rows of a scene on schedule, and a way to fill them."""

    scene: str
    figure: str
    p50: tuple[Goal, ...] = ()
    p99: tuple[Goal, ...] = ()
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows += (
            Row(self.scene, f"{self.figure}, p50", "ms", goals=self.p50),
            Row(self.scene, f"{self.figure}, p99", "ms", goals=self.p99),
            Row(self.scene, "server CPU, share of a core", "%"),
        )

    def play(
        self, player: Player, places: Places, numbers: Iterator[int], schedule: Schedule
    ) -> Sample:
        """Post on schedule; adds a repeat to the rows."""
        late_ms: list[float] = []
        work = partial(post_on_schedule, player, places, numbers, schedule, late_ms)
        sample = measure(player.name, player.server, player.crowd, work)
        share = sample.cpu_s / sample.wall_s * 100
        figures = (percentile(late_ms, 0.50), percentile(late_ms, 0.99), share)
        for row, figure in zip(self.rows, figures, strict=True):
            row.add(player.name, figure)
        return sample


def spaced(stage: Stage) -> Result:
    """20 comments a second into one room of 1,000 readers."""
    readers = stage.size.readers
    latency = Latency("spaced", f"post → last of {readers} readers")
    schedule = Schedule(round(20 * stage.size.stretch_s) + 1, 20, readers)
    samples: list[Sample] = []
    with playing(stage, "spaced", (LIVETHREAD, *PEERS_LIVE)) as (players, missing):
        posters = []
        for player in players:
            player.crowd.join([player.site.reader(["bench"])] * readers)
            posters += player.crowd.join([player.site.poster("bench")])
        numbers = itertools.count()
        for _ in range(stage.size.repeats):
            for player, poster in zip(players, posters, strict=True):
                samples.append(latency.play(player, [("bench", poster)], numbers, schedule))
    return Result(latency.rows, samples, missing)


def hall(stage: Stage) -> Result:
    """3 comments a second into one room of 10,000 readers."""
    readers = stage.size.connections
    latency = Latency("hall", f"post → last of {readers} readers", p99=(AtMost(150),))
    schedule = Schedule(round(6 * stage.size.stretch_s) + 1, 3, readers)
    samples: list[Sample] = []
    missing: list[str] = []
    numbers = itertools.count()
    for repeat in range(stage.size.crowd_repeats):
        for contestant in (LIVETHREAD, *PEERS_LIVE):
            # One at a time: together they would be more than the open files allowed.
            with playing(stage, f"hall-{repeat}", (contestant,)) as (players, absent):
                missing += absent if not repeat else ()
                for player in players:
                    player.crowd.join([player.site.reader(["bench"])] * readers)
                    (poster,) = player.crowd.join([player.site.poster("bench")])
                    samples.append(latency.play(player, [("bench", poster)], numbers, schedule))
    return Result(latency.rows, samples, missing)


def rate(stage: Stage) -> Result:
    """1,000 comments a second into 100 rooms of 10 readers."""
    rooms = [f"room-{i}" for i in range(100)]
    latency = Latency("rate", "post → last reader", p50=(AtMost(15),), p99=(AtMost(60),))
    count = max(len(rooms), round(1_000 * stage.size.stretch_s * 2))
    schedule = Schedule(count, 1_000, READERS_A_ROOM)
    samples: list[Sample] = []
    with playing(stage, "rate", (LIVETHREAD, BROADCAST)) as (players, missing):
        everywhere = []
        for player in players:
            player.crowd.join([player.site.reader([room]) for room in rooms * READERS_A_ROOM])
            posters = player.crowd.join([player.site.poster(room) for room in rooms])
            everywhere.append(list(zip(rooms, posters, strict=True)))
        numbers = itertools.count()
        for _ in range(stage.size.repeats):
            for player, places in zip(players, everywhere, strict=True):
                samples.append(latency.play(player, places, numbers, schedule))
    return Result(latency.rows, samples, missing)


def post_on_schedule(
    player: Player,
    places: Places,
    numbers: Iterator[int],
    schedule: Schedule,
    late_ms: list[float],
) -> None:
    """Post in turn; adds each comment's time to its last reader. Raises ``Broken`` if one lacks."""
    site, crowd = player.site, player.crowd
    due_at: dict[int, float] = {}
    missing: dict[int, int] = {}

    def watch(posts: tuple[int, ...]) -> None:
        now = time.perf_counter()
        for number in posts:
            missing[number] -= 1
            if not missing[number]:
                late_ms.append((now - due_at[number]) * 1000)

    crowd.watch = watch
    wanted = crowd.delivered + schedule.count * schedule.readers
    acks = crowd.acks + (schedule.count if site.has_acks else 0)
    started = time.perf_counter()
    for i in range(schedule.count):
        due = started + i / schedule.rate_per_s
        while (wait_s := due - time.perf_counter()) > 0:
            crowd.pump(wait_s)
        number = next(numbers)
        due_at[number], missing[number] = due, schedule.readers
        room, poster = places[i % len(places)]
        poster.send(site.post(room, number))
        crowd.pump(0)
    crowd.wait(lambda: crowd.delivered >= wanted and crowd.acks >= acks)
    crowd.watch = None
    if len(late_ms) != schedule.count:
        raise Broken(f"{schedule.count} posts, but {len(late_ms)} reached all their readers")
