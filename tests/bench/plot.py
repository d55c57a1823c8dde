"""The figures that say most, as bars: an SVG that needs no library and no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from statistics import median

from tests.bench.report import number
from tests.bench.results import OURS, Row

WIDTH = 900
_COLUMNS = 2
_BAR, _GAP, _HEAD, _LABEL, _VALUE = 16, 6, 44, 96, 70
_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #333 }
.head { font-weight: 600; font-size: 13px }
.ours { fill: #0b6e4f } .other { fill: #b8c0c8 }"""


def plot(panels: Sequence[tuple[str, Row]]) -> str:
    """Rows with their scenes, two side by side; a bar is the median of a contestant's repeats."""
    most = max((len(row.values) for _, row in panels), default=0)
    height = _HEAD + most * (_BAR + _GAP) + _GAP
    drawn = []
    for i, (name, row) in enumerate(panels):
        x, y = WIDTH // _COLUMNS * (i % _COLUMNS), height * (i // _COLUMNS)
        drawn.append(f'<g transform="translate({x} {y})">{_panel(name, row)}</g>')
    total = height * -(-len(panels) // _COLUMNS)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" role="img">',
            f"<style>{_STYLE}</style>",
            f'<rect width="{WIDTH}" height="{total}" fill="#fff"/>',
            *drawn,
            "</svg>\n",
        )
    )


def _panel(scene: str, row: Row) -> str:
    values = {name: median(values) for name, values in row.values.items()}
    title = f"{scene}: {row.metric}, {row.unit}"
    longest = max(values.values())
    room = WIDTH // _COLUMNS - _LABEL - _VALUE
    parts = [f'<text class="head" x="10" y="26">{escape(title)}</text>']
    for i, (name, value) in enumerate(values.items()):
        y = _HEAD + i * (_BAR + _GAP)
        kind = "ours" if name == OURS else "other"
        width = max(1.0, value / longest * room if longest else 0.0)
        parts += (
            f'<text x="{_LABEL - 6}" y="{y + 12}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{kind}" x="{_LABEL}" y="{y}" width="{width:.1f}" height="{_BAR}"/>',
            f'<text x="{_LABEL + width + 6:.1f}" y="{y + 12}">{number(value)}</text>',
        )
    return "\n".join(parts)
