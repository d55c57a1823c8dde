"""Who takes part: how each is started, how the generator speaks to it, what may be missing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from websockets.utils import accept_key

from tests.bench.frames import KEY
from tests.bench.servers import Server, livethread, python, running
from tests.bench.sites import LivethreadSite, RelaySite, Site

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True, slots=True)
class Contestant:
    """``start`` takes its own directory and the core; ``missing`` says why it can't, or None."""

    name: str
    start: Callable[[Path, int | None], AbstractContextManager[Server]]
    site: Callable[[Server], Site]
    missing: Callable[[], str | None] = lambda: None


@contextmanager
def _floor(directory: Path, core: int | None) -> Iterator[Server]:
    """The bare C server, built anew: it takes 0.2 s."""
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / "floor"
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-o", program, PEERS / "floor.c"], check=True)
    with running([program, accept_key(KEY)], directory, core) as server:
        yield server


@contextmanager
def _broadcast(directory: Path, core: int | None) -> Iterator[Server]:
    with running(python("tests.bench.peers.broadcast"), directory, core) as server:
        yield server


def _no_gcc() -> str | None:
    return (
        None
        if shutil.which("gcc")
        else "gcc isn't installed (Debian: apt-get install gcc libc6-dev)"
    )


LIVETHREAD = Contestant("Livethread", livethread, LivethreadSite)
FLOOR = Contestant("C floor", _floor, RelaySite, _no_gcc)
BROADCAST = Contestant("websockets", _broadcast, RelaySite)
