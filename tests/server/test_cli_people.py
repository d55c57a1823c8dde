"""Roles and bans on a database that nobody serves."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from livethread.app import open_store
from livethread.cli import main
from livethread.model import Role
from livethread.settings import Settings
from livethread.site import Person, Standing
from livethread.store import words
from tests.contract import making
from tests.contract.making import post

MARA = Person("default", "u:1", "iss", "1", "Mara Lind", None, Role.READER, 1)


def run(data_dir: Path, *arguments: str) -> Any:
    return CliRunner().invoke(main, [*arguments, "--data-dir", str(data_dir)])


def lines(data_dir: Path, *arguments: str) -> list[list[str]]:
    return [line.split("\t") for line in run(data_dir, *arguments).stdout.splitlines()]


def said(data_dir: Path, *people: Person) -> Standing:
    """What a server would read; first it remembers some people."""

    async def ask() -> Standing:
        store = await open_store(Settings(data_dir=data_dir))
        try:
            for person in people:
                await store.remember(person)
            return await store.standing()
        finally:
            await store.close()

    return asyncio.run(ask())


def test_a_role_is_given_and_taken(tmp_path: Path) -> None:
    said(tmp_path, MARA)
    assert "Nobody of that id" in run(tmp_path, "role", "give", "u:2", "admin").stderr
    given = run(tmp_path, "role", "give", "u:1", "moderator")
    assert given.stdout == "Mara Lind is moderator on default.\n"
    assert lines(tmp_path, "role", "list") == [["default", "u:1", "moderator", "Mara Lind"]]
    before = said(tmp_path)
    assert before.roles == {("default", "u:1"): Role.MODERATOR}
    assert run(tmp_path, "role", "give", "u:1", "trusted").exit_code == 0
    assert said(tmp_path).roles == {("default", "u:1"): Role.TRUSTED}
    assert run(tmp_path, "role", "take", "u:1").exit_code == 0
    after = said(tmp_path)
    assert after.roles == {}
    assert after.version > before.version
    assert "given no role" in run(tmp_path, "role", "take", "u:1").stderr


def test_the_log_is_to_be_emptied_when_the_index_of_words_has_forgotten_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fill() -> None:
        store = await open_store(Settings(data_dir=tmp_path))
        await store.commit([post() for _ in range(words.BATCH_ROWS)])
        await store.index(is_tidying=False)
        await store.close()

    def erasures() -> int:
        with closing(sqlite3.connect(tmp_path / "livethread.db")) as database:
            query = "SELECT value FROM installation WHERE key = 'erased'"
            return int(database.execute(query).fetchone()[0])

    asyncio.run(fill())
    while_merging: list[int] = []
    monkeypatch.setattr(time, "sleep", lambda _: while_merging.append(erasures()))
    assert run(tmp_path, "person", "erase", making.MARA.id, "--yes").exit_code == 0
    assert set(while_merging) == {1}
    assert erasures() == 2


@pytest.mark.parametrize("role", ["bot", "guest", "owner", "anonymous"])
def test_other_roles_are_not_given(tmp_path: Path, role: str) -> None:
    said(tmp_path, MARA)
    assert run(tmp_path, "role", "give", "u:1", role).exit_code == 2
    assert said(tmp_path).roles == {}


def test_a_ban_has_an_end_or_none_and_is_lifted(tmp_path: Path) -> None:
    assert run(tmp_path, "ban", "add", "g:1", "--days", "7", "--reason", "spam").exit_code == 0
    assert run(tmp_path, "ban", "add", "g:2").exit_code == 0
    first, second = lines(tmp_path, "ban", "list")
    assert (first[:2], first[3:]) == (["default", "g:1"], ["operator", "spam"])
    assert second[2] == "for good"
    bans = said(tmp_path).bans
    week = bans["default", "g:1"]
    assert week.until_ms is not None
    assert week.until_ms - week.created_ms == 7 * 86_400_000
    assert bans["default", "g:2"].until_ms is None
    assert run(tmp_path, "ban", "remove", "g:1").exit_code == 0
    assert [row[1] for row in lines(tmp_path, "ban", "list")] == ["g:2"]
    assert "is not banned" in run(tmp_path, "ban", "remove", "g:1").stderr


def test_a_ban_is_from_a_site_that_there_is(tmp_path: Path) -> None:
    assert "no site" in run(tmp_path, "ban", "add", "g:1", "--site", "nowhere").stderr
    assert lines(tmp_path, "ban", "list") == []
