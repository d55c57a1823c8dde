"""Another program holds the database: a bounded number of writes waits, then ``unavailable``."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.crowd import WINDOW, Crowd
from tests.faults.history import faults_of
from tests.faults.tracing import failing, need_strace
from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.data import Seeded
from tests.system.peer import Peer, closing

HOLDER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
database.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
database.execute("ROLLBACK")
"""
QUEUE, BATCH, POSTERS = 60, 40, 8


@contextmanager
def held(server: ServerProcess) -> Iterator[None]:
    """Another process has begun an exclusive transaction and doesn't end it."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(server.data_dir / "livethread.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield  # the end of its input ends it
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("held_s", "busy_timeout_s"), [(1, 0.3), pytest.param(10, 5, marks=pytest.mark.slow)]
)
async def test_locked_database_lets_a_bounded_queue_wait_and_refuses_the_rest(
    tmp_path: Path, seeded: Seeded, held_s: float, busy_timeout_s: float
) -> None:
    seeded.copy_to(tmp_path)
    settings = {
        "max_connections_per_identity": 0,
        "busy_timeout_s": busy_timeout_s,
        "commit_queue": QUEUE,
        "commit_batch": BATCH,
    }
    with serving(tmp_path, **UNLIMITED, **settings) as server:
        crowd = Crowd(server.port, seeded.all_token, "locked", posters=POSTERS, followers=2)
        crowd.start()
        await crowd.acks(200)
        with held(server):
            until = time.monotonic() + held_s
            watching = asyncio.create_task(_longest_queue(server, until))
            # All that are under way; what is over the bound doesn't wait for the lock.
            await crowd.refusals(POSTERS * WINDOW - QUEUE - BATCH)
            acked = crowd.acked
            while time.monotonic() < until:
                await _reads(server)
            assert 0 < await watching <= QUEUE
            # Who has waited as long as one may is refused, too.
            await crowd.refusals(QUEUE + BATCH)
            assert crowd.acked == acked
        await crowd.acks(200)
        history = await crowd.finish()
        assert "Traceback" not in server.log.read_text()
    assert faults_of(history) == []


@pytest.mark.parametrize(
    ("delay_ms", "acks"), [(100, 200), pytest.param(500, 1_000, marks=pytest.mark.slow)]
)
async def test_slow_disk_delays_acks_but_no_reader(
    tmp_path: Path, seeded: Seeded, delay_ms: int, acks: int
) -> None:
    need_strace()
    seeded.copy_to(tmp_path)
    with serving(tmp_path, **UNLIMITED, max_connections_per_identity=0) as server:
        crowd = Crowd(server.port, seeded.all_token, "slow", posters=POSTERS, followers=2)
        crowd.start()
        await crowd.acks(100)
        wal = server.data_dir / "livethread.db-wal"
        with failing(server.process.pid, wal, f"fdatasync:delay_exit={delay_ms * 1000}"):
            enough = crowd.acked + acks
            while crowd.acked < enough:
                await _reads(server)
        assert crowd.refused == 0
        history = await crowd.finish()
    assert faults_of(history) == []


async def _reads(server: ServerProcess) -> None:
    """Somebody comes, reads and goes."""
    peer = await Peer.speaking(server.port)
    with closing(peer):
        await peer.say(type="join", room="locked")
        await peer.hear("joined")
        await peer.ping()


async def _longest_queue(server: ServerProcess, until: float) -> int:
    longest = 0
    while time.monotonic() < until:
        longest = max(longest, await asyncio.to_thread(_queued, server))
    return longest


def _queued(server: ServerProcess) -> int:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=20) as answer:
        found = re.search(rb"^livethread_writes_queued (\d+)", answer.read(), re.MULTILINE)
    assert found is not None
    return int(found[1])
