"""What a backup and a restoration refuse, and what they leave behind: nothing but their work."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from livethread.model import QueueRequest, RoomName
from livethread.store import backup, words
from livethread.store.backup import Contents, back_up, restore
from livethread.store.errors import DataError, StartError
from livethread.store.lock import FileLock
from livethread.store.sqlite import SqliteStore
from tests.contract.making import A, edit, post


async def fill(path: Path, *bodies: str) -> str:
    """Make a database with these comments; the epoch of their room."""
    store = await SqliteStore.open(path)
    await store.commit([post(body) for body in bodies])
    room = await store.room(A)
    await store.close()
    return room.epoch


def bodies(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT body FROM comments ORDER BY id")]


def names(directory: Path) -> set[str]:
    return {file.name for file in directory.iterdir()}


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "livethread.db"
    await fill(path, "one", "two")
    return path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copies" / "copy.db"


@pytest.fixture(autouse=True)
def _no_litter(tmp_path: Path, copy: Path) -> None:
    copy.parent.mkdir()


def test_backup_is_one_file_of_its_owner_only(path: Path, copy: Path) -> None:
    old = os.umask(0)
    try:
        assert back_up(path, copy) == Contents(rooms=1, comments=2)
    finally:
        os.umask(old)
    assert names(copy.parent) == {"copy.db"}
    assert copy.stat().st_mode & 0o777 == 0o600
    assert bodies(copy) == ["one", "two"]


async def test_backup_of_a_running_store_has_what_is_in_its_log(path: Path, copy: Path) -> None:
    store = await SqliteStore.open(path)
    await store.commit([post("three")])
    assert back_up(path, copy).comments == 3
    await store.commit([post("four")])
    await store.close()
    assert bodies(copy) == ["one", "two", "three"]


def test_backup_never_goes_over_another_file_unasked(path: Path, copy: Path) -> None:
    copy.write_text("precious")
    with pytest.raises(DataError, match="already") as refused:
        back_up(path, copy)
    assert refused.value.path == copy
    assert copy.read_text() == "precious"
    back_up(path, copy, is_replacing=True)
    assert bodies(copy) == ["one", "two"]


def test_backup_that_loses_the_race_for_its_name_gives_way(
    path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sync_and_lose(_: Path) -> None:
        copy.write_text("quicker")

    monkeypatch.setattr(backup, "_sync", sync_and_lose)
    with pytest.raises(DataError, match="already"):
        back_up(path, copy)
    assert copy.read_text() == "quicker"


def test_backup_works_where_files_cant_be_linked(
    path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    back_up(path, copy)
    assert bodies(copy) == ["one", "two"]
    assert names(copy.parent) == {"copy.db"}


def test_backup_never_replaces_the_database_itself(path: Path) -> None:
    with pytest.raises(DataError, match="the database itself"):
        back_up(path, path, is_replacing=True)
    assert bodies(path) == ["one", "two"]


def test_backup_of_nothing_and_to_nowhere_say_so(path: Path, copy: Path) -> None:
    with pytest.raises(DataError, match="no database"):
        back_up(path.with_name("other.db"), copy)
    with pytest.raises(DataError, match="can't be written"):
        back_up(path, copy.parent / "missing" / "copy.db")
    assert names(copy.parent) == set()


def test_damaged_database_is_not_passed_off_as_a_backup(path: Path, copy: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 4)
    with pytest.raises(DataError):
        back_up(path, copy)
    assert names(copy.parent) == set()


async def test_restoration_is_a_new_history(path: Path, copy: Path, tmp_path: Path) -> None:
    """Of every room: those in the backup, and those that came after it or never were."""
    store = await SqliteStore.open(path)
    epochs = {name: (await store.room(name)).epoch for name in (A, RoomName("b"))}
    await store.close()
    back_up(path, copy)
    await fill(path, "three")
    restored = await asyncio.to_thread(restore, copy, path, is_replacing=True)
    assert restored == Contents(1, 2)
    assert bodies(path) == ["one", "two"]
    assert names(copy.parent) == {"copy.db"}
    assert names(path.parent) <= {"livethread.db", "livethread.db.lock"}
    store = await SqliteStore.open(path)
    for name, epoch in epochs.items():
        assert (await store.room(name)).epoch != epoch
    (outcome,) = await store.commit([post("another third")])
    assert outcome.seq == 3  # type: ignore[union-attr]
    await store.close()
    assert bodies(copy) == ["one", "two"]


async def test_what_was_indexed_is_found_in_a_restored_backup(path: Path, copy: Path) -> None:
    request = QueueRequest("default", "recent", text="bridge")
    store = await SqliteStore.open(path)
    await store.commit([post(f"bridge {n}") for n in range(words.BATCH_ROWS)])
    assert await store.index(is_tidying=False)
    await store.close()
    back_up(path, copy)
    await asyncio.to_thread(restore, copy, path, is_replacing=True)
    store = await SqliteStore.open(path)
    await store.commit([edit(3, "bridge, edited"), post("a new bridge")])
    found = (await store.queue(request)).items
    await store.close()
    assert len(found) == request.limit
    assert found[0].comment.body == "a new bridge"
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT count(*) FROM words WHERE words MATCH '\"edi\"'"
        assert database.execute(query).fetchone() == (1,)


def test_restoration_where_nothing_was_makes_the_directory(
    path: Path, copy: Path, tmp_path: Path
) -> None:
    back_up(path, copy)
    new = tmp_path / "new" / "data" / "livethread.db"
    restore(copy, new)
    assert bodies(new) == ["one", "two"]
    assert new.stat().st_mode & 0o777 == 0o600


def test_restoration_never_replaces_comments_unasked(path: Path, copy: Path) -> None:
    back_up(path, copy)
    with pytest.raises(DataError, match="comments here already"):
        restore(copy, path)


def test_restoration_is_refused_while_a_server_runs(path: Path, copy: Path) -> None:
    back_up(path, copy)
    lock = FileLock(path)
    try:
        with pytest.raises(StartError, match=rf"pid {os.getpid()}"):
            restore(copy, path, is_replacing=True)
    finally:
        lock.release()


def _newer(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")


def _other_program(copy: Path) -> None:
    copy.unlink()
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("CREATE TABLE bookmarks (url)")


def _damaged(copy: Path) -> None:
    with copy.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 4)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (Path.unlink, "no such file"),
        (lambda copy: copy.write_text("Dear diary" * 999), "can't be read"),
        (_other_program, "no backup of Livethread"),
        (_newer, "newer Livethread"),
        (_damaged, "damaged|can't be read"),
    ],
)
def test_what_is_no_sound_backup_is_refused_and_nothing_is_touched(
    path: Path, copy: Path, spoil: Callable[[Path], object], word: str
) -> None:
    back_up(path, copy)
    spoil(copy)
    before, there = path.read_bytes(), names(path.parent)
    with pytest.raises(DataError, match=word) as refused:
        restore(copy, path, is_replacing=True)
    assert refused.value.path == copy
    assert path.read_bytes() == before
    assert names(path.parent) == there


def test_damaged_database_has_to_be_moved_away_first(path: Path, copy: Path) -> None:
    back_up(path, copy)
    path.write_text("no database" * 999)
    with pytest.raises(DataError, match="can't be replaced") as refused:
        restore(copy, path, is_replacing=True)
    assert "Move it" in str(refused.value)
    path.unlink()
    restore(copy, path)
    assert bodies(path) == ["one", "two"]


def test_backup_that_may_not_be_written_to_can_be_restored(path: Path, copy: Path) -> None:
    back_up(path, copy)
    shutil.copy(copy, copy.with_name("wal.db"))
    with closing(sqlite3.connect(copy.with_name("wal.db"))) as database:
        database.execute("PRAGMA journal_mode = WAL")  # as `sqlite3 .backup` leaves it
    copy.with_name("wal.db").chmod(0o400)
    copy.parent.chmod(0o500)
    restore(copy.with_name("wal.db"), path, is_replacing=True)
    copy.parent.chmod(0o700)
    assert bodies(path) == ["one", "two"]
