"""Plays the scenes and prints the table: ``make bench``, or ``make bench ARGS="burst --quick"``."""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.bench import machine, page, report
from tests.bench.frames import Broken
from tests.bench.peers import install
from tests.bench.results import Result
from tests.bench.scenes import SCENES
from tests.bench.scenes.stage import FULL, QUICK, Size, Stage

SPARE_FILES = 100


def main() -> int:
    """Exit code 1 if a scene broke; a goal that isn't reached is a finding, not an error."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("scenes", nargs="*", metavar="scene", help=", ".join(SCENES))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter repeats")
    parser.add_argument(
        "--install",
        action="store_true",
        help="first install the peers: npm's and Isso beside their code, nginx with apt for root",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every repeat there")
    parser.add_argument(
        "--report", type=Path, metavar="PAGE", help="fill the figures, and a plot, into that page"
    )
    parser.add_argument(
        "--dir",
        type=Path,
        default=Path("/var/tmp"),
        help="where the databases are put and removed again; a disk (%(default)s)",
    )
    chosen = parser.parse_args()
    for name in chosen.scenes:
        if name not in SCENES:
            parser.error(f"there is no scene {name!r}, but: {', '.join(SCENES)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is cleaned up
    if chosen.install:
        install.install_all()
    size = _within_limits(QUICK if chosen.quick else FULL)
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="livethread-bench-", dir=chosen.dir) as directory:
        about = machine.describe(Path(directory))
        for key, value in about.items():
            print(f"{key + ':':<11}{value}")
        if machine.is_memory(Path(directory)):
            print("warning: the databases are in memory; choose a disk with --dir")
        if len(cores) < 2:
            print("warning: one core for both, so the times say little; CPU costs still count")
        os.sched_setaffinity(0, {cores[-1]})
        results: dict[str, Result] = {}
        broken: list[str] = []
        for name in chosen.scenes or SCENES:
            print(f"{name} …", end=" ", file=sys.stderr, flush=True)
            started = time.monotonic()
            try:
                results[name] = SCENES[name](Stage(Path(directory), cores[0], size))
            except (Broken, OSError, RuntimeError) as error:
                broken.append(f"{name} broke off: {error}")
                print(broken[-1], file=sys.stderr)
            print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
            # After each scene, so that nothing is lost if this is ended.
            if chosen.json is not None:
                chosen.json.write_text(report.as_json(about, results))
            if chosen.report is not None:
                page.fill(chosen.report, about, results, broken)
    if results:
        print("", report.table(results), "", *report.goals(results), "", sep="\n")
        print(*report.checks(results), *broken, sep="\n")
    return 1 if broken else 0


def _within_limits(size: Size) -> Size:
    """As many open files as allowed, and no more connections than that."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # A tenth more post, and as many as eight contestants' readers are there at the same time.
    connections = min(size.connections, (most - SPARE_FILES) * 10 // 11 // 100 * 100)
    readers = min(size.readers, (most - SPARE_FILES) // 8 // 100 * 100)
    if (connections, readers) != (size.connections, size.readers):
        print(f"warning: {most} open files allowed, so {connections} connections and {readers}")
    return replace(size, connections=connections, readers=readers)


if __name__ == "__main__":
    sys.exit(main())
