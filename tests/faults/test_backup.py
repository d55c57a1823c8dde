"""Backups taken during writes: a consistent beginning, and a new history once restored."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.faults.crowd import Crowd
from tests.faults.history import Entry, faults_of
from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.data import Seeded
from tests.system.peer import Peer, fill
from tests.system.peer import closing as closing_peers

RUN = {**UNLIMITED, "max_connections_per_identity": 0}
ROOM = "kept"


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.slow)])
async def test_backup_during_writes_is_a_beginning_of_what_was_written(
    tmp_path: Path, seeded: Seeded, times: int
) -> None:
    seeded.copy_to(tmp_path)
    copies: list[tuple[int, Path]] = []
    with serving(tmp_path, **RUN) as server:
        crowd = Crowd(server.port, seeded.all_token, ROOM, posters=1, followers=1)
        crowd.start()
        for number in range(times):
            await crowd.acks(100)
            acked = max(ack.id for ack in crowd.history.acks)
            copy = tmp_path / f"copy-{number}.db"
            await asyncio.to_thread(_livethread, server, "backup", copy)
            copies.append((acked, copy))
        await crowd.acks(200)
        history = await crowd.finish()
        epoch = await _epoch(server)
        running = await asyncio.to_thread(_livethread, server, "restore", copies[0][1], code=1)
        assert f"pid {server.process.pid}" in running
    assert faults_of(history) == []
    for acked, copy in copies:
        kept = _entries(copy)
        assert kept == history.final[: len(kept)]
        assert acked <= len(kept) <= len(history.final)
        if times < 20 and copy != copies[-1][1]:
            continue  # each restoration starts a server
        directory = tmp_path / f"restored-{copy.stem}"
        directory.mkdir()
        await _is_restored(directory, copy, kept, epoch, seeded)


async def _is_restored(
    directory: Path, copy: Path, kept: list[Entry], epoch: str, seeded: Seeded
) -> None:
    """Whoever comes back with a cursor, before or behind what was kept, gets a snapshot."""
    server = ServerProcess(directory, RUN)
    try:
        await asyncio.to_thread(_livethread, server, "restore", copy)
        await asyncio.to_thread(server.start)
        for seq in (0, len(kept) - 5, len(kept), len(kept) + 5):
            peer = await Peer.speaking(server.port)
            with closing_peers(peer):
                await peer.say(type="join", room=ROOM, since=f"{epoch}.{seq}")
                joined = await peer.hear("joined")
                assert joined["mode"] == "snapshot"
                assert joined["room"]["seq"] == len(kept)
                assert joined["cursor"].partition(".")[0] != epoch
        assert await fill(server.port, seeded.all_token, ROOM, 3, body_chars=5) == len(kept) + 3
    finally:
        server.close()


async def _epoch(server: ServerProcess) -> str:
    peer = await Peer.speaking(server.port)
    with closing_peers(peer):
        await peer.say(type="join", room=ROOM)
        return str((await peer.hear("joined"))["cursor"]).partition(".")[0]


def _entries(copy: Path) -> list[Entry]:
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows: list[Any] = database.execute(
            "SELECT comments.seq, comments.id, body FROM comments JOIN rooms ON rooms.id = room_id"
            " WHERE rooms.name = ? ORDER BY comments.seq",
            (ROOM,),
        ).fetchall()
        head = database.execute("SELECT seq FROM rooms WHERE name = ?", (ROOM,)).fetchone()
    assert head == (len(rows),)
    return [Entry(*row) for row in rows]


def _livethread(server: ServerProcess, *arguments: object, code: int = 0) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "livethread.cli", *map(str, arguments)],
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout + ended.stderr
