"""Hostile Markdown of the greatest length does not hold up the others: measured by their pings."""

from __future__ import annotations

import asyncio
import itertools
import time
from math import inf

from tests.render.test_hostile import PATTERNS
from tests.system.conftest import Shared
from tests.system.peer import Peer, closing

CHARS = 5_000
ROUNDS = 12
BOUND = 40
_numbers = itertools.count()
PLAIN = ("An ordinary sentence with *some* emphasis and a [link](https://x.example). " * 80)[:CHARS]


async def test_hostile_markdown_holds_nobody_up(server: Shared) -> None:
    """The longest wait that a pattern causes each time, beside an ordinary text's of that length.

    Relative: absolute times say little on a shared machine. The least of some rounds was 6 ms for
    the worst beside 0.4; what is above the bound has more rounds, for chance passes.
    """
    suspects = {name: make(CHARS) for name, make in PATTERNS.items()}
    least: dict[str, float] = dict.fromkeys(suspects, inf)
    ordinary_s = inf
    poster = await Peer.speaking(server.port, token=server.all_token)
    other = await Peer.speaking(server.port)
    with closing(poster, other):
        for _ in range(ROUNDS):
            for name, body in suspects.items():
                ordinary_s = min(ordinary_s, await _wait(poster, other, PLAIN))
                least[name] = min(least[name], await _wait(poster, other, body))
            suspects = {
                name: body for name, body in suspects.items() if least[name] > BOUND * ordinary_s
            }
            if not suspects:
                break
    assert {name: least[name] / ordinary_s for name in suspects} == {}


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
