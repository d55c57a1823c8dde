"""Readers who take nothing any more among readers who do."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from math import inf

from tests.bench.contestants import LIVETHREAD, PEERS_LIVE
from tests.bench.crowd import Member
from tests.bench.frames import Broken
from tests.bench.goals import AtMost
from tests.bench.results import Result, Row, Sample, measure, percentile
from tests.bench.scenes.schedule import Schedule, post_on_schedule
from tests.bench.scenes.stage import Player, Stage, playing

ROOM = "bench"
RATE_PER_S = 50
LONG_CHARS = 4_800
AT_ONCE = 7
PATIENCE_S = 5.0


def slow(stage: Stage) -> Result:
    """50 comments a second to 550 readers; then 50 of these take nothing more. What of the others?

    A contestant that waits for each reader in turn never reaches the others again.
    """
    p99 = Row("slow", "post → last reader, p99, nobody stalled", "ms")
    stalled = Row("slow", "the same, one in 11 stalled", "ms")
    times = Row("slow", "times what it was", "×", goals=(AtMost(1.5),))
    samples: list[Sample] = []
    with playing(stage, "slow", (LIVETHREAD, *PEERS_LIVE)) as (players, missing):
        quick = stage.size.readers // 2
        posters = []
        for player in players:
            player.crowd.join([player.site.reader([ROOM])] * quick)
            posters += player.crowd.join([player.site.poster(ROOM)])
        numbers = itertools.count()
        for _ in range(stage.size.crowd_repeats):
            for player, poster in zip(list(players), list(posters), strict=True):
                plan = replace(player.site.reader([ROOM]), receive_buffer_bytes=4096)
                slow_ones = player.crowd.join([plan] * (quick // 10))
                before, sample = _late(player, poster, numbers, stage, quick + len(slow_ones))
                samples.append(sample)
                player.crowd.stall(slow_ones)
                try:
                    _fill(player, poster, numbers, stage)
                    after, sample = _late(player, poster, numbers, stage, quick)
                    samples.append(sample)
                except Broken:
                    after = inf
                    players.remove(player)
                    posters.remove(poster)
                player.crowd.drop(slow_ones)
                for row, value in ((p99, before), (stalled, after), (times, after / before)):
                    row.add(player.name, value)
    return Result([p99, stalled, times], samples, missing)


def _late(
    player: Player, poster: Member, numbers: Iterator[int], stage: Stage, readers: int
) -> tuple[float, Sample]:
    late_ms: list[float] = []
    schedule = Schedule(round(RATE_PER_S * stage.size.stretch_s) + 1, RATE_PER_S, readers)
    work = partial(post_on_schedule, player, [(ROOM, poster)], numbers, schedule, late_ms)
    sample = measure(player.name, player.server, player.crowd, work)
    return percentile(late_ms, 0.99), sample


def _fill(player: Player, poster: Member, numbers: Iterator[int], stage: Stage) -> None:
    """Long comments, until the buffers of those who don't read are full."""
    site, crowd, readers = player.site, player.crowd, stage.size.readers // 2
    wanted = crowd.delivered
    acks = poster.acks
    for _ in range(stage.size.fill // AT_ONCE):
        wanted += AT_ONCE * readers
        acks += AT_ONCE if site.has_acks else 0
        posts = [site.post(ROOM, next(numbers), LONG_CHARS) for _ in range(AT_ONCE)]
        poster.send(b"".join(posts))
        crowd.wait(lambda: crowd.delivered >= wanted and poster.acks >= acks, PATIENCE_S)  # noqa: B023
