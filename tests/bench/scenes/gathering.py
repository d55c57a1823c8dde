"""Many connections: how fast they come, what they cost, what they weigh."""

from __future__ import annotations

import time
from functools import partial

from tests.bench.contestants import BROADCAST, LIVETHREAD
from tests.bench.results import AtMost, Result, Row, Sample, measure
from tests.bench.scenes.stage import READERS_A_ROOM, Player, Stage, playing


def crowd(stage: Stage) -> Result:
    """Half of the connections at once, timed until all are joined; then the rest, and their memory.

    Ten readers a room. RSS above the empty server's, as it is after its start. Then each room
    gets a comment, and all its readers must have it.
    """
    connections = stage.size.connections
    memory = Row("crowd", f"memory a connection, {connections} idle", "KiB", goals=(AtMost(10),))
    storm = Row("crowd", f"{connections // 2} connect at once, all joined", "s", goals=(AtMost(8),))
    cost = Row("crowd", "server CPU a connection joined", "µs", goals=(AtMost(300),))
    samples: list[Sample] = []
    missing: list[str] = []
    for repeat in range(stage.size.crowd_repeats):
        for contestant in (LIVETHREAD, BROADCAST):
            # One at a time: together they would be too many.
            with playing(stage, f"crowd-{repeat}", (contestant,)) as (players, absent):
                missing += absent if not repeat else ()
                for player in players:
                    time.sleep(stage.size.settle_s)
                    empty = player.server.rss_bytes()
                    joined, sample = _gather(player, connections)
                    time.sleep(stage.size.settle_s)
                    player.crowd.pump(0)
                    memory.add(
                        player.name, (player.server.rss_bytes() - empty) / connections / 1024
                    )
                    storm.add(player.name, joined.wall_s)
                    cost.add(player.name, joined.cpu_s / (connections // 2) * 1e6)
                    samples += [joined, sample, _tell_all(player, connections)]
    return Result([memory, storm, cost], samples, missing)


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


def _tell_all(player: Player, connections: int) -> Sample:
    """A comment into every room: were they really all joined?"""
    site, members = player.site, player.crowd
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

    return measure(player.name, player.server, members, tell)
