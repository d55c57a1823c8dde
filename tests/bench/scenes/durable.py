"""How many comments a second come to be on disk."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from functools import partial

from tests.bench.contestants import LIVETHREAD
from tests.bench.crowd import Member
from tests.bench.frames import Broken
from tests.bench.results import AtLeast, Result, Row, Sample, measure
from tests.bench.scenes.stage import Player, Stage, playing


def posts(stage: Stage) -> Result:
    """64 guests, each posting again when its last comment is on disk, into one room or 64.

    A reader of each room checks that every comment comes. There is nothing to compare with:
    ``websockets`` stores nothing.
    """
    guests = stage.size.guests
    scattered = [f"room-{i}" for i in range(guests)]
    goals = (AtLeast(5000),)
    variants = {"one room": ["single"] * guests, f"{guests} rooms": scattered}
    rows: dict[str, tuple[Row, Row]] = {
        name: (
            Row("posts", f"durable posts, {name}", "/s", goals=goals),
            Row("posts", f"server CPU a post, {name}", "µs"),
        )
        for name in variants
    }
    samples: list[Sample] = []
    with playing(stage, "posts", (LIVETHREAD,)) as (players, missing):
        (player,) = players
        site, crowd = player.site, player.crowd
        crowd.join([site.reader(["single"]), site.reader(scattered)])
        members = crowd.join([site.poster() for _ in range(guests)])
        numbers = itertools.count()
        for repeat in range(-1, stage.size.repeats):
            for name, rooms in variants.items():
                stretch_s = stage.size.stretch_s if repeat >= 0 else 0.1
                places = dict(zip(members, rooms, strict=True))
                work = partial(_post_when_acked, player, places, numbers, stretch_s)
                sample = measure(player.name, player.server, crowd, work)
                if repeat < 0:
                    continue
                samples.append(sample)
                rows[name][0].add(player.name, sample.acks / sample.wall_s)
                rows[name][1].add(player.name, sample.cpu_s / sample.acks * 1e6)
    return Result([row for pair in rows.values() for row in pair], samples, missing)


def _post_when_acked(
    player: Player,
    rooms: dict[Member, str],
    numbers: Iterator[int],
    stretch_s: float,
) -> None:
    """Each poster posts to its room, again and again; ends when all is acked and delivered."""
    site, crowd = player.site, player.crowd
    until = time.monotonic() + stretch_s
    sent, delivered, acks = 0, crowd.delivered, crowd.acks

    def post(poster: Member, acked: int) -> None:
        nonlocal sent
        if acked > 1:
            raise Broken("more acks than posts")
        if time.monotonic() < until:
            sent += 1
            poster.send(site.post(rooms[poster], next(numbers)))

    crowd.answered = post
    for poster in rooms:
        post(poster, 1)
    crowd.wait(
        lambda: (
            time.monotonic() >= until
            and crowd.acks - acks >= sent
            and crowd.delivered - delivered >= sent
        ),
        stretch_s + 30,
    )
    crowd.answered = None
