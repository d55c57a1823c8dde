"""What an operator says of sites, bots and people while a server runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from click.testing import CliRunner

from livethread.cli import main
from tests.serverprocess import ServerProcess
from tests.system.peer import PATIENCE_S, Refused

T = TypeVar("T")
LOOK_S = 0.05


def say(server: ServerProcess, *words: str) -> str:
    """Run ``livethread …`` on the server's data; returns what it printed."""
    done = CliRunner().invoke(main, [*words, "--data-dir", str(server.data_dir)])
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


async def until_noticed(attempt: Callable[[], Awaitable[T]]) -> T:
    """What the attempt gives once the server has noticed; till then it is refused."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await attempt()
            except Refused:
                await asyncio.sleep(LOOK_S)
