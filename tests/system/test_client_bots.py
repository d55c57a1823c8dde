"""The examples and the bot kit for real: processes that are killed while a server runs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from livethread.protocol.errors import Forbidden
from livethread_client import Bot, Change, Comment, Room, connect
from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.bots import bot_token

ROOT = Path(__file__).parents[2]


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    with serving(tmp_path, **UNLIMITED, reconnect_window_ms=[0, 200]) as server:
        yield server


@contextmanager
def program(token: str, *command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """A bot of its own process, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "LIVETHREAD_TOKEN": token},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def until(is_so: Callable[[], bool]) -> None:
    """Return as soon as it is so: of another process, no event tells."""
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def lines_of(path: Path) -> list[bytes]:
    """The file's whole lines."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def archived(path: Path) -> list[tuple[str, int]]:
    entries = [json.loads(line) for line in lines_of(path)]
    return [(entry["room"], entry["comment"]["id"]) for entry in entries]


async def test_the_archiver_survives_being_killed_again_and_again(
    own_server: ServerProcess, tmp_path: Path
) -> None:
    """Each comment is in the file once, also those edited or posted while nobody listened."""
    token = bot_token(own_server, "Archiver", "read", "replay")
    archive = tmp_path / "archive.jsonl"
    command: list[str | Path] = [
        ROOT / "examples/archiver.py",
        own_server.url,
        archive,
        "news/a",
        "news/b",
    ]
    async with connect(own_server.url, guest="Ann") as live:
        rooms = [live.room("news/a"), live.room("news/b")]
        expected = 0
        for cycle in range(6):
            with program(token, *command) as process:
                for n in range(20):
                    for room in rooms:
                        await room.post(f"{cycle}.{n}")
                        expected += 1
                some = expected - 25  # somewhere in the middle of it
                await until(lambda some=some: len(lines_of(archive)) >= some)  # type: ignore[misc]
                process.kill()
            if cycle == 2:
                with archive.open("ab") as file:
                    file.write(b'{"room":"news/a","cursor":"torn')
            ack = await rooms[0].post(f"{cycle} while away")
            assert ack.comment is not None
            await rooms[0].edit(ack.comment.id, f"{cycle} edited while away")
            await rooms[1].edit(1, f"{cycle}: edited")
            expected += 1
        ends = [(await room.post("end")).seq for room in rooms]
        expected += 2
        with program(token, *command) as process:
            for room, end in zip(rooms, ends, strict=True):
                await until(lambda key=(room.name, end): key in archived(archive))  # type: ignore[misc]
            process.kill()
        found = archived(archive)
        assert len(found) == expected
        there = [
            (room.name, comment.id)
            for room in rooms
            async for page in room.history()
            for comment in page.comments
        ]
        assert sorted(found) == sorted(there)


async def test_the_link_policy_reports_what_breaks_it_and_nothing_else(
    own_server: ServerProcess, tmp_path: Path
) -> None:
    token = bot_token(own_server, "Links", "read", "post")
    hosts = tmp_path / "hosts.txt"
    hosts.write_text("bad.example\n\n")
    state = tmp_path / "links.json"
    example = ROOT / "examples/link_policy.py"
    flags: list[str | Path] = ["--deny", f"@{hosts}", "--most", "2", "--state", state]
    with program(token, example, own_server.url, "r", *flags) as process:
        async with connect(own_server.url, guest="Ann") as live:
            await until(state.exists)
            room = live.room("r")
            for body in (
                "no links",
                "fine: https://good.example/a",
                "bad: http://BAD.example./x",
                "deeper: see www.very.bad.example now",
                "https://a.example https://b.example https://c.example",
                "not the same: https://notbad.example",
                "the last one: <https://bad.example>",
            ):
                await room.post(body)
            await until(lambda: 7 in reported(own_server))
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0
    assert reported(own_server) == [3, 4, 5, 7]


def reported(server: ServerProcess) -> list[int]:
    path = server.data_dir / "livethread.db"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT comment_id FROM reports ORDER BY comment_id").fetchall()
    return [row[0] for row in rows]


GREETER = """
import sys
from livethread_client import Bot

bot = Bot(sys.argv[1], sys.argv[2], rooms=["r"], state=sys.argv[3])

@bot.on_comment("*")
async def greet(comment, room):
    await room.post(f"Welcome, {comment.author.name} ({comment.body})!", parent=comment.id)

bot.run()
"""


async def test_a_bot_killed_at_any_moment_answers_each_comment_once(
    own_server: ServerProcess, tmp_path: Path
) -> None:
    token = bot_token(own_server, "Greeter", "read", "post")
    script, state = tmp_path / "greeter.py", tmp_path / "state.json"
    script.write_text(GREETER)
    command: list[str | Path] = [script, own_server.url, token, state]
    async with connect(own_server.url, guest="Ann") as live:
        room = await live.join("r")
        answers: list[str] = []

        async def listen() -> None:
            async for item in room.changes():
                if isinstance(item, Change) and item.comment and item.comment.parent:
                    assert item.comment.body is not None
                    answers.append(item.comment.body)

        listening = asyncio.create_task(listen())
        asked = 0
        for _ in range(6):
            with program(token, *command) as process:
                await until(state.exists)
                for _ in range(8):
                    await room.post(str(asked))
                    asked += 1
                few = asked - 5
                await until(lambda few=few: len(answers) >= few)  # type: ignore[misc]
                process.kill()
            await room.post(str(asked))
            asked += 1
        with program(token, *command) as process:
            await until(lambda: len(answers) >= asked)
            process.send_signal(signal.SIGTERM)
            _, error = await asyncio.to_thread(process.communicate, None, 20)
            assert (process.returncode, error) == (0, b"")
        room.leave()
        await listening
        assert sorted(answers) == sorted(f"Welcome, Ann ({n})!" for n in range(asked))


async def serving_bot(bot: Bot, handled: asyncio.Event) -> None:
    """Run a bot until the event, then stop it the orderly way."""
    task = asyncio.create_task(bot.serve())
    await asyncio.wait(
        [task, asyncio.create_task(handled.wait())], return_when=asyncio.FIRST_COMPLETED
    )
    bot.stop()
    await task


async def test_a_bot_too_far_behind_reads_the_room_and_misses_nothing(tmp_path: Path) -> None:
    """Without the ``replay`` scope, over the bound of what is brought change by change."""
    with serving(tmp_path, **UNLIMITED, resume_changes=10) as server:
        token = bot_token(server, "Reader", "read")
        handled: list[str] = []
        done = asyncio.Event()

        def reader() -> Bot:
            bot = Bot(server.url, token, rooms=["r"], state=tmp_path / "state.json")

            @bot.on_comment()
            async def note(comment: Comment, _: Room) -> None:
                handled.append(comment.body or "")
                if comment.body == "end":
                    done.set()

            return bot

        async with connect(server.url, guest="Ann") as live:
            room = live.room("r")
            await room.post("before the bot was born")
            first = reader()
            task = asyncio.create_task(first.serve())
            await until((tmp_path / "state.json").exists)
            first.stop()
            await task
            parents = [await room.post(f"root {n}") for n in range(10)]
            for ack in parents:
                await room.post(f"reply to {ack.seq}", parent=ack.seq)
            await room.edit(parents[0].seq, "root 0, edited")
            await room.post("end")
            await serving_bot(reader(), done)
            done.clear()
            await room.edit(parents[1].seq, "what was read there is no news")
            await room.post("end")
            await serving_bot(reader(), done)
        replies = [f"reply to {ack.seq}" for ack in parents]
        roots = ["root 0, edited", *(f"root {n}" for n in range(1, 10))]
        assert handled == [*roots, *replies, "end", "end"]


async def test_what_a_handler_raises_ends_the_bot_and_the_comment_comes_again(
    own_server: ServerProcess, tmp_path: Path
) -> None:
    token = bot_token(own_server, "Clumsy", "read", "replay")
    bot = Bot(own_server.url, token, rooms=["r"], state=tmp_path / "s.json", replay=True)
    seen: list[str] = []

    @bot.on_comment()
    async def stumble(comment: Comment, _: Room) -> None:
        seen.append(comment.body or "")
        if comment.body == "two" and seen.count("two") == 1:
            raise ZeroDivisionError

    async with connect(own_server.url, guest="Ann") as live:
        for body in ("one", "two", "three"):
            await live.room("r").post(body)
    with pytest.raises(ZeroDivisionError):
        await bot.serve()
    assert seen == ["one", "two"]
    task = asyncio.create_task(bot.serve())
    await until(lambda: len(seen) >= 4)
    bot.stop()
    await task
    assert seen == ["one", "two", "two", "three"]


async def test_patterns_own_comments_and_missing_scopes(
    own_server: ServerProcess, tmp_path: Path
) -> None:
    token = bot_token(own_server, "Echo", "read", "post", "replay")
    bot = Bot(own_server.url, token, rooms=["news/a", "sport/b"], replay=True)
    heard: list[str] = []

    @bot.on_comment("news/*")
    async def echo(comment: Comment, room: Room) -> None:
        heard.append(f"{room.name}: {comment.body}")
        await room.post(f"echo of {comment.body}", parent=comment.id)

    async with connect(own_server.url, guest="Ann") as live:
        await live.room("sport/b").post("not for it")
        await live.room("news/a").post("one")
        await live.room("news/a").post("two")
    task = asyncio.create_task(bot.serve())
    await until(lambda: len(heard) >= 2)
    bot.stop()
    await task
    assert heard == ["news/a: one", "news/a: two"]
    nobody = bot_token(own_server, "Nobody", "post")
    with pytest.raises(Forbidden):
        await Bot(own_server.url, nobody, rooms=["news/a"]).serve()
