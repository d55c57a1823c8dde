"""Many connections: how fast they come, what they cost, what they weigh, and all talk at once."""

from __future__ import annotations

import itertools
import time
from functools import partial

from tests.bench.contestants import LIVETHREAD, PEERS_LIVE
from tests.bench.goals import AtMost
from tests.bench.results import Result, Row, Sample, measure
from tests.bench.scenes.schedule import Latency, Schedule
from tests.bench.scenes.stage import READERS_A_ROOM, Player, Stage, playing

COMMENTS_PER_S = 2_000


def crowd(stage: Stage) -> Result:
    """Half of 10,000 connect at once, timed until all are joined; then the rest, and their memory.

    Ten readers a room. RSS above the empty server's, as it is after its start. Then 2,000 comments
    a second are posted into the 1,000 rooms, in turn.
    """
    connections = stage.size.connections
    half = connections // 2
    cost = Row(
        "crowd", "server CPU a connection joined", "µs", goals=(AtMost(300), AtMost(200, "stretch"))
    )
    storm = Row("crowd", f"{half} connect at once, all joined", "s", goals=(AtMost(8),))
    memory = Row("crowd", f"memory a connection, {connections} idle", "KiB", goals=(AtMost(10),))
    figure = f"post → last reader, {connections // READERS_A_ROOM} rooms"
    latency = Latency("crowd", figure, p99=(AtMost(100),))
    samples: list[Sample] = []
    missing: list[str] = []
    for repeat in range(stage.size.crowd_repeats):
        for contestant in (LIVETHREAD, *PEERS_LIVE):
            # One at a time: together they would be more than the open files allowed.
            with playing(stage, f"crowd-{repeat}", (contestant,)) as (players, absent):
                missing += absent if not repeat else ()
                for player in players:
                    time.sleep(stage.size.settle_s)
                    empty = player.server.rss_bytes()
                    joined, rest = _gather(player, connections)
                    time.sleep(stage.size.settle_s)
                    player.crowd.pump(0)
                    weight = (player.server.rss_bytes() - empty) / connections / 1024
                    cost.add(player.name, joined.cpu_s / half * 1e6)
                    storm.add(player.name, joined.wall_s)
                    memory.add(player.name, weight)
                    samples += [joined, rest, _talk(player, stage, latency)]
    return Result([cost, storm, memory, *latency.rows], samples, missing)


def _gather(player: Player, connections: int) -> tuple[Sample, Sample]:
    site, members = player.site, player.crowd
    plans = [site.reader([f"room-{i // READERS_A_ROOM}"]) for i in range(connections)]
    half = connections // 2
    storm = partial(members.join, plans[:half], at_once=half)
    rest = partial(members.join, plans[half:])
    return (
        measure(player.name, player.server, members, storm),
        measure(player.name, player.server, members, rest),
    )


def _talk(player: Player, stage: Stage, latency: Latency) -> Sample:
    """Each room gets comments, and all its readers must have them: were they really joined?"""
    rooms = [f"room-{i}" for i in range(stage.size.connections // READERS_A_ROOM)]
    posters = player.crowd.join([player.site.poster(room) for room in rooms])
    count = max(len(rooms), round(COMMENTS_PER_S * stage.size.stretch_s))
    schedule = Schedule(count, COMMENTS_PER_S, READERS_A_ROOM)
    places = list(zip(rooms, posters, strict=True))
    return latency.play(player, places, itertools.count(), schedule)
