"""The same comments to readers who negotiated compression and to readers who didn't."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial

from tests.bench.contestants import DEFLATING, LIVETHREAD
from tests.bench.crowd import Member
from tests.bench.goals import AtMost
from tests.bench.results import Result, Row, Sample, measure
from tests.bench.scenes.fanout import BURST, Shape, rounds
from tests.bench.scenes.stage import Player, Stage, playing

FEW = 10
"""The smaller room has one in so many of the readers."""


def wire(stage: Stage) -> Result:
    """Bursts of 16 comments to readers who all negotiated compression, and to readers who didn't.

    Then the same for a tenth of the readers. Compressed once for all, a burst costs no more with
    many of them, so next to nothing for each; compressed for each, as `websockets` does, the same
    for each of them.
    """
    plain = Row("wire", "bytes a delivery, plain", "B")
    deflated = Row("wire", "bytes a delivery, compressed", "B")
    bytes_share = Row("wire", "compressed, of plain bytes", "×", goals=(AtMost(0.45),))
    plain_cost = Row("wire", "server CPU a delivery, plain", "µs")
    deflated_cost = Row("wire", "server CPU a delivery, compressed", "µs")
    cost_share = Row("wire", "compressed, of plain CPU", "×", goals=(AtMost(1.5),))
    few = stage.size.readers // FEW
    added = Row(
        "wire",
        f"compression adds to a burst, per reader of {stage.size.readers}",
        "µs",
        goals=(AtMost(1),),
    )
    added_few = Row("wire", f"compression adds to a burst, per reader of {few}", "µs")
    samples: list[Sample] = []
    with playing(stage, "wire", (LIVETHREAD, DEFLATING)) as (players, missing):
        rooms = {player.name: _Rooms(player, stage.size.readers) for player in players}
        numbers = itertools.count()
        for _ in range(stage.size.repeats):
            for player in players:
                some = rooms[player.name]
                taken = {
                    (is_deflating, readers): some.play(is_deflating, readers, numbers, stage)
                    for is_deflating in (False, True)
                    for readers in (stage.size.readers, few)
                }
                samples += taken.values()
                raw, small = taken[False, stage.size.readers], taken[True, stage.size.readers]
                extra = small.cpu_us_a_delivery - raw.cpu_us_a_delivery
                extra_few = taken[True, few].cpu_us_a_delivery - taken[False, few].cpu_us_a_delivery
                for row, value in (
                    (plain, raw.bytes_a_delivery),
                    (deflated, small.bytes_a_delivery),
                    (bytes_share, small.bytes_a_delivery / raw.bytes_a_delivery),
                    (plain_cost, raw.cpu_us_a_delivery),
                    (deflated_cost, small.cpu_us_a_delivery),
                    (cost_share, small.cpu_us_a_delivery / raw.cpu_us_a_delivery),
                    (added, extra * BURST),
                    (added_few, extra_few * BURST),
                ):
                    row.add(player.name, value)
    rows = [plain, deflated, bytes_share, plain_cost, deflated_cost, cost_share, added, added_few]
    return Result(rows, samples, missing)


class _Rooms:
    """Four rooms of a contestant: with and without compression, of many and of few readers."""

    def __init__(self, player: Player, readers: int) -> None:
        self._player = player
        self._posters: dict[str, Member] = {}
        for is_deflating in (False, True):
            for count in (readers, readers // FEW):
                room = self._name(is_deflating, count)
                plan = player.site.reader([room], is_deflating=is_deflating)
                player.crowd.join([plan] * count)
                self._posters[room] = player.crowd.join([player.site.poster(room)])[0]

    def play(
        self, is_deflating: bool, readers: int, numbers: Iterator[int], stage: Stage
    ) -> Sample:
        room = self._name(is_deflating, readers)
        shape = Shape(BURST, readers, room)
        stretch_s = stage.size.stretch_s / 2
        work = partial(rounds, self._player, self._posters[room], numbers, shape, stretch_s)
        return measure(self._player.name, self._player.server, self._player.crowd, work)

    @staticmethod
    def _name(is_deflating: bool, readers: int) -> str:
        return f"{'deflated' if is_deflating else 'plain'}-{readers}"
