"""The database under the commands that change what operators say: sites, bots, roles, bans.

A server holds the lock of its database, which keeps a second *server* away. These commands open the
SQLite file beside it, for one short transaction: WAL allows that between processes, BEGIN IMMEDIATE
waits for the server's commit, and the server looks each second whether a version has risen. SQLite
before 3.51.3 can corrupt a WAL database when two connections checkpoint at once; so this one never
does (``wal_autocheckpoint=0``), but for the last connection of all, which is alone by definition.
Rejected: a private socket to the server (a second way in to guard, and none when it is down).

A database that is missing, empty or of an older version is first made this version's,
the way a server does it, lock and all.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from livethread.settings import Settings
from livethread.site import DEFAULT
from livethread.store.words import teach

DATABASE = ("data_dir", "database_url")
"""The settings that say where it is."""
_BUSY_MS = 10_000
_STEPS = Path(__file__).parents[1] / "store" / "migrations" / "versions"
_RISE = """
INSERT INTO installation (key, value) VALUES ('standing', '1')
ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)
"""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def writing(settings: Settings) -> Iterator[sqlite3.Connection]:
    """One transaction, durable at the end; undone if something is raised.

    A running server notices within a second.
    """
    with opened(settings) as database:
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
            database.execute(_RISE)
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")


@contextmanager
def opened(settings: Settings) -> Iterator[sqlite3.Connection]:
    path = settings.database_path
    try:
        if not _is_current(path):
            _make(settings)
        with closing(_connect(path)) as database:
            yield database
    except sqlite3.Error as error:
        raise click.ClickException(f"{path}: {error}.") from error


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    database = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_MS / 1000)
    try:
        for pragma in (
            "wal_autocheckpoint=0",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
        ):
            database.execute(f"PRAGMA {pragma}")
        teach(database)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _is_current(path: Path) -> bool:
    """Whether it has this version's tables; asked without SQLAlchemy, which takes half a second."""
    if not path.exists():
        return False
    newest = max(step.name for step in _STEPS.glob("[0-9]*.py")).partition("_")[0]
    with closing(_connect(path)) as database:
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
        if database.execute(query).fetchone() is None:
            return False
        return database.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest,)]


def _make(settings: Settings) -> None:
    from livethread.app import open_store  # noqa: PLC0415
    from livethread.store.errors import StartError  # noqa: PLC0415

    async def make() -> None:
        await (await open_store(settings)).close()

    try:
        asyncio.run(make())
    except StartError as error:
        raise click.ClickException(str(error)) from error


def known_site(database: sqlite3.Connection, key: str) -> str:
    """The key, if there is such a site. Raises ``ClickException``."""
    query = "SELECT 1 FROM sites WHERE key = ?"
    if key != DEFAULT and database.execute(query, (key,)).fetchone() is None:
        raise click.ClickException(f"There is no site {key!r}; `livethread site add` makes one.")
    return key


SITE = click.option("--site", default=DEFAULT, show_default=True, help="The site's key.")
