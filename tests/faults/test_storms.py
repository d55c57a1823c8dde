"""Thousands at once: a full room, and everyone coming back after a restart."""

from __future__ import annotations

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from livethread.store.sqlite import SqliteStore
from tests.serverprocess import UNLIMITED, serving
from tests.system.data import Seeded
from tests.system.inside import serving_inside
from tests.system.peer import PATIENCE_S, Ended, Peer, closing, fill

KIB = 1024
OPEN = {"max_connections_per_address": 0, "max_connections_per_identity": 0}
SPARE_FILES = 500


def need_files(count: int) -> None:
    """Skip where this process may not open so many; what it starts may open as many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE_FILES
    if soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"needs {wanted} open files (ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Reader:
    """Follows a room; every range has to follow the one before."""

    def __init__(self, peer: Peer, cursor: str) -> None:
        self.peer = peer
        self.epoch, _, seq = cursor.partition(".")
        self.seq = int(seq)
        self.seen = 0

    @classmethod
    async def joined(cls, port: int, room: str, cursor: str | None = None) -> Reader:
        peer = await Peer.dial(port)
        await peer.upgrade(port)
        await peer.say(type="hello", version=1)
        await peer.say(type="join", room=room, **({"since": cursor} if cursor else {}))
        answer = await peer.hear("joined")
        assert cursor is None or (answer["mode"], answer["cursor"]) == ("resume", cursor)
        return cls(peer, answer["cursor"])

    @property
    def cursor(self) -> str:
        return f"{self.epoch}.{self.seq}"

    async def follow(self, until_seq: int) -> None:
        while self.seq < until_seq:
            message = await self.peer.message()
            if message["type"] == "heartbeat":
                await self.peer.say(type="ping")
            if message["type"] == "changes":
                assert message["from"] == self.seq
                self.seen += len(message["changes"])
                self.seq = message["to"]


@pytest.mark.parametrize(
    ("readers", "posts"), [(300, 20), pytest.param(10_000, 50, marks=pytest.mark.slow)]
)
async def test_everyone_in_a_full_room_gets_everything(
    tmp_path: Path, seeded: Seeded, readers: int, posts: int
) -> None:
    need_files(readers)
    seeded.copy_to(tmp_path)
    with serving(tmp_path, **UNLIMITED, **OPEN) as server:
        process = psutil.Process(server.process.pid)
        first = await Reader.joined(server.port, "full")
        before = process.memory_info().rss
        room = [first]
        with closing(first.peer):
            while len(room) < readers:
                at_once = min(100, readers - len(room))
                room += await asyncio.gather(
                    *(Reader.joined(server.port, "full") for _ in range(at_once))
                )
            each = (process.memory_info().rss - before) / readers
            print(f"{readers} connections: {each / KIB:.1f} KiB each")
            if readers >= 1_000:  # of fewer, one can't tell
                assert each <= 20 * KIB
            following = asyncio.gather(*(reader.follow(posts) for reader in room))
            await fill(server.port, seeded.all_token, "full", posts, body_chars=50)
            async with asyncio.timeout(10 * PATIENCE_S):
                await following
            assert {reader.seen for reader in room} == {posts}
            for reader in room:
                reader.peer.close()
        assert "Traceback" not in server.log.read_text()


class Readings:
    """When which room was read from the Store, and how."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.all: list[tuple[float, str]] = []
        for name in ("room", "changes", "size_since", "page", "held_by", "reacted_by"):
            monkeypatch.setattr(SqliteStore, name, self._noted(name, getattr(SqliteStore, name)))

    def _noted(self, name: str, read: Callable[..., Any]) -> Callable[..., Any]:
        async def noted(store: SqliteStore, *arguments: Any, **keywords: Any) -> Any:
            self.all.append((time.monotonic(), name))
            return await read(store, *arguments, **keywords)

        return noted

    def crowded(self) -> Counter[str]:
        """How many of each kind came within 100 ms of one of the same kind."""
        last: dict[str, float] = {}
        found: Counter[str] = Counter()
        for at, name in self.all:
            if at - last.get(name, 0) < 0.1:
                found[name] += 1
            else:
                last[name] = at
        return found


@pytest.mark.parametrize("readers", [200, pytest.param(5_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("missed", [0, 30])
async def test_restart_brings_everyone_back_without_reading_for_each(
    tmp_path: Path, seeded: Seeded, monkeypatch: pytest.MonkeyPatch, readers: int, missed: int
) -> None:
    """Each comes back with its cursor: where the others are, or up to ``missed`` changes behind."""
    need_files(2 * readers)
    seeded.copy_to(tmp_path)
    readings = Readings(monkeypatch)
    async with serving_inside(tmp_path / "data", monkeypatch, **OPEN) as inside:
        port = inside.port
        await fill(port, seeded.all_token, "back", 50, body_chars=200)
        one = await Reader.joined(port, "back")
        one.peer.close()
    cursors = [f"{one.epoch}.{50 - number % (missed + 1)}" for number in range(readers)]
    readings.all.clear()
    async with serving_inside(tmp_path / "data", monkeypatch, port=port, **OPEN):
        if missed:  # and something is posted before the first of them is back
            await fill(port, seeded.all_token, "back", 55, body_chars=200)
        head = 55 if missed else 50
        started = time.monotonic()
        back = await asyncio.gather(*(_come_back(port, cursor) for cursor in cursors))
        await asyncio.gather(*(reader.follow(head) for reader in back))
        took_s = time.monotonic() - started
        await fill(port, seeded.all_token, "back", head + 5, body_chars=200)
        await asyncio.gather(*(reader.follow(head + 5) for reader in back))
        for reader in back:
            reader.peer.close()
    print(f"{readers} live again in {took_s:.1f} s; {Counter(n for _, n in readings.all)}")
    assert readings.crowded() == Counter()


async def _come_back(port: int, cursor: str) -> Reader:
    """As soon as it gets in."""
    while True:
        with suppress(Ended, ConnectionError):
            return await Reader.joined(port, "back", cursor)
