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
from tests.bench.peers import install, nchan
from tests.bench.servers import Server, livethread, python, running
from tests.bench.sites import LivethreadSite, NchanSite, RelaySite, Site, SocketIOSite

PEERS = Path(__file__).parent / "peers"
Start = Callable[[Path, int | None], AbstractContextManager[Server]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """``start`` takes its own directory and the core; ``missing`` says why it can't, or None."""

    name: str
    start: Start
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


def _module(name: str, *arguments: str) -> Start:
    command = python(f"tests.bench.peers.{name}", *arguments)
    return lambda directory, core: running(command, directory, core)


def _script(name: str) -> Start:
    return lambda directory, core: running([install.node(), PEERS / name], directory, core)


def _no_gcc() -> str | None:
    found = shutil.which("gcc")
    return None if found else "gcc isn't installed (Debian: apt-get install gcc libc6-dev)"


LIVETHREAD = Contestant("Livethread", livethread, LivethreadSite)
FLOOR = Contestant("C floor", _floor, RelaySite, _no_gcc)
BROADCAST = Contestant("websockets", _module("broadcast"), RelaySite)
DEFLATING = Contestant("websockets", _module("broadcast", "deflate"), RelaySite)
LOOP = Contestant("Starlette", _module("loop"), RelaySite)
WS = Contestant("ws", _script("ws.mjs"), RelaySite, install.no_npm)
SOCKET_IO = Contestant("Socket.IO", _script("socketio.mjs"), SocketIOSite, install.no_npm)
NCHAN = Contestant("Nchan", nchan.serving, NchanSite, install.no_nchan)

PEERS_LIVE = (BROADCAST, LOOP, WS, SOCKET_IO, NCHAN)
"""All that send to readers of a room over websockets, in the order of the table."""
