"""Copies of a SQLite database, taken while a server writes to it, and their way back.

A backup is one reading transaction of SQLite's online backup (https://www.sqlite.org/backup.html):
everything that was committed before it began and nothing after. It neither writes nor checkpoints,
so it holds nobody up and is no second writer.

A restoration is one writing transaction: killed midway, the old database is still there whole. It
begins a new history: every room has a new epoch, so that readers who come back with a cursor of the
old one get a snapshot. So has the installation's seed, for rooms that aren't in the backup.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from livethread.store.errors import DataError, StartError
from livethread.store.lock import FileLock
from livethread.store.sqlite import SqliteStore

CHECK_ALL_MB = 2**40
_NEW_EPOCHS = (
    "UPDATE rooms SET epoch = lower(hex(randomblob(4)))",
    "UPDATE installation SET value = ? WHERE key = 'seed'",
)
_BUSY_S = 30


class Contents(NamedTuple):
    """What a copy holds."""

    rooms: int
    comments: int


def back_up(database: Path, to: Path, *, is_replacing: bool = False) -> Contents:
    """Write a copy to the file ``to``, readable by its owner only; it appears whole or not at all.

    Raises ``DataError`` if there is no database, or such a file and it may not be replaced.
    """
    if not database.exists():
        raise DataError(database, "there is no database.", "Name its directory with --data-dir.")
    _refuse(to, is_there=to.exists() and not is_replacing)
    if to.exists() and to.samefile(database):
        raise DataError(to, "that is the database itself.", "Choose another name.")
    with _explained(to), _draft(to) as draft:
        with closing(_read_only(database)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, whole by itself
            contents = _checked(copy, database)
        _sync(draft)
        _publish(draft, to, is_replacing=is_replacing)
        _sync(to.parent)
    return contents


def restore(file: Path, database: Path, *, is_replacing: bool = False) -> Contents:
    """Put a backup in the place of the database, as a new history.

    Raises ``DataError`` (a server is running; the file is no backup, damaged, or of a newer
    version; there are comments already and they may not be replaced).
    """
    if not file.is_file():
        raise DataError(file, "there is no such file.", "Name a file made by `livethread backup`.")
    with _explained(database):
        database.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(database)
    try:
        with _explained(database), _draft(database) as draft:
            contents = _adopt(file, draft)
            with closing(sqlite3.connect(draft)) as source, _target(database) as target:
                if not is_replacing and _has_comments(target):
                    raise DataError(
                        database,
                        "there are comments here already.",
                        "Make a backup of them, then replace them with --force.",
                    )
                source.backup(target)
    finally:
        lock.release()
    return contents


def _adopt(file: Path, draft: Path) -> Contents:
    """Copy a backup, see that it is sound, and make it a database of this version, history new."""
    try:
        is_still = not file.with_name(f"{file.name}-wal").exists()
        with (
            closing(_read_only(file, is_still=is_still)) as source,
            closing(sqlite3.connect(draft)) as copy,
        ):
            source.backup(copy)
            if _is_missing(copy, "alembic_version") or _is_missing(copy, "rooms"):
                raise DataError(file, "this is no backup of Livethread.", "Choose another file.")
        asyncio.run(_migrate(draft))
    except StartError as error:
        raise DataError(file, error.problem, "Choose another backup.") from error
    except sqlite3.Error as error:
        problem = f"this backup can't be read ({error})."
        raise DataError(file, problem, "Choose another backup.") from error
    finally:
        draft.with_name(f"{draft.name}.lock").unlink(missing_ok=True)
    with closing(sqlite3.connect(draft)) as copy, copy:
        epochs, seed = _NEW_EPOCHS
        copy.execute(epochs)
        copy.execute(seed, (secrets.token_hex(16),))
        return _checked(copy, file)


async def _migrate(draft: Path) -> None:
    await (await SqliteStore.open(draft, check_mb=CHECK_ALL_MB)).close()


@contextmanager
def _target(database: Path) -> Iterator[sqlite3.Connection]:
    """The database to be replaced, made if there is none. The lock on it is held."""
    if not database.exists():
        database.touch(0o600)
    with closing(sqlite3.connect(database, isolation_level=None)) as target:
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                target.execute(f"PRAGMA {pragma}")
            yield target
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.DatabaseError as error:
            raise DataError(
                database,
                f"the present database can't be replaced ({error}).",
                "Move it and the -wal and -shm files beside it away, then restore again.",
            ) from error


def _has_comments(database: sqlite3.Connection) -> bool:
    if _is_missing(database, "comments"):
        return False
    return database.execute("SELECT 1 FROM comments LIMIT 1").fetchone() is not None


def _is_missing(database: sqlite3.Connection, table: str) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return database.execute(query, (table,)).fetchone() is None


def _checked(copy: sqlite3.Connection, of: Path) -> Contents:
    problem = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise DataError(of, f"the database is damaged ({problem}).", "Restore an earlier backup.")
    if _is_missing(copy, "comments"):
        return Contents(0, 0)
    # But those of the empty name, where their sites' rules stand.
    named = "SELECT count(*) FROM rooms WHERE name <> '' AND name = rtrim(name)"
    rooms = copy.execute(named).fetchone()[0]
    return Contents(rooms, copy.execute("SELECT count(*) FROM comments").fetchone()[0])


def _read_only(file: Path, *, is_still: bool = False) -> sqlite3.Connection:
    """A connection that neither writes nor checkpoints.

    ``is_still`` says that nobody writes to the file: then nothing is made beside it, either.
    """
    uri = f"{file.absolute().as_uri()}?mode=ro{'&immutable=1' if is_still else ''}"
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_S)


@contextmanager
def _draft(beside: Path) -> Iterator[Path]:
    """A new file, its owner's only, in the same directory; gone at the end."""
    draft = beside.with_name(f".{beside.name}.{secrets.token_hex(4)}")
    draft.touch(0o600, exist_ok=False)
    try:
        yield draft
    finally:
        for end in ("", "-journal", "-wal", "-shm"):
            draft.with_name(draft.name + end).unlink(missing_ok=True)


def _refuse(to: Path, *, is_there: bool) -> None:
    if is_there:
        raise DataError(
            to, "there is such a file already.", "Choose another name, or replace it with --force."
        )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or path
        remedy = "Run this as the user who runs Livethread, with room on the disk."
        raise DataError(where, f"can't be written ({error.strerror}).", remedy) from error
    except sqlite3.Error as error:
        remedy = "Run this as the user who runs Livethread, with room on the disk."
        raise DataError(path, f"can't be written ({error}).", remedy) from error


def _publish(draft: Path, to: Path, *, is_replacing: bool) -> None:
    """Give the draft its name."""
    if not is_replacing:
        try:
            os.link(draft, to)  # unlike a renaming, never over another file
        except FileExistsError:
            _refuse(to, is_there=True)
        except OSError:  # no links on this file system
            is_replacing = True
    if is_replacing:
        draft.replace(to)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
