"""Kill -9 under load: what was acknowledged is there, once, in order, and everyone gets it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.crowd import Crowd
from tests.faults.history import faults_of
from tests.serverprocess import UNLIMITED, serving
from tests.system.data import Seeded

RUN = {**UNLIMITED, "max_connections_per_identity": 0, "resume_changes": 100_000}
MIB_64 = 2**26


@pytest.mark.parametrize(
    ("cycles", "acks"), [(5, 250), pytest.param(200, 500, marks=pytest.mark.slow)]
)
async def test_kill_9_under_load_loses_and_repeats_nothing(
    tmp_path: Path, seeded: Seeded, cycles: int, acks: int
) -> None:
    seeded.copy_to(tmp_path)
    with serving(tmp_path, **RUN, resume_bytes=MIB_64) as server:
        crowd = Crowd(server.port, seeded.all_token, "killed", posters=4, followers=3)
        crowd.start()
        for cycle in range(cycles):
            # Each time at another moment of the commits that are always under way.
            await crowd.acks(acks + cycle)
            crowd.expect_down()
            server.kill()
            assert _integrity(server.data_dir, tmp_path / f"copy-{cycle}") == "ok"
            await asyncio.to_thread(server.start)
            crowd.go_on()
        await crowd.acks(acks)
        history = await crowd.finish()
    assert faults_of(history) == []
    assert len(history.acks) > cycles * acks


def _integrity(data_dir: Path, copy: Path) -> str:
    """Of a copy, so that the server itself has to recover the log."""
    copy.mkdir()
    for name in ("livethread.db", "livethread.db-wal"):
        if (data_dir / name).exists():
            shutil.copy(data_dir / name, copy)
    with closing(sqlite3.connect(copy / "livethread.db")) as database:
        verdict = str(database.execute("PRAGMA integrity_check").fetchone()[0])
    shutil.rmtree(copy)
    return verdict
