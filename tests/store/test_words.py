"""The index of words: it finds what reading through finds, and keeps nothing of what is gone.

A step of a migration that builds ``comments`` anew loses the trigger; what is edited isn't found
here then.
"""

# ruff: noqa: RUF001 (letters that others are confused with are the point)
from __future__ import annotations

import sqlite3
import string
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite as dialect

from livethread.model import QueueRequest, RoomName
from livethread.site import key_of
from livethread.store import desk, person, words
from livethread.store.sqlite import SqliteStore, _in_thread
from tests.contract.making import TOM, A, delete, edit, moderate, post, react
from tests.emptystore import lay_empty_store

Found = list[tuple[str, int]]
Take = Callable[[int], Coroutine[Any, Any, None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "livethread.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    await lay_empty_store(path)
    store = await SqliteStore.open(path, readers=2)
    yield store
    await store.close()


async def take_up(store: SqliteStore, count: int) -> None:
    """So many comments more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "BATCH_ROWS", count)
        assert await store.index(is_tidying=False)


async def tidy(store: SqliteStore) -> int:
    """In the smallest slices; how many."""
    slices = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "MERGE_PAGES", 1)
        while await store.index(is_tidying=not slices):
            slices += 1
    return slices


async def find(store: SqliteStore, text: str, site: str = "default", **of: Any) -> Found:
    queue = await store.queue(QueueRequest(site, "recent", text=text, **of))
    return [(item.room, item.comment.id) for item in queue.items]


async def read_through(store: SqliteStore, text: str, **of: Any) -> Found:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "candidates", lambda _: None)
        return await find(store, text, **of)


async def lose_index(store: SqliteStore) -> None:
    statement = "INSERT INTO words (words) VALUES ('delete-all')"
    await _in_thread(store._connection, lambda connection: connection.execute(statement).close())


# ── what is found ──


async def test_every_comment_is_found_once_however_many_are_indexed(store: SqliteStore) -> None:
    await store.commit([post(f"bridge {n}") for n in range(6)])
    for _ in range(6):
        await take_up(store, 1)
        assert await find(store, "Bridge") == [(A, id) for id in (6, 5, 4, 3, 2, 1)]
        assert await find(store, "bridge", limit=4, before=6) == [(A, id) for id in (5, 4, 3, 2)]


async def test_what_is_indexed_is_found_by_the_index_and_the_rest_without(
    store: SqliteStore,
) -> None:
    await store.commit([post("bridge") for _ in range(5)])
    await take_up(store, 3)
    await lose_index(store)
    assert await find(store, "bridge") == [(A, 5), (A, 4)]
    assert await find(store, "br") == [(A, id) for id in (5, 4, 3, 2, 1)]


async def test_the_index_is_read_first_and_in_order(path: Path, store: SqliteStore) -> None:
    for request in (
        QueueRequest("default", "recent"),
        QueueRequest("default", "recent", A, before=7),
        QueueRequest("news", "recent"),
    ):
        query = desk._candidates(request, words.candidates("bridge") or "", 9)
        sql = str(query.compile(dialect=dialect.dialect(), compile_kwargs={"literal_binds": True}))
        with closing(sqlite3.connect(path)) as database:
            plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {sql}")]
        index, looks = (line for line in plan if "rooms" not in line)
        assert index.startswith("SCAN words VIRTUAL TABLE"), plan
        assert looks.startswith("SEARCH comments USING INTEGER PRIMARY KEY"), plan
        assert not [line for line in plan if "TEMP B-TREE" in line], plan


async def test_words_of_what_changed_are_found_as_they_are_now(store: SqliteStore) -> None:
    await store.commit([post("old words"), post("old words"), post("old words"), post("quiet")])
    await take_up(store, 3)
    await store.commit([edit(1, "new letters"), moderate(2, "reject"), react(3)])
    await store.commit([edit(4, "new letters")])
    assert await find(store, "old words") == [(A, 3)]
    assert await find(store, "new LETTERS") == [(A, 4), (A, 1)]
    await store.commit([moderate(2, "restore")])
    assert await find(store, "old words") == [(A, 3), (A, 2)]
    await take_up(store, 1)
    await tidy(store)
    assert await find(store, "old words") == [(A, 3), (A, 2)]
    assert await find(store, "letters") == [(A, 4), (A, 1)]


async def test_only_words_that_changed_are_written(store: SqliteStore) -> None:
    await store.commit([post("words")])
    await take_up(store, 1)
    await store.commit([react(1), moderate(1, "pin")])
    assert not await store.index(is_tidying=True)
    await store.commit([edit(1, "others")])
    assert await store.index(is_tidying=True)


async def test_a_site_finds_only_what_is_its_own(store: SqliteStore) -> None:
    sites = "default", "news", "news-2"
    await store.commit([post("the bridge", room=key_of(site, "a")) for site in sites])
    await store.commit([post("the bridge", room=key_of("news", "b"))])
    for count in (3, 1):
        await take_up(store, count)
        assert await find(store, "bridge") == [("a", 1)]
        assert await find(store, "bridge", "news") == [("news b", 1), ("news a", 1)]
        assert await find(store, "bridge", "news", room=RoomName("news a")) == [("news a", 1)]
        assert await find(store, "bridge", "news", room=A) == []
        assert await find(store, "bridge", "news-2") == [("news-2 a", 1)]
        assert await find(store, "bridge", "other") == []


@pytest.mark.parametrize(
    "text",
    [
        '"bridge"',
        'bridge" OR "river',
        "bridge OR river",
        "NOT bridge",
        "NEAR(bridge, 2)",
        "text:bridge",
        "^bridge*",
        "{bridge}",
        '"""',
        "'; DROP TABLE words; --",
        "%%%",
        "a\0bcdef",
        pytest.param("İ" * 100, id="capitals that become two"),
    ],
)
async def test_nothing_that_is_searched_for_is_a_language(store: SqliteStore, text: str) -> None:
    said = text.replace("\0", "")
    await store.commit([post("bridge river"), post(f"somebody said {said} once")])
    await take_up(store, 2)
    assert await find(store, said) == [(A, 2)]
    assert await find(store, text) == await read_through(store, text)


LETTERS = st.text(st.sampled_from("aAbB ßẞİıσςΣǅK\u212aéÉe\u0301ꭰᎠ\ufffe😀\"'*%_/\n"), max_size=12)


@given(bodies=st.lists(LETTERS, min_size=1, max_size=8), text=LETTERS, data=st.data())
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_the_index_finds_what_reading_through_finds(
    store: SqliteStore, bodies: list[str], text: str, data: st.DataObject
) -> None:
    await store.commit([post(body, author=TOM) for body in bodies])
    await take_up(store, len(bodies))
    body = data.draw(st.sampled_from(bodies))
    part = body[data.draw(st.integers(0, len(body))) :]
    for wanted in (text, part, part.upper(), part.lower(), "tom"):
        assert await find(store, wanted) == await read_through(store, wanted)


# ── what is kept ──

LATIN = string.ascii_lowercase + " "
GOTHIC = "𐌰𐌱𐌲𐌳𐌴𐌵𐌶𐌷𐌸𐌹𐌺𐌻𐌼𐌽𐌾𐌿"
"""Three in a row stand in the index; of neighbours there, at least two are written out."""


def traces(path: Path) -> list[str]:
    """Which pairs of these letters stand in any of the database's files."""
    found = b"".join(file.read_bytes() for file in path.parent.iterdir())
    pairs = [GOTHIC[i : i + 2] for i in range(len(GOTHIC) - 1)]
    return [pair for pair in pairs if pair.encode() in found]


async def filled(store: SqliteStore) -> None:
    """One comment with these letters among many others, all indexed."""
    random = Random(0)
    for n in range(8):
        bodies = [f"comment {n} of {m} {''.join(random.choices(LATIN, k=200))}" for m in range(32)]
        await store.commit([post(body) for body in bodies])
        await take_up(store, 32)
        if n == 2:
            await store.commit([post(GOTHIC, author=TOM)])
            await take_up(store, 1)
    assert await find(store, GOTHIC) == [(A, 97)]


async def erase(path: Path) -> None:
    """As at the command line, but for the index."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA secure_delete=ON")
        database.execute("PRAGMA wal_autocheckpoint=0")
        words.teach(database)
        assert person.erase(database, "default", TOM.id, mark=lambda *_: "mark") == 1


@pytest.mark.parametrize("way", ["erased", "deleted", "edited"])
async def test_words_that_are_gone_leave_the_files_when_it_is_tidied(
    path: Path, store: SqliteStore, way: str
) -> None:
    await filled(store)
    if way == "erased":
        await erase(path)
    else:
        change = delete(97, author=TOM) if way == "deleted" else edit(97, "shorter", author=TOM)
        await store.commit([change])
    assert await store.scrub()
    assert traces(path), "merged or not, it would be the same"
    assert await tidy(store) > 5
    assert await store.scrub()
    assert traces(path) == []
    assert await find(store, "comment 3 of 31") == [(A, 129)]
    assert not await store.index(is_tidying=True)


async def test_what_goes_while_it_is_tidied_goes_with_the_next_time(
    path: Path, store: SqliteStore
) -> None:
    await filled(store)
    await store.commit([edit(1, "other words")])
    assert await store.index(is_tidying=True)
    await store.commit([delete(97, author=TOM)])
    while await store.index(is_tidying=False):
        pass
    await tidy(store)
    assert await store.scrub()
    assert traces(path) == []


async def test_a_failing_step_leaves_all_as_it_was(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.commit([post("bridge") for _ in range(4)])
    monkeypatch.setattr(words, "_MERGE", "INSERT INTO nowhere VALUES (?)")
    with pytest.raises(Exception, match="unavailable"):
        await take_up(store, 2)
    monkeypatch.undo()
    assert len(await find(store, "bridge")) == 4
    await take_up(store, 4)
    assert len(await find(store, "bridge")) == 4
