"""Fills a run's figures into the page about them; the prose around them is written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench import report
from tests.bench.plot import plot
from tests.bench.results import Result, Row

BEGIN = '<!-- Written by `make bench ARGS="--report …"`: what stands here is replaced. -->\n'
END = "<!-- The end of what is written. -->\n"

PLOTTED = (
    ("burst", "server CPU a delivery"),
    ("single", "server CPU a delivery"),
    ("saturation", "deliveries"),
    ("spaced", "p99"),
    ("crowd", "server CPU a connection joined"),
    ("crowd", "memory a connection"),
)
"""Scenes and what a figure's name holds."""


def fill(
    page: Path, machine: Mapping[str, str], results: Mapping[str, Result], broken: Sequence[str]
) -> None:
    """Replace what is between the marks, and the plot beside the page, of the same name."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no marks to write between")
    panels = [
        (name, row)
        for name, metric in PLOTTED
        if name in results
        for row in results[name].rows
        if metric in row.metric
    ]
    picture = page.with_suffix(".svg")
    picture.write_text(plot(panels))
    about = "\n".join(f"{key + ':':<11}{value}" for key, value in machine.items())
    parts = (
        f"```text\n{about}\n```",
        f"![The figures of {_listed(panels)} as bars]({picture.name})",
        report.markdown_table(results),
        "### Goals",
        _bullets(report.goals(results)),
        "### Whether these figures can be believed",
        _bullets([*report.checks(results), *broken]),
    )
    written = "\n\n".join(parts)
    page.write_text(f"{before}{begin}\n{written}\n\n{end}{after}")


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _listed(panels: Sequence[tuple[str, Row]]) -> str:
    return ", ".join(dict.fromkeys(name for name, _ in panels))
