"""An upgrade of the database that is killed midway: the next start completes it, nothing is lost.

Of the steps one is a test's own (``migrations/``): a later version's.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from livethread.store.sqlite import SqliteStore
from tests.contract.making import configure, delete, edit, post, react, report
from tests.faults.migrating import contents
from tests.faults.tracing import need_strace

PROGRAM = (sys.executable, "-m", "tests.faults.migrating")
ROOT = Path(__file__).parents[2]
WRITES = "pwrite64,fdatasync,fsync,ftruncate,unlink"


@pytest.fixture
async def old(tmp_path: Path) -> Path:
    """A database of this version, with something in every table."""
    path = tmp_path / "old.db"
    store = await SqliteStore.open(path)
    await store.commit([post(f"number {number}") for number in range(30)])
    await store.commit([edit(1, "changed"), delete(2), react(3), report(3), configure(title="T")])
    await store.close()
    return path


@pytest.fixture
def none(tmp_path: Path) -> Path:
    """No database at all: the first start."""
    return tmp_path / "missing.db"


def _kills(old: Path, step: int) -> list[dict[str, Any]]:
    ended = subprocess.run(
        [*PROGRAM, "kills", str(old), str(step)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.parametrize(
    ("which", "step"), [("none", 9), ("old", 1), pytest.param("none", 1, marks=pytest.mark.slow)]
)
def test_start_killed_at_any_statement_is_completed_by_the_next(
    which: str, step: int, request: pytest.FixtureRequest
) -> None:
    found = _kills(request.getfixturevalue(which), step)
    statements = " ".join(kill["at"] for kill in found)
    if step == 1:
        for kind in ("BEGIN", "CREATE TABLE notes", "ALTER TABLE", "INSERT INTO", "DROP", "COMMIT"):
            assert kind in statements
    assert len(found) >= 5
    assert [kill for kill in found if not kill["is_whole"]] == []
    if which == "old":  # one step: it is there or it isn't
        assert {kill["left"] for kill in found} == {"old", "new"}


@pytest.mark.slow
@pytest.mark.parametrize("which", ["none", "old"])
def test_start_killed_at_any_write_to_the_disk_is_completed_by_the_next(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Also in the midst of a COMMIT."""
    need_strace()
    old: Path = request.getfixturevalue(which)
    path = tmp_path / "livethread.db"
    expected: list[str] | None = None
    killed = 0
    for number in range(1_000):
        path.unlink(missing_ok=True)
        if old.exists():
            shutil.copy(old, path)
        if number:
            inject = f"inject={WRITES}:signal=SIGKILL:when={number}"
            tracer = ["strace", "-f", "-qq", "-o/dev/null", f"-etrace={WRITES}", "-e", inject]
            ended = subprocess.run([*tracer, *PROGRAM, "open", str(path)], cwd=ROOT, check=False)
            if ended.returncode == 0:
                break
            assert ended.returncode == -signal.SIGKILL
            killed += 1
        subprocess.run([*PROGRAM, "open", str(path)], cwd=ROOT, check=True)
        if expected is None:
            expected = contents(path)
        assert contents(path) == expected, f"killed at write {number}"
    assert killed > 20
