"""The programs in docs/bots.md do what the page says; README shows one of them."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from livethread_client import Snapshot, connect
from tests.serverprocess import UNLIMITED, serving
from tests.system.bots import bot_token
from tests.system.peer import until

ROOT = Path(__file__).parents[2]
PROGRAMS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "bots.md").read_text(), re.DOTALL)


def test_the_page_has_programs_and_readme_shows_one() -> None:
    assert len(PROGRAMS) == 2
    assert any(program in (ROOT / "README.md").read_text() for program in PROGRAMS)


def test_ten_lines_are_ten() -> None:
    assert len([line for line in PROGRAMS[0].splitlines() if line]) == 10


@contextmanager
def program(source: str, directory: Path, token: str) -> Iterator[None]:
    """The source as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", source], cwd=directory, env={**os.environ, "LIVETHREAD_TOKEN": token}
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def readers(url: str) -> int:
    """How many subscriptions the server's metrics tell of."""
    with urlopen(f"{url}/metrics", timeout=10) as answer:
        found = re.search(rb"^livethread_readers (\d+)", answer.read(), re.MULTILINE)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("source", PROGRAMS, ids=["connect", "bot"])
async def test_a_bot_of_the_docs_answers(tmp_path: Path, source: str) -> None:
    with serving(tmp_path, **UNLIMITED) as server:
        token = bot_token(server, "pinger", "read", "post")
        source = source.replace("http://127.0.0.1:8080", server.url)
        with program(source, tmp_path, token):
            async with asyncio.timeout(60), connect(server.url, guest="Mara") as live:
                room = await live.join("demo/bridge")

                await until(lambda: readers(server.url) == 2, "the bot follows the room, too")
                await room.post("!ping")
                async for change in room.changes():
                    if isinstance(change, Snapshot) or change.comment is None:
                        continue
                    if change.comment.body == "pong":
                        assert change.comment.author is not None
                        assert change.comment.author.badge == "bot"
                        assert change.comment.parent is not None
                        break
