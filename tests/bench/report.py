"""The table, and all that stands behind it as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from tests.bench.results import Result, Row

BUSY = 0.9
"""A generator busier than this share of its core may be what was measured."""


def table(results: Mapping[str, Result]) -> str:
    """One line a figure, one column a contestant: medians of the repeats.

    A goal that compares is judged, and quoted, by the median of the repeats' ratios.
    """
    rows = [row for result in results.values() for row in result.rows]
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    lines = [("scene", "figure", "unit", *names, "goals"), *(_cells(row, names) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = []
    for line in lines:
        cells = [
            cell.rjust(width) if 3 <= i < 3 + len(names) else cell.ljust(width)
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
        lines += [f"{name} without {absent}" for absent in result.missing]
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


def _cells(row: Row, names: Sequence[str]) -> tuple[str, ...]:
    figures = [_number(median(row.values[name])) if name in row.values else "–" for name in names]
    verdicts = {None: "not judged", True: "yes", False: "NO"}
    goals = [f"{goal.text(row)}: {verdicts[goal.is_reached(row)]}" for goal in row.goals]
    return (row.scene, row.metric, row.unit, *figures, ", ".join(goals))


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _row(row: Row) -> dict[str, Any]:
    return {
        "figure": row.metric,
        "unit": row.unit,
        "values": row.values,
        "goals": {goal.text(row): goal.is_reached(row) for goal in row.goals},
    }
