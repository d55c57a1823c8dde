"""Hostile Markdown of the greatest length does not hold up the others: measured by their pings."""

from __future__ import annotations

import asyncio
import itertools
import time

from tests.render.test_hostile import PATTERNS
from tests.system.conftest import Shared
from tests.system.peer import Peer, closing

CHARS = 5_000
ROUNDS = 3
_numbers = itertools.count()
PLAIN = ("An ordinary sentence with *some* emphasis and a [link](https://x.example). " * 80)[:CHARS]


async def test_hostile_markdown_holds_nobody_up(server: Shared) -> None:
    """The longest wait that a pattern causes each time, beside an ordinary text's of that length.

    Relative, and with an allowance: absolute times say little on a shared machine. Measured on two
    quiet cores: 15 ms beside 4 ms.
    """
    hostile = {name: make(CHARS) for name, make in PATTERNS.items()}
    poster = await Peer.speaking(server.port, token=server.all_token)
    other = await Peer.speaking(server.port)
    with closing(poster, other):
        ordinary_s = await _repeated_wait(poster, other, PLAIN)
        waits = {name: await _repeated_wait(poster, other, body) for name, body in hostile.items()}
    held_up = {name: wait_s for name, wait_s in waits.items() if wait_s > 8 * ordinary_s + 0.03}
    assert held_up == {}


async def _repeated_wait(poster: Peer, other: Peer, body: str) -> float:
    """The longest round trip of a ping while it is posted: the shortest of some rounds of that."""
    return min([await _wait(poster, other, body) for _ in range(ROUNDS)])


async def _wait(poster: Peer, other: Peer, body: str) -> float:
    nonce = f"hostile-{next(_numbers):06}"
    await poster.say(type="post", room="hostile", nonce=nonce, body=body)
    answered = asyncio.create_task(poster.hear("ack", "error"))
    waits: list[float] = []
    while not waits or not answered.done():
        started = time.perf_counter()
        await other.ping()
        waits.append(time.perf_counter() - started)
    await answered
    return max(waits)
