"""What is SQLite's own; what every store promises is in tests/contract."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import closing, suppress
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite as dialect
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from livethread.model import (
    Author,
    CommentId,
    Committed,
    PageRequest,
    RestrictedRequest,
    Room,
    RoomName,
    Write,
)
from livethread.protocol.commands import Order
from livethread.protocol.errors import NotFound, Unavailable
from livethread.store import reading as queries
from livethread.store import sqlite, sqlite_commit
from livethread.store.errors import StartError
from livethread.store.migrate import upgrade
from livethread.store.sqlite import SqliteStore, _in_thread
from tests.contract.making import (
    A,
    configure,
    delete,
    edit,
    moderate,
    post,
    react,
    report,
    restrict,
)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty database: copied, it opens ten times as fast as one made anew."""
    path = tmp_path_factory.mktemp("migrated") / "livethread.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        upgrade(connection, str(path))
    engine.dispose()
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, migrated: bytes) -> Path:
    path = tmp_path / "livethread.db"
    path.write_bytes(migrated)
    return path


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(path, readers=2, busy_timeout_s=0.05)
    yield store
    await store.close()


async def pragmas(connection: AsyncConnection, *names: str) -> list[Any]:
    return [(await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in names]


# ── durability ──


async def test_the_writing_connection_is_durable_and_forgets(store: SqliteStore) -> None:
    names = "journal_mode", "synchronous", "foreign_keys", "secure_delete", "query_only"
    full = 2
    assert await pragmas(store._connection, *names) == ["wal", full, 1, 1, 0]
    assert (await pragmas(store._connection, "wal_autocheckpoint"))[0] > 0


async def test_reading_connections_neither_write_nor_checkpoint(store: SqliteStore) -> None:
    names = "query_only", "wal_autocheckpoint", "foreign_keys", "journal_mode"
    async with store._reading() as one, store._reading() as other:
        for connection in (one, other):
            assert await pragmas(connection, *names) == [1, 0, 1, "wal"]
    with pytest.raises(OperationalError):
        async with store._reading() as connection:
            await connection.exec_driver_sql("INSERT INTO installation VALUES ('a', 'b')")


async def test_deleted_words_are_nowhere_in_the_files(path: Path) -> None:
    store = await SqliteStore.open(path)
    await store.commit([post("canary-in-a-comment" * 50)])
    await store.commit([delete(1)])
    await store.close()
    found = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"canary-in" not in found


async def test_closing_folds_the_log_into_the_database_and_frees_the_file(path: Path) -> None:
    store = await SqliteStore.open(path)
    await store.commit([post()])
    with pytest.raises(StartError):
        await SqliteStore.open(path)
    await store.close()
    assert not path.with_name(f"{path.name}-wal").exists()
    store = await SqliteStore.open(path)
    assert (await store.room(A)).seq == 1
    await store.close()


async def test_connection_whose_reader_left_while_it_opened_is_used_and_closed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_opening, go_on = threading.Event(), threading.Event()
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def slowly(*positional: Any, **keywords: Any) -> sqlite3.Connection:
        is_opening.set()
        assert go_on.wait(30)
        opened.append(connect(*positional, **{**keywords, "check_same_thread": False}))
        return opened[-1]

    store = await SqliteStore.open(path, readers=1)
    monkeypatch.setattr("sqlite3.connect", slowly)
    leaving = asyncio.create_task(store.room(A))
    await asyncio.to_thread(is_opening.wait, 30)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    go_on.set()
    assert (await store.room(A)).seq == 0
    await store.close()
    assert len(opened) == 1
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")


async def test_who_leaves_before_its_reading_began_takes_no_turn(store: SqliteStore) -> None:
    leaving = [asyncio.create_task(store.page(PageRequest(A))) for _ in range(50)]
    await asyncio.sleep(0)
    for task in leaving:
        task.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    assert len(store._readings) <= 2
    assert (await store.room(A)).seq == 0


# ── the connections for reading ──


async def test_readings_share_as_many_connections_as_were_ever_needed_at_once(
    store: SqliteStore,
) -> None:
    for _ in range(5):
        await store.page(PageRequest(A))
    assert len(store._idle) == 1
    await asyncio.gather(*(store.room(A) for _ in range(10)))
    assert len(store._idle) == 2  # the bound


@pytest.mark.parametrize("is_written", [False, True])
async def test_no_reading_leaves_a_transaction_behind(store: SqliteStore, is_written: bool) -> None:
    """It would show the next one an old moment."""
    if is_written:
        await store.commit([post()])
    for request in (PageRequest(A), PageRequest(A, parent=CommentId(7))):
        with suppress(NotFound):
            await store.page(request)
    await store.held_by(A, "g:1")
    await store.changes(A, 0, limit=9)
    await store.counts([A])
    await store.ping()
    for connection in store._idle:
        assert not await _in_thread(connection, _is_in_transaction)


@pytest.mark.parametrize("failing", ["the page", "the room"])
async def test_what_a_failed_reading_began_does_not_outlast_it(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    await store.commit([post("one")])
    await store.page(PageRequest(A))
    with monkeypatch.context() as broken:
        if failing == "the page":
            broken.setattr(queries, "read_page", _broken)
        else:
            broken.setattr(sqlite, "room_of", _broken)
        with pytest.raises(ZeroDivisionError):
            await store.page(PageRequest(A))
    await store.commit([post("two")])
    page = await store.page(PageRequest(A))
    assert [comment.body for comment in page.comments] == ["one", "two"]
    assert page.room.seq == 2


def _is_in_transaction(connection: sqlite3.Connection) -> bool:
    return connection.in_transaction


def _broken(*_: object) -> Any:
    raise ZeroDivisionError


# ── the number of statements ──


async def statements(store: SqliteStore, writes: Sequence[Write]) -> list[str]:
    """What SQLite was told to do for one commit."""
    told: list[str] = []

    def trace(connection: sqlite3.Connection, on: bool) -> None:
        connection.set_trace_callback(told.append if on else None)

    await _in_thread(store._connection, trace, True)
    outcomes = await store.commit(writes)
    await _in_thread(store._connection, trace, False)
    assert all(isinstance(outcome, Committed) for outcome in outcomes), outcomes
    # A trigger's program is told as its statement once more, and what FTS5 asks as a comment.
    return [one for one, _ in groupby(one for one in told if not one.startswith("--"))]


def inserts(told: Sequence[str]) -> int:
    return sum(statement.startswith("INSERT INTO comments") for statement in told)


@pytest.mark.parametrize(("size", "inserted"), [(1, 1), (64, 1), (85, 4), (255, 12), (256, 4)])
@pytest.mark.parametrize("rooms", [1, 64])
async def test_posts_take_five_statements_and_their_inserts(
    store: SqliteStore, size: int, inserted: int, rooms: int
) -> None:
    """BEGIN, rooms, nonces (once a room exists), rooms again, COMMIT; 64, 16, 4 or 1 an insert."""
    for known in (0, 1):
        batch = [post(room=f"r{i % rooms}") for i in range(size)]
        told = await statements(store, batch)
        assert inserts(told) == inserted
        assert len(told) - inserted == 4 + known
    assert len((await store.changes(batch[0].room, 0, limit=1000)).changes) >= 2


@pytest.mark.parametrize("rooms", [1, 32])
async def test_writes_of_all_kinds_take_fifteen_statements_and_their_inserts(
    store: SqliteStore, rooms: int
) -> None:
    names = [f"r{i}" for i in range(rooms)]
    await store.commit([post(room=room) for room in names for _ in range(3)])
    await store.commit([react(2, room=room) for room in names])
    told = await statements(
        store,
        [
            write
            for room in names
            for write in (
                configure(slow_mode_s=1, room=room),
                post(parent=1, room=room, author=configure().author),
                edit(1, "changed", room=room),
                delete(3, room=room),
                react(1, room=room),
                react(2, on=False, room=room),
                report(1, room=room),
                moderate(2, "pin", room=room),
            )
        ],
    )
    assert len(told) - inserts(told) <= 15
    assert inserts(told) <= 2


def test_what_this_sqlite_lacks_is_told_from_damage(path: Path) -> None:
    with pytest.raises(StartError, match="built without full-text search"), sqlite._explained(path):
        raise sqlite3.OperationalError("no such module: fts5")


# ── aiosqlite's ``_execute``, which it does not document ──


async def test_a_function_runs_in_the_connections_own_thread(store: SqliteStore) -> None:
    def seen(connection: sqlite3.Connection, word: str) -> tuple[Any, ...]:
        return type(connection), threading.get_ident(), word

    kind, ident, word = await _in_thread(store._connection, seen, "word")
    assert (kind, word) == (sqlite3.Connection, "word")
    assert ident != threading.get_ident()
    assert (await _in_thread(store._connection, seen, ""))[1] == ident


async def test_a_functions_exception_arrives_as_it_is_and_the_connection_lives(
    store: SqliteStore,
) -> None:
    error = LookupError("mine")

    def fail(_: sqlite3.Connection) -> None:
        raise error

    with pytest.raises(LookupError) as raised:
        await _in_thread(store._connection, fail)
    assert raised.value is error
    assert len(await store.commit([post()])) == 1


# ── when the database can't be used ──


async def test_a_locked_database_is_unavailable_until_it_is_free(
    store: SqliteStore, path: Path
) -> None:
    same = post("before")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable):
            await store.commit([same])
        assert (await store.room(A)).seq == 0  # reading goes on
        other.execute("ROLLBACK")
    (outcome,) = await store.commit([same])
    assert isinstance(outcome, Committed)
    assert (outcome.seq, outcome.is_duplicate) == (1, False)


async def test_what_writes_and_readings_fail_with_is_logged_once(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name: SQLite's words may quote what was said."""
    with capture_logs() as lines:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            for _ in range(3):
                with pytest.raises(Unavailable):
                    await store.commit([post("canary")])
            other.execute("ROLLBACK")
        await store.commit([post("canary")])
        with monkeypatch.context() as broken:
            broken.setattr(
                "livethread.store.sqlite._READ_ROOM",
                "INSERT INTO installation VALUES ('canary' || ?, ?)",
            )
            for _ in range(3):
                with pytest.raises(Unavailable):
                    await store.room(A)
        await store.room(A)
    assert [(line["event"], line.get("reason")) for line in lines] == [
        ("commits_fail", "SQLITE_BUSY"),
        ("commits_work_again", None),
        ("readings_fail", "SQLITE_READONLY"),
        ("readings_work_again", None),
    ]
    assert "canary" not in str(lines)


@pytest.mark.parametrize("failing", ["_INSERT_COMMENTS", "_WRITE_ROOMS", "_INSERT_REPORTS"])
async def test_a_failing_statement_takes_the_whole_batch_back(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    await store.commit([post()])
    batch = [post(), report(1), edit(1, "changed"), post(room="b")]
    with monkeypatch.context() as broken:
        broken.setattr(sqlite_commit, failing, "INSERT INTO no_such_table VALUES (")
        with pytest.raises(Unavailable):
            await store.commit(batch)
    page = await store.page(PageRequest(A))
    assert [(comment.id, comment.body) for comment in page.comments] == [(1, "Hello")]
    outcomes = await store.commit(batch)
    assert [getattr(outcome, "seq", outcome) for outcome in outcomes] == [2, 1, 3, 1]
    assert not any(getattr(outcome, "is_duplicate", True) for outcome in outcomes)


async def test_a_bug_in_a_commit_leaves_no_transaction_open(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(sqlite_commit, "plan", broken)
        with pytest.raises(ZeroDivisionError):
            await store.commit([post()])
    assert len(await store.commit([post()])) == 1


async def test_a_page_of_roots_takes_as_much_work_in_a_room_ten_times_as_large(
    path: Path, store: SqliteStore
) -> None:
    """Counted in steps of SQLite's machine; every look at the comments is by an index."""
    for name, threads in (("small", 1_000), ("large", 10_000)):
        for start in range(0, threads, 500):
            await store.commit([post(str(start + i), room=name) for i in range(500)])
        likes = [react(i, room=name) for i in range(1, threads, 7)]
        await store.commit(likes)
    with closing(sqlite3.connect(path)) as database:
        for order in get_args(Order):
            steps = [_work(database, PageRequest(RoomName(name), order=order)) for name in ROOMS]
            first = await store.page(PageRequest(RoomName("large"), order=order, limit=100))
            assert first.next is not None
            after = PageRequest(RoomName("large"), order=order, after=first.next)
            steps.append(_work(database, after, (await store.room(RoomName("large"))).epoch))
            assert max(steps) < 1.5 * steps[0], order


ROOMS = ("small", "large")


def _work(database: sqlite3.Connection, request: PageRequest, epoch: str = "") -> int:
    """Steps that the roots of a page take, without a scan."""
    room_id = 1 + ROOMS.index(request.room)
    query = queries._roots(room_id, Room(request.room, epoch), request)
    sql = str(query.compile(dialect=dialect.dialect(), compile_kwargs={"literal_binds": True}))
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {sql}")]
    looks = [
        line for line in plan if line.split()[:2] in (["SCAN", "comments"], ["SEARCH", "comments"])
    ]
    assert looks
    assert all(line.startswith("SEARCH comments USING INDEX") for line in looks), plan
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    database.set_progress_handler(step, 1)
    assert len(database.execute(sql).fetchall()) == request.limit + 1
    database.set_progress_handler(None, 1)
    return steps


async def test_a_ban_at_the_command_line_is_an_operators_whoever_said_one_before(
    path: Path, store: SqliteStore
) -> None:
    await store.commit([restrict("g:1", "ban", reason="rude")])
    with closing(sqlite3.connect(path)) as database, database:
        said = "banned_by = 'operator', reason = '', created_ms = created_ms + 1"
        database.execute(f"UPDATE bans SET {said}")
    (ban,) = await store.restricted(RestrictedRequest("default", 0))
    assert (ban.by, ban.reason) == (Author("operator", "operator"), None)
