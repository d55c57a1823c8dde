"""One soak: a rehearsal, the warm-up, the measured stretch, and the silence after it."""

from __future__ import annotations

import asyncio
import random
import urllib.request
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.serverprocess import ServerProcess
from tests.soak.regulars import Poster, Reader
from tests.soak.site import Site
from tests.soak.visitors import VISITS, visit
from tests.system.peer import until

MIB = 2**20
WARM_UP = 0.25
"""The share of the time after which what is bounded is full and what is lazy is there."""


@dataclass(frozen=True)
class Size:
    """How much and how long. The default is light: a twentieth of a core."""

    seconds: float
    rooms: int = 6
    readers: int = 40
    posts_per_s: float = 4.0
    visits_per_s: float = 4.0
    sample_s: float = 5.0


@dataclass(frozen=True)
class Sample:
    """The server at one moment; ``at_s`` counts from the beginning of the load."""

    at_s: float
    rss_mib: float
    tasks: int
    files: int
    sockets: int
    connections: int
    rooms: int
    cpu_s: float


@dataclass
class Record:
    """What a soak saw. ``before`` and ``after`` are the server with nobody there."""

    size: Size
    site: Site
    before: Sample
    after: Sample
    samples: list[Sample] = field(default_factory=list)

    @property
    def measured(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.at_s >= self.size.seconds * WARM_UP]


class Probe:
    """Reads the operating system's figures and the server's own."""

    def __init__(self, server: ServerProcess) -> None:
        self._url = f"{server.url}/metrics"
        self._process = psutil.Process(server.process.pid)

    async def look(self, at_s: float = 0.0) -> Sample:
        figures = await asyncio.to_thread(self._metrics)
        process, times = self._process, self._process.cpu_times()
        return Sample(
            at_s=at_s,
            rss_mib=process.memory_info().rss / MIB,
            # The connection that asks is one, and has one.
            tasks=int(figures["livethread_tasks"]) - 1,
            files=process.num_fds(),
            sockets=len(process.net_connections()),
            connections=int(figures["livethread_connections"]),
            rooms=int(figures["livethread_rooms"]),
            cpu_s=times.user + times.system,
        )

    def _metrics(self) -> dict[str, float]:
        with urllib.request.urlopen(self._url, timeout=20) as answer:
            text = answer.read().decode()
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0) + sample.value
        return found


async def soak(server: ServerProcess, token: str, size: Size, seed: int) -> Record:
    """Load the server for so long; it is empty before and after."""
    rooms = tuple(f"soak/{number}" for number in range(size.rooms))
    site = Site(server.port, token, random.Random(seed), rooms)
    probe = Probe(server)
    await asyncio.gather(*(visit(site, kind) for kind in VISITS))  # so that what is lazy is there
    before = await _empty(probe)
    samples: list[Sample] = []
    readers = [Reader(site, site.random.sample(rooms, 2)) for _ in range(size.readers)]
    posters = [Poster(site, room, size.posts_per_s / size.rooms) for room in rooms]
    loop = asyncio.get_running_loop()
    start = loop.time()
    reading = [asyncio.create_task(reader.live()) for reader in readers]
    posting = [asyncio.create_task(poster.live()) for poster in posters]
    visiting = asyncio.create_task(_visits(site, size.visits_per_s))
    while (at_s := loop.time() - start) < size.seconds:
        for task in (*reading, *posting, visiting):
            if task.done():
                task.result()
        samples.append(await probe.look(at_s))
        await asyncio.sleep(size.sample_s)
    site.is_posting = False
    await asyncio.gather(*posting, visiting)
    with suppress(AssertionError):
        await until(lambda: all(r.is_up_to_date for r in readers), "all readers up to date", 60)
    for reader in readers:
        if not reader.is_up_to_date:
            site.accuse(f"a reader ended at {reader.cursors} of {site.heads}")
    await _cancel(reading)
    return Record(size, site, before, await _empty(probe, before), samples)


async def _visits(site: Site, per_s: float) -> None:
    """Visitors by turns, at random moments, until nobody posts any more."""
    async with asyncio.TaskGroup() as visits:
        while site.is_posting:
            visits.create_task(visit(site, VISITS[site.visits % len(VISITS)]))
            await asyncio.sleep(site.random.expovariate(per_s))


async def _empty(probe: Probe, wanted: Sample | None = None) -> Sample:
    """The server when it has noticed that all are gone; without ``wanted``, twice the same."""
    loop = asyncio.get_running_loop()
    end = loop.time() + 30
    last: Sample | None = None
    while True:
        sample = await probe.look()
        now = _counts(sample)
        goal = wanted or last
        is_empty = not (sample.connections or sample.rooms)
        if is_empty and goal is not None and now == _counts(goal):
            return sample
        if loop.time() > end:
            return sample
        last = sample
        await asyncio.sleep(0.2)


def _counts(sample: Sample) -> tuple[int, ...]:
    return sample.tasks, sample.files, sample.sockets, sample.connections, sample.rooms


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    done: Awaitable[object] = asyncio.gather(*tasks, return_exceptions=True)
    await done
