"""Soaks a server of its own and says whether it leaks: ``make soak MINUTES=30``."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from livethread.store.sqlite import SqliteStore
from tests.contract.making import post
from tests.serverprocess import serving
from tests.soak import plot, report
from tests.soak.run import Record, Size, soak
from tests.soak.site import SETTINGS
from tests.soak.visitors import ROOMS
from tests.system.data import seed as seed_data

FILLED = 8_000
DOCS = Path(__file__).parents[2] / "docs"


def main() -> int:
    """Exit code 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="of load (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the crowd's choices (%(default)s)")
    parser.add_argument("--times", type=int, default=1, help="the load's size (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument("--docs", action="store_true", help="write docs/soak.md and docs/soak.svg")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is cleaned up
    record = run(_size(chosen.minutes * 60, chosen.times), chosen.seed)
    if chosen.json:
        figures = {"before": asdict(record.before), "after": asdict(record.after)}
        figures["samples"] = [asdict(sample) for sample in record.samples]  # type: ignore[assignment]
        chosen.json.write_text(json.dumps(figures, indent=1))
    print(report.table(record))
    if chosen.docs:
        report.write(record, DOCS / "soak.md")
        (DOCS / "soak.svg").write_text(plot.svg(record))
    faults = report.faults(record)
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


def _size(seconds: float, times: int) -> Size:
    one = Size(seconds)
    return replace(
        one,
        readers=one.readers * times,
        posts_per_s=one.posts_per_s * times,
        visits_per_s=one.visits_per_s * times,
    )


def run(size: Size, seed: int, *, past: bool = True) -> Record:
    """On a database of its own, on disk; gone afterwards. Empty at first without a ``past``."""
    with tempfile.TemporaryDirectory(prefix="livethread-soak-", dir="/var/tmp") as name:
        directory = Path(name)
        seeded = seed_data(directory / "data")
        if past:
            asyncio.run(fill(directory / "data"))
        with serving(directory, **SETTINGS) as server:
            record = asyncio.run(soak(server, seeded.all_token, size, seed))
            log = server.log.read_text()
    for trouble in ("Traceback", "never retrieved", '"level": "error"'):
        if trouble in log:
            record.site.accuse(f"the log has {trouble!r}: {log[-2000:]}")
    return record


async def fill(data_dir: Path) -> None:
    """Give the visitors' rooms a past that is larger than SQLite's caches, 2 MB a connection.

    They would else grow with the database for as long as a soak lasts, and look like a leak.
    """
    store = await SqliteStore.open(data_dir / "livethread.db")
    for start in range(0, FILLED, 256):
        await store.commit(
            [
                post("x" * 800, room=ROOMS[n % len(ROOMS)], nonce=f"past-{n:08}")
                for n in range(start, min(start + 256, FILLED))
            ]
        )
    await store.close()


if __name__ == "__main__":
    sys.exit(main())
