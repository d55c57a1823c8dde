"""The table, and all that stands behind it as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from math import isnan
from statistics import median
from typing import Any

from tests.bench.results import Result, Row

BUSY = 0.9
"""A generator busier than this share of its core may be what was measured."""

_HEAD = ("scene", "figure", "unit", "Livethread", "websockets", "ratio", "goal", "reached")


def table(results: Mapping[str, Result]) -> str:
    """One line a figure: medians of the repeats, and the median of their ratios."""
    rows = [row for result in results.values() for row in result.rows]
    lines = [_HEAD, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = []
    for line in lines:
        cells = [
            cell.rjust(width) if 3 <= i <= 5 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        aligned.append("  ".join(cells).rstrip())
    aligned.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(aligned)


def checks(results: Mapping[str, Result]) -> str:
    """What says whether the figures can be believed, a line a scene."""
    lines = []
    for name, result in results.items():
        share = result.generator_share
        warning = "" if share <= BUSY else "  ← TOO BUSY: the generator was measured"
        lines.append(
            f"{name}: {result.delivered:,} deliveries, none missing, repeated or out of order; "
            f"the generator used at most {share:.0%} of its core, other processes "
            f"{result.others_share:.0%} of all cores{warning}"
        )
    return "\n".join(lines)


def as_json(machine: Mapping[str, str], results: Mapping[str, Result]) -> str:
    """Every repeat of every figure, and what each stretch took."""
    scenes = {
        name: {
            "rows": [_row(row) for row in result.rows],
            "samples": list(map(asdict, result.samples)),
        }
        for name, result in results.items()
    }
    return json.dumps({"machine": dict(machine), "scenes": scenes}, indent=2, ensure_ascii=False)


def _cells(row: Row) -> tuple[str, ...]:
    reached = {None: "", True: "yes", False: "NO"}[row.is_reached]
    return (
        row.scene,
        row.metric,
        row.unit,
        _number(row.value),
        _number(median(row.theirs)) if row.theirs else "–",
        _share(row.ratio),
        row.goal.text if row.goal else "",
        reached,
    )


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _share(ratio: float) -> str:
    """As a fraction below a half, where that says more."""
    if isnan(ratio):
        return "–"
    return f"1/{1 / ratio:.1f}" if 0 < ratio < 0.5 else f"{ratio:.2f}"


def _row(row: Row) -> dict[str, Any]:
    return {
        "figure": row.metric,
        "unit": row.unit,
        "livethread": row.ours,
        "websockets": row.theirs,
        "goal": row.goal.text if row.goal else None,
        "reached": row.is_reached,
    }
