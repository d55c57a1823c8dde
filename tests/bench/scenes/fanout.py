"""One room of many readers: what a delivery costs the server."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.bench.contestants import BROADCAST, FLOOR, LIVETHREAD, PEERS_LIVE
from tests.bench.crowd import Member
from tests.bench.goals import Ahead, ShareOf
from tests.bench.results import Goal, Result, Row, Sample, measure
from tests.bench.scenes.stage import Player, Stage, playing

BURST = 16
ROOM = "bench"
IN_FLIGHT = 64
NAP_S = 0.0003
"""Longer than where latency counts: nothing here does."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many comments at once, into which room, to how many readers."""

    at_once: int
    readers: int
    room: str = ROOM


Play = Callable[[Player, Member, Iterator[int], Shape, float], None]


def burst(stage: Stage) -> Result:
    """16 comments at once into one room; the next 16 when every reader has them."""
    goals = (
        ShareOf(1 / 12, BROADCAST.name),
        ShareOf(1.3, FLOOR.name),
        Ahead(hors_concours=(FLOOR.name,)),
    )
    return _fan_out(stage, "burst", rounds, BURST, goals)


def single(stage: Stage) -> Result:
    """One comment at a time into one room; the next when every reader has it."""
    goals = (
        ShareOf(0.85, BROADCAST.name),
        ShareOf(1.3, FLOOR.name),
        Ahead(hors_concours=(FLOOR.name,)),
    )
    return _fan_out(stage, "single", rounds, 1, goals)


def saturation(stage: Stage) -> Result:
    """As many comments as go through one room, 64 on their way at any time."""
    return _fan_out(stage, "saturation", _pour, IN_FLIGHT, ())


def _fan_out(stage: Stage, scene: str, play: Play, at_once: int, goals: tuple[Goal, ...]) -> Result:
    shape = Shape(at_once, stage.size.readers)
    cost = Row(scene, "server CPU a delivery", "µs", goals=goals)
    rate = Row(scene, "deliveries", "/s")
    samples: list[Sample] = []
    contestants = (LIVETHREAD, FLOOR, *PEERS_LIVE)
    with playing(stage, scene, contestants, nap_s=NAP_S) as (players, missing):
        posters = [_fill(player, shape.readers) for player in players]
        numbers = itertools.count()
        for repeat in range(-1, stage.size.repeats):
            stretch_s = stage.size.stretch_s if repeat >= 0 else 0.1  # warming up
            for player, poster in zip(players, posters, strict=True):
                work = partial(play, player, poster, numbers, shape, stretch_s)
                sample = measure(player.name, player.server, player.crowd, work)
                if repeat >= 0:
                    samples.append(sample)
                    cost.add(player.name, sample.cpu_us_a_delivery)
                    rate.add(player.name, sample.delivered / sample.wall_s)
    return Result([cost, rate], samples, missing)


def _fill(player: Player, readers: int) -> Member:
    """Have the readers join; returns who posts."""
    player.crowd.join([player.site.reader([ROOM])] * readers)
    (poster,) = player.crowd.join([player.site.poster(ROOM)])
    return poster


def rounds(
    player: Player, poster: Member, numbers: Iterator[int], shape: Shape, stretch_s: float
) -> None:
    """Post and wait for the last reader, again and again for that long."""
    site, crowd = player.site, player.crowd
    until = time.monotonic() + stretch_s
    delivered, acks = crowd.delivered, poster.acks

    def is_done() -> bool:
        return crowd.delivered >= delivered and poster.acks >= acks

    while time.monotonic() < until:
        delivered += shape.at_once * shape.readers
        acks += shape.at_once if site.has_acks else 0
        posts = [site.post(shape.room, next(numbers)) for _ in range(shape.at_once)]
        poster.send(b"".join(posts))
        crowd.wait(is_done)


def _pour(
    player: Player, poster: Member, numbers: Iterator[int], shape: Shape, stretch_s: float
) -> None:
    """Keep that many comments on their way for that long, then wait for the last."""
    site, crowd = player.site, player.crowd
    until = time.monotonic() + stretch_s
    sent, before, acks = 0, crowd.delivered, poster.acks

    def is_done() -> bool:
        nonlocal sent
        if time.monotonic() < until:
            free = shape.at_once - (sent - (crowd.delivered - before) // shape.readers)
            sent += free
            poster.send(b"".join(site.post(shape.room, next(numbers)) for _ in range(free)))
            return False
        is_acked = not site.has_acks or poster.acks - acks >= sent
        return is_acked and crowd.delivered - before >= sent * shape.readers

    crowd.wait(is_done, stretch_s + 30)


def generator(stage: Stage) -> Result:
    """`burst` with a generator that naps for longer, or not at all.

    If it is the server that is measured, what a delivery costs hardly depends on that.
    """
    naps = {NAP_S: "0.3 ms as in `burst`", 0.0: "0", 0.002: "2 ms"}
    rows = {
        nap_s: Row("generator", f"server CPU a delivery, naps of {text}", "µs")
        for nap_s, text in naps.items()
    }
    samples: list[Sample] = []
    shape = Shape(BURST, stage.size.readers)
    with playing(stage, "generator", (LIVETHREAD, FLOOR)) as (players, missing):
        posters = [_fill(player, stage.size.readers) for player in players]
        numbers = itertools.count()
        for _ in range(stage.size.repeats):
            for nap_s, row in rows.items():
                for player, poster in zip(players, posters, strict=True):
                    player.crowd.nap_s = nap_s
                    stretch_s = stage.size.stretch_s / 2
                    work = partial(rounds, player, poster, numbers, shape, stretch_s)
                    sample = measure(player.name, player.server, player.crowd, work)
                    row.add(player.name, sample.cpu_us_a_delivery)
                    samples += [sample] if nap_s else []
    return Result(list(rows.values()), samples, missing)
