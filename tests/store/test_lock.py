from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from livethread.store.errors import StartError
from livethread.store.lock import FileLock

HOLD = """
import sys
from pathlib import Path
from livethread.store.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_another_process_is_refused_until_the_holder_is_gone(tmp_path: Path) -> None:
    database = tmp_path / "livethread.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StartError, match=rf"pid {holder.pid}\b") as refused:
            FileLock(database)
        assert refused.value.path == database
        holder.kill()  # no chance to let go of anything
        holder.wait()
        FileLock(database).release()


def test_a_process_may_not_open_its_own_database_twice(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "livethread.db")
    with pytest.raises(StartError):
        FileLock(tmp_path / "livethread.db")
    lock.release()
    FileLock(tmp_path / "livethread.db").release()


def test_a_link_is_no_second_way_in(tmp_path: Path) -> None:
    (tmp_path / "real.db").touch()
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    lock = FileLock(tmp_path / "real.db")
    with pytest.raises(StartError):
        FileLock(tmp_path / "link.db")
    lock.release()


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="data directory"):
        FileLock(tmp_path / "none" / "livethread.db")
