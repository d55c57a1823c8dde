"""A disk that is full or fails: writes are answered ``unavailable``, all else goes on.

Nothing that was acknowledged is lost, and the server recovers by itself.
"""

from __future__ import annotations

import asyncio
import sqlite3
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest

from tests.faults.crowd import Crowd
from tests.faults.disk import MIB, Fill, file_size_limit, full_disk, small_disk
from tests.faults.history import faults_of
from tests.faults.tracing import failing, need_strace
from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.data import Seeded
from tests.system.peer import Peer
from tests.system.peer import closing as closing_peers

RUN = {**UNLIMITED, "max_connections_per_identity": 0, "resume_changes": 100_000}
ROOM = "disk"
LONG = 25


@pytest.fixture(params=["tmpfs", "file size limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Fill]]:
    """Where to run the server, and how its disk gets full."""
    if request.param == "tmpfs":
        with small_disk(tmp_path / "small", 64 * MIB) as directory:
            yield directory, full_disk
    else:
        yield tmp_path, file_size_limit


@pytest.mark.parametrize("cycles", [1, pytest.param(LONG, marks=pytest.mark.slow)])
async def test_full_disk_refuses_writes_and_nothing_else_until_there_is_room(
    disk: tuple[Path, Fill], seeded: Seeded, cycles: int
) -> None:
    directory, fill = disk
    async with _crowded(directory, seeded) as (server, crowd):
        for _ in range(cycles):
            await crowd.acks(100)
            await _goes_through(server, crowd, fill(server), is_total=False)


@pytest.mark.parametrize("cycles", [2, pytest.param(LONG, marks=pytest.mark.slow)])
async def test_disk_that_fails_to_sync_refuses_writes_until_it_syncs_again(
    tmp_path: Path, seeded: Seeded, cycles: int
) -> None:
    """And killed just after that, what was refused may be there, but once."""
    need_strace()
    async with _crowded(tmp_path, seeded) as (server, crowd):
        for cycle in range(cycles):
            await crowd.acks(100)
            wal = server.data_dir / "livethread.db-wal"
            eio = failing(server.process.pid, wal, "fdatasync:error=EIO")
            is_killed = cycle % 2 == 1
            fault = _killing(crowd, server, eio) if is_killed else eio
            await _goes_through(server, crowd, fault, is_total=True)
            if is_killed:
                await asyncio.to_thread(server.start)
                crowd.go_on()


@contextmanager
def _killing(
    crowd: Crowd, server: ServerProcess, fault: AbstractContextManager[None]
) -> Iterator[None]:
    with fault:
        yield
        crowd.expect_down()
        server.kill()


@asynccontextmanager
async def _crowded(directory: Path, seeded: Seeded) -> AsyncIterator[tuple[ServerProcess, Crowd]]:
    """Posters and followers on a server; at the end nothing is missing and the log is calm."""
    seeded.copy_to(directory)
    with serving(directory, **RUN, resume_bytes=64 * MIB) as server:
        crowd = Crowd(server.port, seeded.all_token, ROOM, posters=4, followers=2)
        crowd.start()
        yield server, crowd
        await crowd.acks(100)
        history = await crowd.finish()
        assert server.terminate() == 0
        log = server.log.read_text()
        with closing(sqlite3.connect(server.data_dir / "livethread.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert faults_of(history) == []
    assert "Traceback" not in log
    assert 0 < log.count('"commits_fail"') < crowd.refused / 10  # not one a post


async def _goes_through(
    server: ServerProcess, crowd: Crowd, fault: AbstractContextManager[None], *, is_total: bool
) -> None:
    """During the fault everyone stays connected, and who comes can read; no acks if it is total."""
    connections = crowd.connections
    with fault:
        await crowd.refusals(100)
        acked = crowd.acked
        await crowd.refusals(130)
        # A small batch may still find room on a full disk; the history is the judge of its acks.
        assert crowd.acked == acked or not is_total
        assert crowd.connections == connections
        peer = await Peer.speaking(server.port)
        with closing_peers(peer):
            await peer.say(type="join", room=ROOM)
            joined = await peer.hear("joined")
            assert joined["room"]["seq"] >= acked
            await peer.say(type="page", room=ROOM, limit=5)
            assert (await peer.hear("page"))["comments"]
            await peer.ping()
        page = await asyncio.to_thread(_get, f"{server.url}/api/v1/rooms/{ROOM}/comments")
        assert b'"comments"' in page


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:
        body: bytes = answer.read()
        return body
