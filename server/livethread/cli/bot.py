"""``livethread bot``: create, list, revoke; on the database itself, whether a server runs or not.

A server holds the lock of its database, which keeps a second *server* away. These commands open the
SQLite file beside it, for one short transaction: WAL allows that between processes, BEGIN IMMEDIATE
waits for the server's commit, and the server reads a bot anew at each sign-in. SQLite before 3.51.3
can corrupt a WAL database when two connections checkpoint at once; so this one never does
(``wal_autocheckpoint=0``), but for the last connection of all, which is alone by definition.
Rejected: a private socket to the server (a second way in to guard, and none when it is down).

A database that is missing or empty is made first the way a server does it, lock and all.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from livethread.auth.identity import SCOPES
from livethread.cli.flags import load_settings, settings_flags
from livethread.cli.shown import one_line
from livethread.settings import Settings

_DATABASE = ("data_dir", "database_url")
_BUSY_MS = 10_000


@click.group()
def bot() -> None:
    """Create, list and revoke bots."""


@bot.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    default=("read", "post"),
    show_default=True,
    help="What the bot may do. May be repeated.",
)
@click.option(
    "--rooms", default="*", show_default=True, metavar="PATTERN", help="Where, such as 'news/*'."
)
@settings_flags(_DATABASE)
def create(
    name: str, scopes: tuple[str, ...], rooms: str, config: Path | None, **flags: Any
) -> None:
    """Create a bot and print its token, this once: only a hash of it is kept."""
    from livethread.auth.tokens import new_bot  # noqa: PLC0415
    from livethread.protocol.text import clean_name  # noqa: PLC0415

    try:
        name = clean_name(name)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    token, secret = new_bot(name, frozenset(scopes), rooms, time.time_ns() // 1_000_000)
    row = {
        "id": token.id,
        "name": token.name,
        "digest": token.digest,
        "scopes": " ".join(sorted(token.scopes)),
        "rooms": token.rooms,
        "created_ms": token.created_ms,
        "is_revoked": 0,
    }
    columns = ", ".join(row)
    values = ", ".join(f":{column}" for column in row)
    with _writing(load_settings(config, flags)) as database:
        taken = database.execute("SELECT is_revoked FROM bots WHERE name = ?", (name,)).fetchone()
        if taken is not None:
            was = "There was" if taken[0] else "There is"
            raise click.ClickException(f"{was} a bot called {name!r}; choose another name.")
        database.execute(f"INSERT INTO bots ({columns}) VALUES ({values})", row)
    click.echo(secret)
    click.echo("Keep this token: it is not shown again.", err=True)


@bot.command("list")
@settings_flags(_DATABASE)
def list_bots(config: Path | None, **flags: Any) -> None:
    """List the bots: name, scopes, rooms, since when."""
    with _opened(load_settings(config, flags)) as database:
        found = database.execute(
            "SELECT name, scopes, rooms, created_ms, is_revoked FROM bots ORDER BY created_ms, id"
        ).fetchall()
    if not found:
        click.echo("There are no bots. `livethread bot create NAME` makes one.", err=True)
    for name, scopes, rooms, created_ms, is_revoked in found:
        day = datetime.fromtimestamp(created_ms / 1000, UTC).date().isoformat()
        state = "revoked" if is_revoked else scopes.replace(" ", ",")
        click.echo("\t".join((one_line(name), state, one_line(rooms), day)))


@bot.command()
@click.argument("name")
@settings_flags(_DATABASE)
def revoke(name: str, config: Path | None, **flags: Any) -> None:
    """Revoke a bot's token; its name is not given again."""
    with _writing(load_settings(config, flags)) as database:
        changed = database.execute("UPDATE bots SET is_revoked = 1 WHERE name = ?", (name,))
        if not changed.rowcount:
            raise click.ClickException(f"There is no bot called {name!r}.")
    click.echo(f"{name} can't sign in any more.")


@contextmanager
def _writing(settings: Settings) -> Iterator[sqlite3.Connection]:
    """One transaction, durable at the end; undone if something is raised."""
    with _opened(settings) as database:
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")


@contextmanager
def _opened(settings: Settings) -> Iterator[sqlite3.Connection]:
    path = settings.database_path
    try:
        if not _has_tables(path):
            _make(settings)
        with closing(_connect(path)) as database:
            yield database
    except sqlite3.Error as error:
        raise click.ClickException(f"{path}: {error}.") from error


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    database = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_MS / 1000)
    try:
        for pragma in ("wal_autocheckpoint=0", "synchronous=FULL", "foreign_keys=ON"):
            database.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _has_tables(path: Path) -> bool:
    if not path.exists():
        return False
    with closing(_connect(path)) as database:
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'bots'"
        return database.execute(query).fetchone() is not None


def _make(settings: Settings) -> None:
    from livethread.app import open_store  # noqa: PLC0415
    from livethread.store.errors import StartError  # noqa: PLC0415

    async def make() -> None:
        await (await open_store(settings)).close()

    try:
        asyncio.run(make())
    except StartError as error:
        raise click.ClickException(str(error)) from error


bot.add_command(list_bots)
