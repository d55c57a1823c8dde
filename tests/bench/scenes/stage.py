"""How much is played, and the servers it is played on.

The contestants of a scene run at the same time on the same core, all but one of them idle; the
repeats alternate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.contestants import Contestant
from tests.bench.crowd import NAP_S, Crowd
from tests.bench.servers import Server
from tests.bench.sites import Site

READERS_A_ROOM = 10


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    repeats: int = 5
    stretch_s: float = 1.5
    readers: int = 1_000
    history: int = 1_000
    fill: int = 700
    """Comments of 4.8 kB: 3.3 MB, more than the 2.6 MB that Linux keeps for a loopback socket."""
    connections: int = 10_000
    crowd_repeats: int = 3
    settle_s: float = 1.0
    guests: int = 64
    page_s: float = 10.0
    """For how long a browser is watched."""


FULL = Size()
QUICK = Size(repeats=3, stretch_s=1.0, connections=2_000, crowd_repeats=1, page_s=5.0)
TINY = Size(
    repeats=1,
    stretch_s=0.05,
    readers=20,
    history=20,
    fill=14,
    connections=40,
    crowd_repeats=1,
    settle_s=0.0,
    guests=8,
    page_s=0.3,
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scene plays: a directory on disk, the servers' core, and how much of it."""

    directory: Path
    core: int | None
    size: Size


@dataclass(frozen=True, slots=True)
class Player:
    """A contestant that runs, and the sockets of the generator that are connected to it."""

    name: str
    server: Server
    site: Site
    crowd: Crowd


@contextmanager
def playing(
    stage: Stage, scene: str, contestants: Sequence[Contestant], *, nap_s: float = NAP_S
) -> Iterator[tuple[list[Player], list[str]]]:
    """Start those that are installed; the others are lines that say why they are missing."""
    players: list[Player] = []
    missing: list[str] = []
    with ExitStack() as stack:
        for contestant in contestants:
            reason = contestant.missing()
            if reason is not None:
                missing.append(f"{contestant.name}: {reason}")
                continue
            directory = stage.directory / f"{scene}-{len(players)}"
            server = stack.enter_context(contestant.start(directory, stage.core))
            crowd = stack.enter_context(Crowd(contestant.name, nap_s=nap_s))
            players.append(Player(contestant.name, server, contestant.site(server), crowd))
        yield players, missing
