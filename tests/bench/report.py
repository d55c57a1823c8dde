"""The table and the goals, for the terminal and for a page, and all that stands behind as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isinf
from statistics import median
from typing import Any

from tests.bench.results import Result, Row

BUSY = 0.9
"""A generator busier than this share of its core bounds how quick a server can be."""

_VERDICTS = {None: "not judged", True: "yes", False: "NO"}


def table(results: Mapping[str, Result]) -> str:
    """One line a figure, one column a contestant: medians of the repeats."""
    lines = _lines(results)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = []
    for line in lines:
        cells = [
            cell.ljust(width) if i < 3 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        aligned.append("  ".join(cells).rstrip())
    aligned.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(aligned)


def markdown_table(results: Mapping[str, Result]) -> str:
    """The same for a page."""
    head, *lines = ["| " + " | ".join(line) + " |" for line in _lines(results)]
    return "\n".join((head, "|---|---|---|" + "--:|" * (head.count(" | ") - 2), *lines))


def goals(results: Mapping[str, Result]) -> list[str]:
    """What Livethread should reach, a line a goal; ratios are medians of the repeats' ratios."""
    return [
        f"{row.scene}, {row.metric}: {number(row.value)} {row.unit}, {goal.text(row)}: "
        f"{_VERDICTS[goal.is_reached(row)]}"
        for row in _rows(results)
        for goal in row.goals
    ]


def checks(results: Mapping[str, Result]) -> list[str]:
    """What says whether the figures can be believed, a line a scene, and who was missing."""
    lines = []
    for name, result in results.items():
        if result.samples:
            lines.append(_check(name, result))
        lines += [f"{name} without {absent}" for absent in result.missing]
    return lines


def as_json(machine: Mapping[str, str], results: Mapping[str, Result]) -> str:
    """Every repeat of every figure, and what each stretch took."""
    scenes = {
        name: {
            "rows": [_row(row) for row in result.rows],
            "samples": list(map(asdict, result.samples)),
            "missing": result.missing,
        }
        for name, result in results.items()
    }
    return json.dumps({"machine": dict(machine), "scenes": scenes}, indent=2, ensure_ascii=False)


def number(value: float) -> str:
    """Three digits, or all before the point."""
    if isinf(value):
        return "never"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _check(name: str, result: Result) -> str:
    share = result.generator_share
    warning = "" if share <= BUSY else "  ← BUSY: it bounds times and rates, not CPU costs"
    return (
        f"{name}: {result.delivered:,} deliveries, none missing, repeated or out of order; "
        f"the generator used at most {share:.0%} of its core, other processes "
        f"{result.others_share:.0%} of all cores{warning}"
    )


def _lines(results: Mapping[str, Result]) -> list[tuple[str, ...]]:
    rows = _rows(results)
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    return [("scene", "figure", "unit", *names), *(_cells(row, names) for row in rows)]


def _rows(results: Mapping[str, Result]) -> list[Row]:
    return [row for result in results.values() for row in result.rows]


def _cells(row: Row, names: Sequence[str]) -> tuple[str, ...]:
    figures = [number(median(row.values[name])) if name in row.values else "–" for name in names]
    return (row.scene, row.metric, row.unit, *figures)


def _row(row: Row) -> dict[str, Any]:
    return {
        "figure": row.metric,
        "unit": row.unit,
        "values": row.values,
        "goals": {goal.text(row): goal.is_reached(row) for goal in row.goals},
    }
