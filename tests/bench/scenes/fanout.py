"""One room of many readers, closed loop: what a delivery costs the server."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from functools import partial

from tests.bench.contestants import BROADCAST, FLOOR, LIVETHREAD
from tests.bench.crowd import Member
from tests.bench.results import Goal, Result, Row, Sample, ShareOf, measure
from tests.bench.scenes.stage import Player, Stage, playing

BURST = 16
ROOM = "bench"


def burst(stage: Stage) -> Result:
    """16 comments at once into one room; the next 16 when every reader has them."""
    goals = (ShareOf(1 / 12, BROADCAST.name), ShareOf(1.3, FLOOR.name))
    return _fan_out(stage, "burst", BURST, goals)


def single(stage: Stage) -> Result:
    """One comment at a time into one room; the next when every reader has it."""
    goals = (ShareOf(0.85, BROADCAST.name), ShareOf(1.3, FLOOR.name))
    return _fan_out(stage, "single", 1, goals)


def _fan_out(stage: Stage, scene: str, at_once: int, goals: tuple[Goal, ...]) -> Result:
    readers = stage.size.readers
    cost = Row(scene, "server CPU a delivery", "µs", goals=goals)
    rate = Row(scene, "deliveries", "/s")
    samples: list[Sample] = []
    with playing(stage, scene, (LIVETHREAD, FLOOR, BROADCAST)) as (players, missing):
        posters = []
        for player in players:
            player.crowd.join([player.site.reader([ROOM])] * readers)
            posters += player.crowd.join([player.site.poster()])
        numbers = itertools.count()
        for repeat in range(-1, stage.size.repeats):
            stretch_s = stage.size.stretch_s if repeat >= 0 else 0.1  # warming up
            for player, poster in zip(players, posters, strict=True):
                work = partial(_rounds, player, poster, numbers, at_once, readers, stretch_s)
                sample = measure(player.name, player.server, player.crowd, work)
                if repeat >= 0:
                    samples.append(sample)
                    cost.add(player.name, sample.cpu_us_a_delivery)
                    rate.add(player.name, sample.delivered / sample.wall_s)
    return Result([cost, rate], samples, missing)


def _rounds(
    player: Player,
    poster: Member,
    numbers: Iterator[int],
    at_once: int,
    readers: int,
    stretch_s: float,
) -> None:
    """Post and wait for the last reader, again and again for that long."""
    site, crowd = player.site, player.crowd
    until = time.monotonic() + stretch_s
    delivered, acks = crowd.delivered, poster.acks

    def is_done() -> bool:
        return crowd.delivered >= delivered and poster.acks >= acks

    while time.monotonic() < until:
        delivered += at_once * readers
        acks += at_once if site.has_acks else 0
        poster.send(b"".join(site.post(ROOM, next(numbers)) for _ in range(at_once)))
        crowd.wait(is_done)
