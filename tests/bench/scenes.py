"""The scenes: functions from :class:`Stage` to :class:`Result`. Their docstrings say what happens.

Both servers run at the same time on the same core, one of them idle; the repeats alternate.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from tests.bench.crowd import Crowd, Member
from tests.bench.frames import Broken
from tests.bench.results import Goal, Result, Row, Sample, measure, of_site, percentile
from tests.bench.servers import livethread, reference
from tests.bench.sites import LivethreadSite, ReferenceSite, Site

BURST = 16
FAN_OUT_ROOM = "bench"
IN_FLIGHT = 64
RATE_PER_S = 1_000
RATE_ROOMS = 100
READERS_A_ROOM = 10


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    repeats: int = 7
    stretch_s: float = 2.0
    readers: int = 1_000
    connections: int = 10_000
    crowd_repeats: int = 3
    settle_s: float = 2.0


FULL = Size()
QUICK = Size(repeats=3, stretch_s=1.0, connections=2_000, crowd_repeats=1)
TINY = Size(repeats=1, stretch_s=0.05, readers=20, connections=40, crowd_repeats=1, settle_s=0.0)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scene plays: a directory on disk, the servers' core, and how much of it."""

    directory: Path
    core: int | None
    size: Size


def burst(stage: Stage) -> Result:
    """16 comments at once into one room; the next 16 when every reader has them."""
    goal = Goal("≤ 1/12", lambda _, ratio: ratio <= 1 / 12)
    return _fan_out(stage, "burst", BURST, goal)


def single(stage: Stage) -> Result:
    """One comment at a time into one room; the next when every reader has it."""
    goal = Goal("≤ 0.85", lambda _, ratio: ratio <= 0.85)
    return _fan_out(stage, "single", 1, goal)


def _fan_out(stage: Stage, scene: str, at_once: int, goal: Goal) -> Result:
    readers = stage.size.readers
    samples: list[Sample] = []
    with _both(stage, scene) as sites, ExitStack() as stack:
        crowds = [stack.enter_context(Crowd(site.name)) for site in sites]
        posters = []
        for site, crowd in zip(sites, crowds, strict=True):
            crowd.join([site.reader([FAN_OUT_ROOM])] * readers)
            posters += crowd.join([site.poster()])

        numbers = itertools.count()
        for repeat in range(-1, stage.size.repeats):
            stretch_s = stage.size.stretch_s if repeat >= 0 else 0.1  # warming up
            for site, crowd, poster in zip(sites, crowds, posters, strict=True):
                work = partial(_rounds, site, crowd, poster, numbers, at_once, readers, stretch_s)
                sample = measure(site.name, site.server, crowd, work)
                if repeat >= 0:
                    samples.append(sample)
    ours, theirs = (of_site(samples, site.name) for site in sites)
    cost = Row(
        scene,
        "server CPU a delivery",
        "µs",
        [sample.cpu_us_a_delivery for sample in ours],
        [sample.cpu_us_a_delivery for sample in theirs],
        goal,
    )
    rate = Row(
        scene,
        "deliveries",
        "/s",
        [sample.delivered / sample.wall_s for sample in ours],
        [sample.delivered / sample.wall_s for sample in theirs],
    )
    return Result([cost, rate], samples)


def _rounds(
    site: Site,
    crowd: Crowd,
    poster: Member,
    numbers: Iterator[int],
    at_once: int,
    readers: int,
    stretch_s: float,
) -> None:
    """Post and wait for the last reader, again and again for that long."""
    until = time.monotonic() + stretch_s
    delivered, acks = crowd.delivered, poster.acks

    def is_done() -> bool:
        return crowd.delivered >= delivered and poster.acks >= acks

    while time.monotonic() < until:
        delivered += at_once * readers
        acks += at_once if site.has_acks else 0
        poster.send(b"".join(site.post(FAN_OUT_ROOM, next(numbers)) for _ in range(at_once)))
        crowd.wait(is_done)


def rate(stage: Stage) -> Result:
    """1,000 comments a second, on schedule, into 100 rooms of 10 readers: how late is the last one?

    Counted from when the comment was due, so a generator or a server that falls behind shows.
    """
    rooms = [f"room-{i}" for i in range(RATE_ROOMS)]
    p50 = Row("rate", "post → last reader, p50", "ms")
    p99 = Row("rate", "post → last reader, p99", "ms")
    busy = Row("rate", "server CPU, share of a core", "%")
    p50.goal = Goal("≤ 15", lambda value, _: value <= 15)
    p99.goal = Goal("≤ 60", lambda value, _: value <= 60)
    samples: list[Sample] = []
    count = max(RATE_ROOMS, round(RATE_PER_S * stage.size.stretch_s * 2))
    with _both(stage, "rate") as sites, ExitStack() as stack:
        crowds = [stack.enter_context(Crowd(site.name)) for site in sites]
        posters = []
        for site, crowd in zip(sites, crowds, strict=True):
            crowd.join([site.reader([room]) for room in rooms * READERS_A_ROOM])
            posters.append(crowd.join([site.poster() for _ in rooms]))
        numbers = itertools.count()
        for repeat in range(-1, stage.size.repeats):
            for site, crowd, members in zip(sites, crowds, posters, strict=True):
                late_ms: list[float] = []
                posts = min(count, RATE_ROOMS) if repeat < 0 else count
                places = list(zip(rooms, members, strict=True))
                work = partial(_post_on_schedule, site, crowd, places, numbers, posts, late_ms)
                sample = measure(site.name, site.server, crowd, work)
                if repeat < 0:
                    continue
                samples.append(sample)
                for row, value in (
                    (p50, percentile(late_ms, 0.50)),
                    (p99, percentile(late_ms, 0.99)),
                    (busy, sample.cpu_s / sample.wall_s * 100),
                ):
                    (row.ours if site is sites[0] else row.theirs).append(value)
    return Result([p50, p99, busy], samples)


def _post_on_schedule(
    site: Site,
    crowd: Crowd,
    posters: list[tuple[str, Member]],
    numbers: Iterator[int],
    count: int,
    late_ms: list[float],
) -> None:
    """Post ``count`` comments at the rate; adds each one's time to its last reader."""
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


def posts(stage: Stage) -> Result:
    """64 guests, each posting again when its last comment is on disk, into one room or 64.

    A reader of each room checks that every comment comes. There is nothing to compare with:
    ``websockets`` stores nothing.
    """
    guests = IN_FLIGHT if stage.size is not TINY else 8
    scattered = [f"room-{i}" for i in range(guests)]
    goal = Goal("≥ 5000", lambda value, _: value >= 5000)
    variants = {"one room": ["single"] * guests, f"{guests} rooms": scattered}
    rows: dict[str, tuple[Row, Row]] = {
        name: (
            Row("posts", f"durable posts, {name}", "/s", goal=goal),
            Row("posts", f"server CPU a post, {name}", "µs"),
        )
        for name in variants
    }
    samples: list[Sample] = []
    with livethread(stage.directory / "posts", stage.core) as server, Crowd("livethread") as crowd:
        site = LivethreadSite(server)
        crowd.join([site.reader(["single"]), site.reader(scattered)])
        members = crowd.join([site.poster() for _ in range(guests)])
        numbers = itertools.count()
        for repeat in range(-1, stage.size.repeats):
            for name, rooms in variants.items():
                stretch_s = stage.size.stretch_s if repeat >= 0 else 0.1
                places = dict(zip(members, rooms, strict=True))
                work = partial(_post_when_acked, site, crowd, places, numbers, stretch_s)
                sample = measure(site.name, server, crowd, work)
                if repeat < 0:
                    continue
                samples.append(sample)
                rows[name][0].ours.append(sample.acks / sample.wall_s)
                rows[name][1].ours.append(sample.cpu_s / sample.acks * 1e6)
    return Result([row for pair in rows.values() for row in pair], samples)


def _post_when_acked(
    site: Site,
    crowd: Crowd,
    rooms: dict[Member, str],
    numbers: Iterator[int],
    stretch_s: float,
) -> None:
    """Each poster posts to its room, again and again; ends when all is acked and delivered."""
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


def crowd(stage: Stage) -> Result:
    """Half of the connections at once, timed until all are joined; then the rest, and their memory.

    Ten readers a room. RSS above the empty server's, as it is after its start. Then each room
    gets a comment, and all its readers must have it.
    """
    connections = stage.size.connections
    memory = Row("crowd", f"memory a connection, {connections} idle", "KiB")
    storm = Row("crowd", f"{connections // 2} connect at once, all joined", "s")
    cost = Row("crowd", "server CPU a connection joined", "µs")
    memory.goal = Goal("≤ 12", lambda value, _: value <= 12)
    storm.goal = Goal("≤ 8", lambda value, _: value <= 8)
    samples: list[Sample] = []
    for repeat in range(stage.size.crowd_repeats):
        for is_ours in (True, False):
            with ExitStack() as stack:
                directory = stage.directory / f"crowd-{repeat}-{is_ours}"
                start = livethread if is_ours else reference
                server = stack.enter_context(start(directory, stage.core))
                site: Site = LivethreadSite(server) if is_ours else ReferenceSite(server)
                members = stack.enter_context(Crowd(site.name))
                time.sleep(stage.size.settle_s)
                empty = server.rss_bytes()
                joined, sample = _gather(site, members, connections)
                time.sleep(stage.size.settle_s)
                members.pump(0)
                values = (
                    (server.rss_bytes() - empty) / connections / 1024,
                    joined.wall_s,
                    joined.cpu_s / (connections // 2) * 1e6,
                )
                samples += [joined, sample]
                samples.append(_tell_all(site, members, connections))
            for row, value in zip((memory, storm, cost), values, strict=True):
                (row.ours if is_ours else row.theirs).append(value)
    return Result([memory, storm, cost], samples)


def _gather(site: Site, members: Crowd, connections: int) -> tuple[Sample, Sample]:
    plans = [site.reader([f"room-{i // READERS_A_ROOM}"]) for i in range(connections)]
    half = connections // 2
    storm = partial(members.join, plans[:half], at_once=half)
    rest = partial(members.join, plans[half:])
    return (
        measure(site.name, site.server, members, storm),
        measure(site.name, site.server, members, rest),
    )


def _tell_all(site: Site, members: Crowd, connections: int) -> Sample:
    """A comment into every room: were they really all joined?"""
    (poster,) = members.join([site.poster()])
    rooms = [f"room-{i}" for i in range(connections // READERS_A_ROOM)]

    wanted = members.delivered

    def is_done() -> bool:
        return members.delivered >= wanted

    def tell() -> None:
        nonlocal wanted
        for start in range(0, len(rooms), 50):
            some = rooms[start : start + 50]
            wanted += len(some) * READERS_A_ROOM
            poster.send(b"".join(site.post(room, start + i) for i, room in enumerate(some)))
            members.wait(is_done)

    return measure(site.name, site.server, members, tell)


@contextmanager
def _both(stage: Stage, scene: str) -> Iterator[tuple[Site, Site]]:
    with (
        livethread(stage.directory / scene, stage.core) as ours,
        reference(stage.directory / f"{scene}-reference", stage.core) as theirs,
    ):
        yield LivethreadSite(ours), ReferenceSite(theirs)


SCENES: MappingProxyType[str, Callable[[Stage], Result]] = MappingProxyType(
    {"burst": burst, "single": single, "rate": rate, "posts": posts, "crowd": crowd}
)
"""Every scene by its name, in the order they play."""
