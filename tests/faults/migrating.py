"""Opens databases of an older schema and is killed on the way: see ``test_migration``.

A program of its own, for it forks, and a process with threads should not:
``python -m tests.faults.migrating kills OLD STEP`` prints a JSON line for each statement (or each
third one, if STEP is 3) that it was killed at; ``… open FILE`` opens a database as a server does.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from alembic.config import Config

from livethread.store import migrate
from livethread.store.sqlite import SqliteStore

NEXT = Path(__file__).parent / "migrations"
READING = ("SELECT", "PRAGMA", "EXPLAIN", "--")


def know_the_next_version() -> None:
    """From here on this process is of a version that has one more step."""
    plain = migrate.alembic_config

    def config(*arguments: Any) -> Config:
        made = plain(*arguments)
        own = Path(str(made.get_main_option("script_location"))) / "versions"
        made.set_main_option("version_locations", f"{own}{os.pathsep}{NEXT}")
        return made

    vars(migrate)["alembic_config"] = config


def die_at(number: int, told: int) -> None:
    """Be killed as that statement begins (the first is 1), of those that change anything.

    The statement is written to the descriptor ``told`` before. What is read before or after it
    leaves the same on the disk.
    """
    connect: Any = sqlite3.connect
    left = number

    def at_statement(statement: str) -> None:
        nonlocal left
        if statement.lstrip().upper().startswith(READING):
            return
        left -= 1
        if not left:
            os.write(told, " ".join(statement.split())[:200].encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(*arguments: Any, **keywords: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **keywords)
        connection.set_trace_callback(at_statement)
        return connection

    vars(sqlite3)["connect"] = traced


async def open_once(path: Path) -> None:
    await (await SqliteStore.open(path)).close()


def contents(path: Path) -> list[str]:
    """Schema and rows, in an order that is always the same; the seed is drawn anew each time."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        query = "SELECT name, sql FROM sqlite_master ORDER BY name"
        found = []
        for name, sql in database.execute(query).fetchall():
            found.append(str(sql))
            is_table = found[-1].startswith("CREATE TABLE")  # what virtual ones hold is in others
            if is_table and name != "installation":
                found += map(repr, database.execute(f'SELECT * FROM "{name}"'))
        return found


def in_child(path: Path, number: int | None) -> tuple[bool, str]:
    """Open in a child that is killed at that statement; if it was, and at which."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        if number is not None:
            die_at(number, writing)
        asyncio.run(open_once(path))
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        statement = told.read()
    was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert was_killed or status == 0, f"opening failed with {status} at {number}"
    return was_killed, statement


def kills(old: Path, step: int) -> None:
    """Kill at each statement, start again, compare with an undisturbed start."""
    with tempfile.TemporaryDirectory(dir=old.parent) as directory:
        path = Path(directory) / "livethread.db"
        if old.exists():
            shutil.copy(old, path)
        before = contents(path) if old.exists() else None
        in_child(path, None)
        after = contents(path)
        for number in range(1, 1_000, step):
            path.unlink()
            if old.exists():
                shutil.copy(old, path)
            was_killed, statement = in_child(path, number)
            if not was_killed:
                return
            found = contents(path) if path.stat().st_size else None
            state = "old" if found == before else "new" if found == after else "between"
            in_child(path, None)
            is_whole = contents(path) == after
            print(json.dumps({"at": statement, "left": state, "is_whole": is_whole}), flush=True)


if __name__ == "__main__":
    know_the_next_version()
    if sys.argv[1] == "kills":
        kills(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        asyncio.run(open_once(Path(sys.argv[2])))
