"""Readers who come late, all at once, and want what they missed."""

from __future__ import annotations

import itertools
from functools import partial

from tests.bench.contestants import LIVETHREAD, NCHAN
from tests.bench.goals import AtMost
from tests.bench.results import Result, Row, Sample, measure
from tests.bench.scenes.stage import Player, Stage, playing

ROOM = "bench"


def replay(stage: Stage) -> Result:
    """1,000 readers connect at once and are sent the room's 1,000 comments.

    From the first connection to the last reader's last comment, so it holds the handshakes, too.
    Nchan's come from its message buffer.
    """
    readers, history = stage.size.readers, stage.size.history
    spent = Row("replay", f"{history} changes to {readers} readers", "s", goals=(AtMost(2),))
    cost = Row("replay", "server CPU a reader", "µs")
    samples: list[Sample] = []
    with playing(stage, "replay", (LIVETHREAD, NCHAN)) as (players, missing):
        for player in players:
            _write(player, history)
        for _ in range(stage.size.repeats):
            for player in players:
                work = partial(_come, player, readers, history)
                sample = measure(player.name, player.server, player.crowd, work)
                samples.append(sample)
                spent.add(player.name, sample.wall_s)
                cost.add(player.name, sample.cpu_s / readers * 1e6)
    return Result([spent, cost], samples, missing)


def _write(player: Player, history: int) -> None:
    """Fill the room before one reader's eyes."""
    site, crowd = player.site, player.crowd
    crowd.join([site.reader([ROOM])])
    (poster,) = crowd.join([site.poster(ROOM)])
    numbers = itertools.count()
    wanted = crowd.delivered
    for start in range(0, history, 50):
        some = min(50, history - start)
        wanted += some
        poster.send(b"".join(site.post(ROOM, next(numbers)) for _ in range(some)))
        crowd.wait(lambda: crowd.delivered >= wanted)  # noqa: B023 (it is called at once)


def _come(player: Player, readers: int, history: int) -> None:
    crowd = player.crowd
    wanted = crowd.delivered + readers * history
    plan = player.site.latecomer(ROOM, crowd.epochs.get(ROOM.encode(), ""))
    late = crowd.join([plan] * readers, at_once=readers)
    crowd.wait(lambda: crowd.delivered >= wanted)
    crowd.drop(late)
