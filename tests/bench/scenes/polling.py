"""What a reader pays to see a new comment, sent it or asking for it."""

from __future__ import annotations

import itertools
from functools import partial

from tests.bench.contestants import LIVETHREAD
from tests.bench.peers import isso
from tests.bench.peers.install import no_isso
from tests.bench.results import Result, Row, measure
from tests.bench.scenes.fanout import Shape, rounds
from tests.bench.scenes.stage import Stage, playing

ROOM = "bench"


def poll(stage: Stage) -> Result:
    """A comment to a tenth of 1,000 readers, one after another.

    Livethread sends it; the comment's own commit is counted, too. Isso's readers each ask once for
    what came after the last one (``after=``), and find it; then once more, and find nothing.
    """
    readers = stage.size.readers // 10
    cost = Row("poll", "server CPU a reader a new comment", "µs")
    size = Row("poll", "bytes to a reader a new comment", "B")
    idle = Row("poll", "server CPU a poll that finds nothing", "µs")
    result = Result([cost, size, idle], [])
    numbers = itertools.count()
    with playing(stage, "poll", (LIVETHREAD,)) as ((player,), _):
        player.crowd.join([player.site.reader([ROOM])] * readers)
        (poster,) = player.crowd.join([player.site.poster(ROOM)])
        shape = Shape(1, readers, ROOM)
        for _ in range(stage.size.repeats):
            work = partial(rounds, player, poster, numbers, shape, stage.size.stretch_s / 2)
            sample = measure(player.name, player.server, player.crowd, work)
            cost.add(player.name, sample.cpu_us_a_delivery)
            size.add(player.name, sample.bytes_a_delivery)
            result.samples.append(sample)
    missing = no_isso()
    if missing is not None:
        result.missing.append(f"{isso.NAME}: {missing}")
        return result
    with (
        isso.serving(stage.directory / "poll-isso", stage.core) as server,
        isso.Visitors(server) as visitors,
    ):
        visitors.post(ROOM, numbers, stage.size.stretch_s / 2)  # a thread that has some
        for _ in range(stage.size.repeats):
            asked = max(readers, isso.VISITORS)
            before = visitors.post_one(ROOM, next(numbers))
            after = visitors.post_one(ROOM, next(numbers))
            found = measure(
                isso.NAME, server, visitors, partial(visitors.poll, ROOM, before, asked, 1)
            )
            nothing = measure(
                isso.NAME, server, visitors, partial(visitors.poll, ROOM, after, asked, 0)
            )
            cost.add(isso.NAME, found.cpu_us_a_delivery)
            size.add(isso.NAME, found.bytes_a_delivery)
            idle.add(isso.NAME, nothing.cpu_s / (asked // isso.VISITORS * isso.VISITORS) * 1e6)
            result.samples += [found, nothing]
    return result
