"""Every scene at a tiny size: what is sent arrives, whatever time it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import page
from tests.bench.contestants import LIVETHREAD, Contestant
from tests.bench.goals import ShareOf
from tests.bench.report import as_json, checks, goals, table
from tests.bench.results import OURS, Result, Row, Sample
from tests.bench.scenes import SCENES
from tests.bench.scenes.stage import READERS_A_ROOM, TINY, Stage, playing

REACH = {
    "hall": (TINY.connections,),
    "rate": (READERS_A_ROOM,),
    "crowd": (READERS_A_ROOM,),
    "slow": (TINY.readers // 2, TINY.readers // 2 + 1),
    "wire": (TINY.readers, TINY.readers // 10),
    "posts": (1,),
    "poll": (TINY.readers // 10,),
    "widget": (1,),
}
"""How many readers a comment reaches, where it isn't all of one room's."""


SLOW = {"widget"}
"""Starts Chromium, by a Playwright of its own: the browser tests' would be in its way."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in SCENES]
)
def test_every_delivery_of_a_scene_arrives(name: str, tmp_path: Path) -> None:
    result = SCENES[name](Stage(tmp_path, None, TINY))
    if not result.rows:
        pytest.skip("; ".join(result.missing))

    counted = [sample for sample in result.samples if sample.site == OURS and sample.delivered]
    assert counted
    for sample in counted:
        if name == "replay":
            assert sample.delivered == TINY.readers * TINY.history
        else:
            reach = REACH.get(name, (TINY.readers,))
            assert sample.delivered in [sample.acks * readers for readers in reach]
    assert all(
        row.values.keys() <= {sample.site for sample in result.samples} for row in result.rows
    )
    assert sum(OURS not in row.values for row in result.rows) <= (name == "poll")  # it need not
    assert name in table({name: result})
    assert len(goals({name: result})) == sum(len(row.goals) for row in result.rows)
    assert checks({name: result})[1:] == [f"{name} without {line}" for line in result.missing]
    assert f'"{OURS}"' in as_json({}, {name: result})


def test_a_contestant_that_is_not_installed_is_a_line(tmp_path: Path) -> None:
    absent = Contestant("Peer", LIVETHREAD.start, LIVETHREAD.site, lambda: "apt-get install peer")

    with playing(Stage(tmp_path, None, TINY), "scene", (absent,)) as (players, missing):
        assert (players, missing) == ([], ["Peer: apt-get install peer"])
    results = {"scene": _result(missing=missing)}

    assert goals(results) == ["scene, cost: 1.00 µs, – of Peer (≤ 1.3): not judged"]
    assert "scene without Peer: apt-get install peer" in checks(results)


def test_a_row_is_judged_by_the_median_of_its_ratios() -> None:
    row = Row("scene", "cost", "µs", {OURS: [1.0, 2.0, 9.0], "Peer": [1.0, 1.0, 10.0]})

    assert row.ratio("Peer") == 1.0
    assert ShareOf(1.0, "Peer").is_reached(row) is True
    assert ShareOf(0.9, "Peer").is_reached(row) is False


def test_the_page_keeps_what_was_written_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "performance.md"
    path.write_text(f"# By hand\n\n{page.BEGIN}old figures\n{page.END}\nBy hand, too.\n")

    for _ in range(2):
        page.fill(path, {"machine": "2 cores"}, {"burst": _result()}, ["single broke off"])

    text = path.read_text()
    assert text.startswith(f"# By hand\n\n{page.BEGIN}")
    assert text.endswith(f"{page.END}\nBy hand, too.\n")
    assert "| scene | cost | µs | 1.00 |" in text
    assert "- single broke off\n" in text
    assert "old figures" not in text


def test_the_page_without_marks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "performance.md"
    path.write_text("# By hand\n")

    with pytest.raises(ValueError, match="no marks"):
        page.fill(path, {}, {"burst": _result()}, [])

    assert path.read_text() == "# By hand\n"


def test_the_page_about_performance_describes_every_scene() -> None:
    text = (Path(__file__).parents[2] / "docs" / "performance.md").read_text()

    assert [name for name in SCENES if f"| `{name}` |" not in text] == []
    assert page.BEGIN in text
    assert page.END in text


def _result(missing: list[str] | None = None) -> Result:
    row = Row("scene", "cost", "µs", {OURS: [1.0]}, (ShareOf(1.3, "Peer"),))
    return Result([row], [Sample(OURS, 1, 1, 0, 0, 1, 0, 0)], missing or [])
