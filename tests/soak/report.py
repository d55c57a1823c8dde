"""What a soak comes to: the slope of memory, what was left at the end, the page in docs/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.soak.run import WARM_UP, Record, Sample

RSS_MIB_PER_H = 1.0
TASKS = 30
"""Between visits there are two or three; each visit has a few for a moment."""

START, END = "<!-- figures -->\n", "<!-- end -->\n"


class Slope(NamedTuple):
    """``resolution`` is what a single step of 1 MiB, up or down, would look like."""

    per_h: float
    resolution: float

    @property
    def is_flat(self) -> bool:
        return self.per_h <= max(RSS_MIB_PER_H, self.resolution)


def rss_slope(samples: Sequence[Sample]) -> Slope:
    """The least squares slope in MiB an hour."""
    hours = [sample.at_s / 3600 for sample in samples]
    middle = sum(hours) / len(hours)
    mean = sum(sample.rss_mib for sample in samples) / len(samples)
    spread = sum((hour - middle) ** 2 for hour in hours)
    joint = sum(
        (hour - middle) * (sample.rss_mib - mean)
        for hour, sample in zip(hours, samples, strict=True)
    )
    return Slope(joint / spread, 1 / (hours[-1] - hours[0]))


def faults(record: Record) -> list[str]:
    """What the crowd accuses the server of, and what grew or was left."""
    found = list(record.site.faults)
    before, after = record.before, record.after
    for name in ("tasks", "files", "sockets", "connections", "rooms"):
        was, now = getattr(before, name), getattr(after, name)
        if now > was:
            found.append(f"{now} {name} at the end, {was} before")
    measured = record.measured
    slope = rss_slope(measured)
    if not slope.is_flat:
        found.append(f"memory grew by {slope.per_h:.1f} MiB/h")
    for sample in measured:
        if sample.files - sample.connections > before.files + TASKS or sample.tasks > TASKS:
            found.append(f"more than the connections explain: {sample}")
            break
    return found


def table(record: Record) -> str:
    """The figures, as a table in Markdown."""
    site, size, measured = record.site, record.size, record.measured
    slope = rss_slope(measured)
    first, last = record.samples[0], record.samples[-1]
    busy = (last.cpu_s - first.cpu_s) / (last.at_s - first.at_s)
    visits = max(1, site.visits) * (1 - WARM_UP)
    per_visit = slope.per_h * (size.seconds * (1 - WARM_UP)) / 3600 * 2**20 / visits
    rows = [
        ("minutes of load, of which warm-up", f"{size.seconds / 60:.0f}, {WARM_UP:.0%}"),
        ("server CPU, share of a core", f"{busy:.1%}"),
        ("visits, ten kinds by turns", f"{site.visits:,}"),
        ("posts by bots, each acknowledged", f"{site.posts:,}"),
        ("changes to readers, none missing or twice", f"{site.deliveries:,}"),
        ("times a reader came back to its cursor", f"{site.resumes:,}"),
        ("slope of memory, MiB/h", f"{slope.per_h:+.2f}"),
        ("the same, bytes a visit", f"{per_visit:+.0f}"),
        ("what one step of 1 MiB would look like, MiB/h", f"{slope.resolution:.1f}"),
        ("tasks, before and after", f"{record.before.tasks}, {record.after.tasks}"),
        ("most tasks at once", f"{max(sample.tasks for sample in measured)}"),
        ("descriptors, before and after", f"{record.before.files}, {record.after.files}"),
        ("sockets, before and after", f"{record.before.sockets}, {record.after.sockets}"),
        ("rooms in memory, before and after", f"{record.before.rooms}, {record.after.rooms}"),
        ("faults", f"{len(faults(record))}"),
    ]
    lines = ["| figure | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines) + "\n"


def write(record: Record, page: Path) -> None:
    """Put the figures where the page has its marks."""
    head, _, rest = page.read_text().partition(START)
    _, _, tail = rest.partition(END)
    page.write_text(f"{head}{START}{table(record)}{END}{tail}")
