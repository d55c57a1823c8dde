"""Of whoever is erased nothing is left in any table, also of one who has only moderated."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livethread.auth.signing import Signer
from livethread.model import Author, Role
from livethread.protocol.errors import Unauthorized
from livethread.site import Link, Person
from livethread.store import person
from livethread.store.sqlite import SqliteStore
from tests.contract.making import MARA, comment_of, committed, moderate, post, restrict

ADDRESS = "mod@x.example"
SIGNER = Signer(b"k" * 32, lambda: 0)
NIL = Person("default", "u:nil", "mail", ADDRESS, "Nil", None, Role.READER, 1)


async def _moderated(path: Path) -> None:
    """Mara comments; Nil bans her, hides it, and asks for a link to sign in."""
    store = await SqliteStore.open(path)
    how: dict[str, Any] = {
        "author": Author(NIL.id, NIL.name, badge="staff"),
        "staff": True,
        "reason": "why",
    }
    try:
        (posted,) = await store.commit([post("Words")])
        hide = moderate(comment_of(posted).id, "hide", **how)
        for outcome in await store.commit([restrict(MARA.id, "ban", **how), hide]):
            committed(outcome)
        await store.remember(NIL)
        await store.add_link(Link("digest", "default", ADDRESS, 1))
    finally:
        await store.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "livethread.db"
    asyncio.run(_moderated(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        yield connection


def tables_with(database: sqlite3.Connection, *words: str) -> set[str]:
    # The index of words can only be asked for words; test_words.py looks at its bytes.
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'words'"
    return {
        table
        for (table,) in database.execute(query).fetchall()
        for row in database.execute(f'SELECT * FROM "{table}"').fetchall()
        if any(word in str(cell) for cell in row for word in words)
    }


def test_who_has_only_moderated_is_handed_what_they_did_and_their_links(
    database: sqlite3.Connection,
) -> None:
    kept = person.export(database, "default", NIL.id)
    assert [act["action"] for act in kept["done"]] == ["ban", "hide"]
    assert kept["links"] == [{"email": ADDRESS, "expires_ms": 1}]
    assert kept["acts"] == []


def test_who_has_only_moderated_leaves_nothing_behind(database: sqlite3.Connection) -> None:
    traces = NIL.id, NIL.name, ADDRESS
    assert tables_with(database, *traces) == {"people", "links", "bans", "acts", "answers"}
    person.erase(database, "default", NIL.id, mark=SIGNER.mark)
    assert tables_with(database, *traces) == set()
    assert database.execute("SELECT person FROM bans").fetchall() == [(MARA.id,)]
    done = database.execute("SELECT action, reason FROM acts").fetchall()
    assert done == [("ban", "why"), ("hide", "why")]


def test_what_was_said_of_the_erased_before_is_not_kept_again(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    with database:
        person.erase(database, "default", NIL.id, mark=SIGNER.mark)
    (at_s,) = database.execute("SELECT max(at_s) FROM erased").fetchone()

    async def say(issued_s: int, mark: str) -> Person:
        store = await SqliteStore.open(tmp_path / "livethread.db")
        try:
            assert set((await store.standing()).erased.values()) == {at_s}
            return await store.remember(replace(NIL, id="u:new", issued_s=issued_s), mark)
        finally:
            await store.close()

    mark = SIGNER.mark("default", NIL.issuer, NIL.subject)
    for issued_s in (0, at_s):
        with pytest.raises(Unauthorized):
            asyncio.run(say(issued_s, mark))
    assert database.execute("SELECT * FROM people").fetchall() == []
    assert asyncio.run(say(at_s + 1, mark)).id == "u:new"
    assert asyncio.run(say(1, SIGNER.mark("other", NIL.issuer, NIL.subject))).id == "u:new"
