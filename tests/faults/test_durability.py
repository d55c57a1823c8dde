"""Every acknowledgement, and every delivery, comes after the fdatasync of what it tells."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.crowd import Crowd
from tests.faults.durability import TRACED, told, told_too_early
from tests.faults.history import faults_of
from tests.faults.tracing import Call, calls, need_strace, traced
from tests.serverprocess import SERVE, UNLIMITED, serving
from tests.system.data import Seeded
from tests.system.peer import until

RUN = {**UNLIMITED, "max_connections_per_identity": 0}
WORD = r"power-\d-\d{6}"
NORMAL = """
from livethread.cli import main
from livethread.store import sqlite
sqlite.WRITER = {**sqlite.WRITER, "synchronous": "NORMAL"}
main(["serve"])
"""
"""A server that answers after COMMIT, but whose COMMIT doesn't sync."""


async def _calls(
    tmp_path: Path, seeded: Seeded, command: tuple[str, ...], posts: int
) -> list[Call]:
    need_strace()
    seeded.copy_to(tmp_path)
    trace = tmp_path / "trace"
    with serving(tmp_path, traced(command, TRACED, trace), **RUN) as server:
        crowd = Crowd(server.port, seeded.all_token, "power", posters=2, followers=2)
        crowd.start()
        await crowd.acks(posts)
        history = await crowd.finish()
        server.kill()
    assert faults_of(history) == []
    await until(lambda: "+++ killed by SIGKILL +++" in trace.read_text()[-500:], "strace is done")
    found = calls(trace.read_text().splitlines())
    assert told(found, WORD) == len(history.final) >= posts
    return found


@pytest.mark.parametrize("posts", [200, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_nothing_is_told_before_it_is_on_the_disk(
    tmp_path: Path, seeded: Seeded, posts: int
) -> None:
    assert told_too_early(await _calls(tmp_path, seeded, SERVE, posts), WORD) == []


async def test_server_that_does_not_sync_is_found_out(tmp_path: Path, seeded: Seeded) -> None:
    command = (sys.executable, "-c", NORMAL)
    assert told_too_early(await _calls(tmp_path, seeded, command, 50), WORD)


# ── the judge ──

WAL, SOCKET = "/data/livethread.db-wal", "socket:[1]"
HEADER, LAST_HEADER = bytes(24), bytes(7) + b"\x09" + bytes(16)
ACK = b'{"type":"ack","comment":{"body":"power-1-000001"}}'


def made(*steps: tuple[str, str, bytes, int]) -> list[Call]:
    return [
        Call(n, n, name, path, data, result) for n, (name, path, data, result) in enumerate(steps)
    ]


def good() -> list[Call]:
    return made(
        ("pwrite64", WAL, HEADER, 24),
        ("pwrite64", WAL, b"..power-1-000001..", 4096),
        ("pwrite64", WAL, LAST_HEADER, 24),
        ("pwrite64", WAL, b"an index", 4096),
        ("fdatasync", WAL, b"", 0),
        ("sendmsg", SOCKET, ACK, 70),
    )


def test_judge_finds_nothing_in_a_good_trace() -> None:
    assert told_too_early(good(), WORD) == []
    assert told(good(), WORD) == 1


def _no_sync(trace: list[Call]) -> None:
    del trace[4]


def _failed_sync(trace: list[Call]) -> None:
    trace[4] = trace[4]._replace(result=-1)


def _sync_of_another_file(trace: list[Call]) -> None:
    trace[4] = trace[4]._replace(path="/data/livethread.db")


def _sync_that_still_runs(trace: list[Call]) -> None:
    trace[4] = trace[4]._replace(ended=9)


def _sync_that_began_before_the_end_of_the_transaction(trace: list[Call]) -> None:
    trace[4] = trace[4]._replace(began=2)


def _no_commit_frame(trace: list[Call]) -> None:
    trace[2] = trace[2]._replace(data=HEADER)


def _another_comment(trace: list[Call]) -> None:
    trace[5] = trace[5]._replace(data=ACK.replace(b"1-000001", b"2-000002"))


@pytest.mark.parametrize(
    "plant",
    [
        _no_sync,
        _failed_sync,
        _sync_of_another_file,
        _sync_that_still_runs,
        _sync_that_began_before_the_end_of_the_transaction,
        _no_commit_frame,
        _another_comment,
    ],
)
def test_judge_finds_what_is_planted(plant: Callable[[list[Call]], None]) -> None:
    trace = good()
    plant(trace)
    assert told_too_early(trace, WORD)


def test_trace_is_read_with_its_interrupted_calls() -> None:
    hexed = "".join(f"\\x{byte:02x}" for byte in b"/d-wal")
    assert calls(
        [
            f"11 fdatasync(3<{hexed}> <unfinished ...>",
            '12 write(4<\\x73>, "\\x61\\x62", 2) = 2',
            "11 <... fdatasync resumed>) = -1 EIO (Input/output error) (INJECTED)",
            "12 --- SIGCHLD {si_signo=SIGCHLD} ---",
            "12 fsync(3) = ?",
        ]
    ) == [
        Call(1, 1, "write", "s", b"ab", 2),
        Call(0, 2, "fdatasync", "/d-wal", b"", -1),
        Call(4, 4, "fsync", "", b"", None),
    ]
