"""Comments on schedule into many rooms: how late the last reader has them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from functools import partial

from tests.bench.contestants import BROADCAST, LIVETHREAD
from tests.bench.crowd import Member
from tests.bench.frames import Broken
from tests.bench.results import AtMost, Result, Row, Sample, measure, percentile
from tests.bench.scenes.stage import READERS_A_ROOM, Player, Stage, playing

RATE_PER_S = 1_000
ROOMS = 100


def rate(stage: Stage) -> Result:
    """1,000 comments a second, on schedule, into 100 rooms of 10 readers: how late is the last one?

    Counted from when the comment was due, so a generator or a server that falls behind shows.
    """
    rooms = [f"room-{i}" for i in range(ROOMS)]
    p50 = Row("rate", "post → last reader, p50", "ms", goals=(AtMost(15),))
    p99 = Row("rate", "post → last reader, p99", "ms", goals=(AtMost(60),))
    busy = Row("rate", "server CPU, share of a core", "%")
    samples: list[Sample] = []
    count = max(ROOMS, round(RATE_PER_S * stage.size.stretch_s * 2))
    with playing(stage, "rate", (LIVETHREAD, BROADCAST)) as (players, missing):
        posters = []
        for player in players:
            player.crowd.join([player.site.reader([room]) for room in rooms * READERS_A_ROOM])
            posters.append(player.crowd.join([player.site.poster() for _ in rooms]))
        numbers = itertools.count()
        for repeat in range(-1, stage.size.repeats):
            for player, members in zip(players, posters, strict=True):
                late_ms: list[float] = []
                posts = min(count, ROOMS) if repeat < 0 else count
                places = list(zip(rooms, members, strict=True))
                work = partial(_post_on_schedule, player, places, numbers, posts, late_ms)
                sample = measure(player.name, player.server, player.crowd, work)
                if repeat < 0:
                    continue
                samples.append(sample)
                p50.add(player.name, percentile(late_ms, 0.50))
                p99.add(player.name, percentile(late_ms, 0.99))
                busy.add(player.name, sample.cpu_s / sample.wall_s * 100)
    return Result([p50, p99, busy], samples, missing)


def _post_on_schedule(
    player: Player,
    posters: list[tuple[str, Member]],
    numbers: Iterator[int],
    count: int,
    late_ms: list[float],
) -> None:
    """Post ``count`` comments at the rate; adds each one's time to its last reader."""
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
    wanted = crowd.delivered + count * READERS_A_ROOM
    acks = crowd.acks + (count if site.has_acks else 0)
    started = time.perf_counter()
    for i in range(count):
        due = started + i / RATE_PER_S
        while (wait_s := due - time.perf_counter()) > 0:
            crowd.pump(wait_s)
        number = next(numbers)
        due_at[number], missing[number] = due, READERS_A_ROOM
        room, poster = posters[i % len(posters)]
        poster.send(site.post(room, number))
        crowd.pump(0)
    crowd.wait(lambda: crowd.delivered >= wanted and crowd.acks >= acks)
    if len(late_ms) != count:
        raise Broken(f"{count} posts, but {len(late_ms)} reached all their readers")
