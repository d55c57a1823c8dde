"""How many comments a second come to be on disk."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from tests.bench.contestants import LIVETHREAD
from tests.bench.crowd import Member
from tests.bench.frames import Broken
from tests.bench.goals import AtLeast
from tests.bench.peers import isso
from tests.bench.peers.install import no_isso
from tests.bench.results import Result, Row, Sample, measure
from tests.bench.scenes.stage import Player, Stage, playing
from tests.bench.servers import Server


def posts(stage: Stage) -> Result:
    """64 guests, each posting again when its last comment is on disk, into one room or 64.

    A reader of each room checks that every comment comes. Isso, into one thread: 8 visitors, as
    many as it has threads.
    """
    guests = stage.size.guests
    scattered = [f"room-{i}" for i in range(guests)]
    goals = (AtLeast(5000),)
    variants = {"one room": ["single"] * guests, f"{guests} rooms": scattered}
    rows = {
        name: (
            Row("posts", f"durable posts, {name}", "/s", goals=goals),
            Row("posts", f"server CPU a post, {name}", "µs"),
        )
        for name in variants
    }
    result = Result([row for pair in rows.values() for row in pair], [])
    numbers = itertools.count()

    def take(name: str, sample: Sample) -> None:
        result.samples.append(sample)
        rate, cost = rows[name]
        rate.add(sample.site, sample.acks / sample.wall_s)
        cost.add(sample.site, sample.cpu_s / sample.acks * 1e6)

    with ExitStack() as stack:
        (player,), _ = stack.enter_context(playing(stage, "posts", (LIVETHREAD,)))
        site, crowd = player.site, player.crowd
        crowd.join([site.reader(["single"]), site.reader(scattered)])
        members = crowd.join([site.poster("")] * guests)
        rival = _isso(stage, stack, result)
        for repeat in range(-1, stage.size.repeats):
            stretch_s = stage.size.stretch_s if repeat >= 0 else 0.1  # warming up
            for name, rooms in variants.items():
                places = dict(zip(members, rooms, strict=True))
                work = partial(_post_when_acked, player, places, numbers, stretch_s)
                sample = measure(player.name, player.server, crowd, work)
                if repeat >= 0:
                    take(name, sample)
            if rival is not None:
                server, visitors = rival
                work = partial(visitors.post, "single", numbers, stretch_s)
                sample = measure(isso.NAME, server, visitors, work)
                if repeat >= 0:
                    take("one room", sample)
    return result


def _isso(stage: Stage, stack: ExitStack, result: Result) -> tuple[Server, isso.Visitors] | None:
    missing = no_isso()
    if missing is not None:
        result.missing.append(f"{isso.NAME}: {missing}")
        return None
    server = stack.enter_context(isso.serving(stage.directory / "posts-isso", stage.core))
    return server, stack.enter_context(isso.Visitors(server))


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
