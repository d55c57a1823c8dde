"""Every scene at a tiny size: what is sent arrives, whatever time it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.contestants import LIVETHREAD, Contestant
from tests.bench.frames import Broken, body, change, read_chunk
from tests.bench.report import as_json, checks, table
from tests.bench.results import OURS, Result, Row, Sample, ShareOf
from tests.bench.scenes import SCENES
from tests.bench.scenes.stage import READERS_A_ROOM, TINY, Stage, playing


@pytest.mark.parametrize("name", list(SCENES))
def test_every_delivery_of_a_scene_arrives(name: str, tmp_path: Path) -> None:
    result = SCENES[name](Stage(tmp_path, None, TINY))

    assert result.delivered > 0
    assert all(row.values[OURS] for row in result.rows)
    counted = [sample for sample in result.samples if sample.delivered]
    if name in ("burst", "single"):
        assert all(sample.delivered % TINY.readers == 0 for sample in counted)
        assert all(sample.acks * TINY.readers in (0, sample.delivered) for sample in counted)
    elif name == "rate":
        assert all(sample.acks * READERS_A_ROOM in (0, sample.delivered) for sample in counted)
    elif name == "posts":
        assert all(sample.acks == sample.delivered for sample in counted)
    else:
        assert [sample.delivered for sample in counted] == [TINY.connections] * 2
    assert name in table({name: result})
    assert name in checks({name: result})
    assert f'"{OURS}"' in as_json({}, {name: result})


def test_a_contestant_that_is_not_installed_is_a_line(tmp_path: Path) -> None:
    absent = Contestant("Peer", LIVETHREAD.start, LIVETHREAD.site, lambda: "apt-get install peer")

    with playing(Stage(tmp_path, None, TINY), "scene", (absent,)) as (players, missing):
        assert (players, missing) == ([], ["Peer: apt-get install peer"])
    row = Row("scene", "cost", "µs", {OURS: [1.0]}, (ShareOf(1.3, "Peer"),))
    result = Result([row], [Sample("Livethread", 1, 1, 0, 0, 1, 0, 0)], missing)

    assert "– of Peer (≤ 1.3): not judged" in table({"scene": result})
    assert "scene without Peer: apt-get install peer" in checks({"scene": result})


def test_a_row_is_judged_by_the_median_of_its_ratios() -> None:
    row = Row("scene", "cost", "µs", {OURS: [1.0, 2.0, 9.0], "Peer": [1.0, 1.0, 10.0]})

    assert row.ratio("Peer") == 1.0
    assert ShareOf(1.0, "Peer").is_reached(row) is True
    assert ShareOf(0.9, "Peer").is_reached(row) is False


def _frame(payload: bytes) -> bytes:
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


def test_the_generator_notices_a_gap_between_frames() -> None:
    data = _frame(change(b"a", 1, 7)) + _frame(change(b"a", 3, 8))

    with pytest.raises(Broken, match="after"):
        read_chunk(data)


def test_the_generator_notices_a_range_with_fewer_changes() -> None:
    data = _frame(change(b"a", 1, 7).replace(b'"to":1', b'"to":2'))

    with pytest.raises(Broken, match="lacks"):
        read_chunk(data)


def test_the_generator_keeps_a_frame_that_has_not_come_whole() -> None:
    whole, cut = _frame(change(b"a", 1, 7)), _frame(change(b"a", 2, 8))

    chunk = read_chunk(whole + cut[:100])

    assert chunk.spans == ((b"a", 0, 1),)
    assert chunk.posts == (7,)
    assert chunk.rest == cut[:100]
    assert read_chunk(chunk.rest + cut[100:]).spans == ((b"a", 1, 2),)


def test_a_body_says_its_number() -> None:
    assert body(12).startswith(b"12 x")
