"""A soak as a picture: what the server held, minute by minute; an SVG that needs no library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tests.soak.report import rss_slope
from tests.soak.run import WARM_UP, Record

WIDTH, PANEL, LEFT, RIGHT, TOP = 900, 150, 60, 20, 34
_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #333 }
.head { font-weight: 600; font-size: 13px }
path { fill: none; stroke: #0b6e4f; stroke-width: 1.5 }
.slope { stroke: #b5451b; stroke-dasharray: 6 4 } .axis { stroke: #b8c0c8; stroke-width: 1 }
.warm { fill: #f1f3f5 }"""

Points = Sequence[tuple[float, float]]


def svg(record: Record) -> str:
    """Memory with its slope, connections, descriptors beyond those, tasks; one below the other."""
    samples, measured = record.samples, record.measured
    minutes = [sample.at_s / 60 for sample in samples]
    slope = rss_slope(measured)
    middle = (measured[0].at_s + measured[-1].at_s) / 2
    mean = sum(sample.rss_mib for sample in measured) / len(measured)
    line = [
        (sample.at_s / 60, mean + (sample.at_s - middle) / 3600 * slope.per_h)
        for sample in (measured[0], measured[-1])
    ]
    rss = [sample.rss_mib for sample in samples]
    panels: list[tuple[str, list[float], Points]] = [
        (f"resident memory, MiB; slope {slope.per_h:+.2f} MiB/h", rss, line),
        ("connections", [float(sample.connections) for sample in samples], ()),
        (
            "descriptors that are no socket",
            [float(sample.files - sample.sockets) for sample in samples],
            (),
        ),
        ("tasks", [float(sample.tasks) for sample in samples], ()),
    ]
    height = PANEL * len(panels)
    drawn = [
        f'<g transform="translate(0 {PANEL * i})">{_panel(title, minutes, values, extra)}</g>'
        for i, (title, values, extra) in enumerate(panels)
    ]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<style>{_STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            *drawn,
            "</svg>\n",
        )
    )


def _panel(title: str, minutes: Sequence[float], values: Sequence[float], extra: Points) -> str:
    # What moves little is shown between its bounds, all else from zero.
    least = float(int(min(values))) if min(values) > max(values) * 0.9 else 0.0
    most = float(int(max(values)) + 1)
    last = minutes[-1] or 1.0
    width, bottom = WIDTH - LEFT - RIGHT, PANEL - 24
    warm = width * WARM_UP

    def path(points: Points, kind: str) -> str:
        places = (
            f"{LEFT + minute / last * width:.1f},"
            f"{bottom - (value - least) / (most - least) * (bottom - TOP):.1f}"
            for minute, value in points
        )
        return f'<path class="{kind}" d="M{" L".join(places)}"/>'

    parts = [
        f'<rect class="warm" x="{LEFT}" y="{TOP}" width="{warm:.0f}" height="{bottom - TOP}"/>',
        f'<text class="head" x="{LEFT}" y="22">{escape(title)}</text>',
        path([(0, least), (last, least)], "axis"),
        path(list(zip(minutes, values, strict=True)), ""),
        f'<text x="{LEFT - 8}" y="{bottom}" text-anchor="end">{least:.0f}</text>',
        f'<text x="{LEFT - 8}" y="{TOP + 10}" text-anchor="end">{most:.0f}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{PANEL - 8}" text-anchor="end">{last:.0f} min</text>',
    ]
    if extra:
        parts.append(path(extra, "slope"))
    return "\n".join(parts)
