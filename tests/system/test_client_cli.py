"""``post``, ``tail``, ``replay``, ``bot`` and ``serve`` as processes, against a real server."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from livethread_client import connect
from tests.serverprocess import SERVE, UNLIMITED, ServerProcess, serving
from tests.system.bots import bot_token


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    with serving(tmp_path, **UNLIMITED, reconnect_window_ms=[0, 200]) as server:
        yield server


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "livethread.cli", *arguments]


def run(
    server: ServerProcess, *arguments: str, given: str | None = None
) -> subprocess.CompletedProcess[str]:
    env = {**server.environment, "LIVETHREAD_SERVER": server.url}
    done = subprocess.run(
        command(*arguments),
        env=env,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def post(server: ServerProcess, room: str, *arguments: str, given: str | None = None) -> None:
    done = run(server, "post", room, *arguments, "--name", "Ann", given=given)
    assert done.returncode == 0, done.stderr


@contextmanager
def running(server: ServerProcess, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(*arguments),
        env={**server.environment, "LIVETHREAD_SERVER": server.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def next_lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


def test_posting_and_replying(own_server: ServerProcess) -> None:
    assert run(own_server, "post", "r", "Hello").stdout == "Comment 1 in r.\n"
    post(own_server, "r", "-", "--reply-to", "1", given="piped\ntext\n")
    nowhere = run(own_server, "post", "r", "x", "--reply-to", "99")
    assert (nowhere.returncode, nowhere.stderr) == (1, "Error: There is no such comment.\n")
    lines = run(own_server, "replay", "r").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert [(c["id"], c.get("parent"), c["body"]) for c in found] == [
        (1, None, "Hello"),
        (2, 1, "piped\ntext"),
    ]
    assert found[1]["author"]["name"] == "Ann"


def test_posting_what_the_server_cannot_save_says_so_and_ends(own_server: ServerProcess) -> None:
    post(own_server, "r", "first")
    with closing(sqlite3.connect(own_server.data_dir / "livethread.db")) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON comments BEGIN "
            "SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
        late = run(own_server, "post", "r", "second", "--timeout", "3")
        assert (late.returncode, late.stdout) == (75, "")
        trying, given_up = late.stderr.splitlines()
        assert trying.startswith("Not saved yet, trying again. The server can't save")
        assert given_up.startswith("Error: Not answered within 3 s.")
        with running(own_server, "post", "r", "third") as patient:
            assert patient.stderr is not None
            assert patient.stderr.readline().startswith("Not saved yet")
            database.execute("DROP TRIGGER full")
            assert patient.wait(20) == 0
            [line] = next_lines(patient, 1)
    assert line == "Comment 2 in r."


def test_posting_to_a_server_that_goes_away_says_so_and_ends(own_server: ServerProcess) -> None:
    own_server.process.send_signal(signal.SIGSTOP)
    try:
        late = run(own_server, "post", "r", "x", "--timeout", "1")
    finally:
        own_server.process.send_signal(signal.SIGCONT)
    assert late.returncode == 75
    assert late.stderr.startswith("Error: Not answered within 1 s.")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_tail_goes_on_over_a_restart_and_says_where_to_go_on(
    own_server: ServerProcess, number: signal.Signals, code: int
) -> None:
    post(own_server, "r", "first")
    with running(own_server, "tail", "r") as tail:
        header, body = next_lines(tail, 2)
        assert header.startswith("#1 ")
        assert header.endswith(" Ann")
        assert body == "   first"
        own_server.kill()
        own_server.start()
        post(own_server, "r", "second", "--reply-to", "1")
        header, body = next_lines(tail, 2)
        assert header.startswith("  #2 ")
        assert body == "     second"
        tail.send_signal(number)
        out, error = tail.communicate(timeout=20)
    assert (tail.returncode, out) == (code, "")
    said, _, again = error.strip().partition("livethread ")
    assert said == "To go on from here: "
    post(own_server, "r", "third")
    with running(own_server, *again.split(), "--json") as tail:
        [line] = next_lines(tail, 1)
    assert json.loads(line)["comment"]["body"] == "third"


def test_tail_of_several_rooms_goes_on_in_each(own_server: ServerProcess) -> None:
    for room in ("a", "b"):
        post(own_server, room, f"in {room}")
    with running(own_server, "tail", "a", "b") as tail:
        lines = next_lines(tail, 4)
        tail.send_signal(signal.SIGINT)
        _, error = tail.communicate(timeout=20)
    assert sorted(line.split()[0] for line in lines) == ["a", "a", "b", "b"]
    again = error.strip().partition("livethread ")[2]
    post(own_server, "b", "later")
    with running(own_server, *again.split()) as tail:
        lines = next_lines(tail, 2)
    assert lines[1] == "b     later"


def test_a_closed_pipe_ends_quietly(own_server: ServerProcess) -> None:
    for n in range(3):
        post(own_server, "r", str(n))
    for name in ("tail", "replay"):
        with running(own_server, name, "r") as process:
            assert process.stdout is not None
            process.stdout.close()
            if name == "tail":
                post(own_server, "r", "into the void")
            assert process.stderr is not None
            error = process.stderr.read()
            assert process.wait(20) != 0
            assert "Traceback" not in error
            assert "Broken pipe" not in error


def test_replay_has_every_comment_once_for_anybody_and_for_bots(
    own_server: ServerProcess,
) -> None:
    async def fill() -> None:
        async with connect(own_server.url, guest="Ann") as live:
            room = live.room("r")
            for n in range(150):
                await room.post(f"root {n}")
            for n in range(130):
                await room.post(f"reply {n}", parent=1 + n % 2)
            await room.edit(5, "edited")
            await room.delete(6)

    asyncio.run(fill())
    token = bot_token(own_server, "Archive", "read", "replay")
    for flags in ([], ["--token", token]):
        done = run(own_server, "replay", "r", *flags)
        assert (done.returncode, done.stderr) == (0, "")
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert sorted(comment["id"] for comment in found) == list(range(1, 281))
        by_id = {comment["id"]: comment for comment in found}
        assert by_id[5]["body"] == "edited"
        assert by_id[6]["state"] == "deleted"
    assert run(own_server, "replay", "empty").stdout == ""


def test_bots_are_made_and_revoked_while_the_server_writes(own_server: ServerProcess) -> None:
    async def load() -> list[str]:
        async with connect(own_server.url, guest="Ann") as live:
            is_done = asyncio.Event()

            async def write(number: int) -> None:
                n = 0
                while not is_done.is_set():
                    await live.room(f"r{number}").post(str(n))
                    n += 1

            async with asyncio.TaskGroup() as group:
                for number in range(4):
                    group.create_task(write(number))
                tokens = []
                for n in range(5):
                    tokens.append(await asyncio.to_thread(bot_token, own_server, f"Bot {n}"))
                    async with connect(own_server.url, token=tokens[-1]) as bot:
                        await bot.room("r0").post("from a bot")
                await asyncio.to_thread(run, own_server, "bot", "revoke", "Bot 0")
                is_done.set()
            return tokens

    tokens = asyncio.run(load())
    refused = run(own_server, "post", "r", "x", "--token", tokens[0])
    assert (refused.returncode, refused.stderr) == (1, "Error: This bot's token is not valid.\n")
    assert own_server.terminate() == 0
    with closing(sqlite3.connect(own_server.data_dir / "livethread.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM bots").fetchone() == (5,)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_in_order_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 0, and the log folded into the database: it was closed, not dropped."""
    with serving(tmp_path, SERVE, **UNLIMITED) as server:
        post(server, "r", "Hello")
        wal = server.data_dir / "livethread.db-wal"
        assert wal.exists()
        server.process.send_signal(number)
        assert server.process.wait(20) == 0
        assert not wal.exists()
        assert "Traceback" not in server.log.read_text()
        server.terminate()


def test_a_second_server_on_the_same_data_is_refused_in_words(own_server: ServerProcess) -> None:
    done = run(own_server, "serve", "--port", "0")
    assert done.returncode == 1
    assert "another Livethread process" in done.stderr
    assert "--data-dir" in done.stderr


def test_a_port_in_use_is_refused_in_words(own_server: ServerProcess, tmp_path: Path) -> None:
    flags = ("--data-dir", str(tmp_path / "other"), "--port", str(own_server.port))
    done = run(own_server, "serve", *flags)
    assert done.returncode == 1
    assert "can't listen there" in done.stderr
