"""The Store on SQLite: one writing connection, a few reading ones, durable before it answers.

WAL with ``synchronous=FULL``: COMMIT returns after fdatasync of the log. Only the writing
connection checkpoints; SQLite before 3.51.3 can corrupt a WAL database when several race for it.
The two hot paths, the group commit and the replay, run as one function each in the connection's
own thread (aiosqlite's ``_execute``, the call that all its methods are made of): one thread hop a
batch instead of one a statement.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from asyncio import Task
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, event, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from livethread.model import (
    ActsRequest,
    BotToken,
    Change,
    ChangeRange,
    Comment,
    CommentId,
    Logged,
    Outcome,
    Page,
    PageRequest,
    Queue,
    QueueRequest,
    Restricted,
    RestrictedRequest,
    Room,
    RoomName,
    RoomRules,
    Seq,
    Write,
)
from livethread.protocol.errors import Conflict, Unavailable
from livethread.site import Link, Person, Standing, site_room_of
from livethread.store import desk, standing, words
from livethread.store import reading as queries
from livethread.store.errors import StartError
from livethread.store.lock import FileLock
from livethread.store.migrate import upgrade
from livethread.store.pragmas import READER, WRITER
from livethread.store.restricted import read_restricted
from livethread.store.rows import comment_of, first_epoch, room_of
from livethread.store.schema import COMMENT_COLUMNS, ROOM_COLUMNS, bots, installation
from livethread.store.sqlite_commit import commit_batch
from livethread.store.trouble import Trouble

T = TypeVar("T")
P = ParamSpec("P")

READ_WAIT_S = 30.0
"""A reading waits for a free connection that long; then the database can't keep up."""

ABSENT = 0
"""For the id of a room that nobody wrote to: SQLite's begin at 1."""

_READ_ROOM = f"SELECT id, {', '.join(c.name for c in ROOM_COLUMNS)} FROM rooms WHERE name IN (?, ?)"
_READ_CHANGES = [
    f"""
    SELECT {seq}, {", ".join(column.name for column in COMMENT_COLUMNS)} FROM comments
    WHERE room_id = ? AND {seq} > ? ORDER BY {seq} LIMIT ?
    """
    for seq in ("seq", "reacted_seq")
]
_READ_SIZE = """
WITH room AS (SELECT id FROM rooms WHERE name = ?1)
SELECT
  (SELECT coalesce(sum(length(body) + coalesce(length(rich), 0) + 200), 0) FROM comments
   WHERE room_id = (SELECT id FROM room) AND seq > ?2)
  + (SELECT 60 * count(*) FROM comments
     WHERE room_id = (SELECT id FROM room) AND reacted_seq > ?2)
"""


_READ_HELD = f"""
SELECT {", ".join(column.name for column in COMMENT_COLUMNS)} FROM comments
WHERE room_id = (SELECT id FROM rooms WHERE name = ?) AND author_id = ? AND state = 'held'
ORDER BY id LIMIT ?
"""
# Most readers have given few reactions or none: asking for each comment took longer.
_READ_REACTED = """
SELECT comment_id, reaction FROM reactions
WHERE room_id = (SELECT id FROM rooms WHERE name = ?) AND author_id = ?
  AND comment_id BETWEEN ? AND ? ORDER BY comment_id, reaction
"""


Reading = Callable[Concatenate["SqliteStore", P], Coroutine[Any, Any, T]]


def _to_its_end(read: Reading[P, T]) -> Reading[P, T]:
    """Once it has a connection, have a reading run to its end, even if who asked goes away.

    A client that leaves cancels what it asked for. Cancelled while it opens a connection, aiosqlite
    drops it without closing it, and so does SQLAlchemy's pool in other places.
    """

    @wraps(read)
    async def reading(store: SqliteStore, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with _unavailable(store._readings_trouble):
            async with asyncio.timeout(READ_WAIT_S if store._turns.locked() else None):
                await store._turns.acquire()
            task = asyncio.get_running_loop().create_task(read(store, *args, **kwargs))
            store._readings.add(task)
            task.add_done_callback(store._finished)
            return await asyncio.shield(task)

    return reading


class SqliteStore:
    """See ``store.base`` for what it promises. Use :meth:`open`."""

    def __init__(
        self,
        lock: FileLock,
        write_engine: AsyncEngine,
        read_engine: AsyncEngine,
        connection: AsyncConnection,
        *,
        readers: int,
        seed: str,
    ) -> None:
        self._lock = lock
        self._write_engine = write_engine
        self._read_engine = read_engine
        self._connection = connection
        self._seed = seed
        self._writing = asyncio.Lock()
        self._turns = asyncio.Semaphore(readers)
        self._idle: list[AsyncConnection] = []
        self._readings: set[Task[Any]] = set()
        self._readings_trouble = Trouble("readings")
        self._commits_trouble = Trouble("commits")

    @classmethod
    async def open(
        cls, path: Path, *, readers: int = 4, busy_timeout_s: float = 5, check_mb: int = 256
    ) -> SqliteStore:
        """Lock, check, migrate and open the database file, creating it if there is none.

        Raises ``StartError`` with the path and a remedy: the file is in use, damaged, of a newer
        schema, or its directory can't be written. Files up to ``check_mb`` are checked through.
        """
        lock = FileLock(path)
        writing = _engine(path, pragmas=WRITER, busy_timeout_s=busy_timeout_s, pool_size=1)
        reading = _engine(path, pragmas=READER, busy_timeout_s=busy_timeout_s, pool_size=readers)
        connection: AsyncConnection | None = None
        try:
            with _explained(path):
                connection = await writing.connect()
                seed = await _prepare(connection, path, check_mb)
        except BaseException:
            if connection is not None:
                await connection.close()
            await reading.dispose()
            await writing.dispose()
            lock.release()
            raise
        return cls(lock, writing, reading, connection, readers=readers, seed=seed)

    async def close(self) -> None:
        """Finish what is running, fold the log into the database and let go of the file."""
        while self._readings:
            await asyncio.wait(self._readings)
        for connection in self._idle:
            await connection.close()
        await self._read_engine.dispose()
        async with self._writing:
            with suppress(DBAPIError):
                await self._connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            await self._connection.close()
        await self._write_engine.dispose()
        self._lock.release()

    # ── CommitStore ──

    async def commit(self, writes: Sequence[Write]) -> list[Outcome]:
        with _unavailable(self._commits_trouble):
            async with self._writing:
                return await _in_thread(self._connection, commit_batch, self._seed, writes)

    # ── FeedStore ──

    @_to_its_end
    async def room(self, name: RoomName) -> Room:
        async with self._reading() as connection:
            return (await _in_thread(connection, _read_room, self._seed, name))[1]

    @_to_its_end
    async def changes(self, room: RoomName, since: Seq, *, limit: int) -> ChangeRange:
        async with self._reading() as connection:
            return await _in_thread(connection, _read_changes, self._seed, room, since, limit)

    @_to_its_end
    async def size_since(self, room: RoomName, since: Seq) -> int:
        async with self._reading() as connection:
            return await _in_thread(connection, _read_size, room, since)

    @_to_its_end
    async def page(self, request: PageRequest) -> Page:
        async with self._reading() as connection:
            id, room = await _in_thread(connection, _enter_room, self._seed, request.room)
            is_first = request.after is None and request.parent is None and request.comment is None
            if id == ABSENT and is_first:
                return Page(room, (), None, {})
            async with connection.begin():
                return await queries.read_page(connection, id, room, request)

    @_to_its_end
    async def held_by(self, room: RoomName, author: str) -> Sequence[Comment]:
        async with self._reading() as connection:
            return await _in_thread(connection, _read_held, room, author)

    @_to_its_end
    async def reacted_by(
        self, room: RoomName, author: str, comments: Sequence[int]
    ) -> dict[int, list[str]]:
        async with self._reading() as connection:
            return await _in_thread(connection, _read_reacted, room, author, frozenset(comments))

    @_to_its_end
    async def counts(self, rooms: Sequence[RoomName]) -> dict[RoomName, int]:
        async with self._reading() as connection, connection.begin():
            return await queries.read_counts(connection, rooms)

    @_to_its_end
    async def ping(self) -> None:
        async with self._reading() as connection, connection.begin():
            await connection.exec_driver_sql("SELECT 1 FROM installation")

    async def scrub(self) -> bool:
        async with self._writing:
            with _unavailable(self._commits_trouble):
                return await _in_thread(self._connection, _truncate_log)

    # ── ModerationStore ──

    @_to_its_end
    async def acts(self, request: ActsRequest) -> Sequence[Logged]:
        async with self._reading() as connection, connection.begin():
            return await desk.read_acts(connection, request)

    @_to_its_end
    async def restricted(self, request: RestrictedRequest) -> Sequence[Restricted]:
        async with self._reading() as connection, connection.begin():
            return await read_restricted(connection, request)

    @_to_its_end
    async def due(self, now_ms: int, *, limit: int) -> Sequence[tuple[RoomName, CommentId]]:
        async with self._reading() as connection, connection.begin():
            return await desk.read_due(connection, now_ms, limit)

    @_to_its_end
    async def queue(self, request: QueueRequest) -> Queue:
        async with self._reading() as connection, connection.begin():
            return await desk.read_queue(connection, request)

    # ── SearchStore ──

    async def index(self, *, is_tidying: bool) -> bool:
        with _unavailable(self._commits_trouble):
            async with self._writing:
                return await _in_thread(self._connection, words.step, is_tidying)

    # ── BotStore ──

    async def add_bot(self, token: BotToken) -> None:
        values = {
            "id": token.id,
            "name": token.name,
            "digest": token.digest,
            "scopes": " ".join(sorted(token.scopes)),
            "rooms": token.rooms,
            "created_ms": token.created_ms,
            "is_revoked": token.is_revoked,
            "site": token.site,
        }
        with _unavailable(self._commits_trouble):
            try:
                async with self._writing, self._connection.begin():
                    await self._connection.execute(insert(bots).values(values))
            except IntegrityError as error:
                raise Conflict(f"There is a bot called {token.name!r} already.") from error

    @_to_its_end
    async def bot(self, id: str) -> BotToken | None:
        async with self._reading() as connection, connection.begin():
            found = await standing.read_bots(connection, id)
            return found[0] if found else None

    @_to_its_end
    async def bots(self) -> Sequence[BotToken]:
        async with self._reading() as connection, connection.begin():
            return await standing.read_bots(connection)

    async def revoke_bot(self, name: str) -> bool:
        revoked = update(bots).where(bots.c.name == name).values(is_revoked=True)
        with _unavailable(self._commits_trouble):
            async with self._writing, self._connection.begin():
                await self._connection.exec_driver_sql(standing.RISE)
                return (await self._connection.execute(revoked)).rowcount > 0

    # ── StandingStore ──

    @_to_its_end
    async def standing_version(self) -> int:
        async with self._reading() as connection, connection.begin():
            return await standing.read_version(connection)

    @_to_its_end
    async def standing(self) -> Standing:
        async with self._reading() as connection, connection.begin():
            return await standing.read_standing(connection)

    @_to_its_end
    async def person(self, site: str, issuer: str, subject: str) -> Person | None:
        async with self._reading() as connection, connection.begin():
            return await standing.read_person(connection, site, issuer, subject)

    @_to_its_end
    async def is_registered(self, site: str, name: str, *, but_for: str | None = None) -> bool:
        async with self._reading() as connection, connection.begin():
            return await standing.is_name_of_a_person(connection, site, name, but_for)

    async def remember(self, person: Person, mark: str = "") -> Person:
        with _unavailable(self._commits_trouble):
            async with self._writing, self._connection.begin():
                return await standing.write_person(self._connection, person, mark)

    async def add_link(self, link: Link) -> None:
        with _unavailable(self._commits_trouble):
            async with self._writing, self._connection.begin():
                await standing.write_link(self._connection, link)

    @_to_its_end
    async def link(self, digest: str) -> Link | None:
        async with self._reading() as connection, connection.begin():
            return await standing.read_link(connection, digest)

    async def take_link(self, digest: str) -> bool:
        with _unavailable(self._commits_trouble):
            async with self._writing, self._connection.begin():
                return await standing.take_link(self._connection, digest)

    async def forget_links(self, now_ms: int) -> None:
        with _unavailable(self._commits_trouble):
            async with self._writing, self._connection.begin():
                await standing.forget_links(self._connection, now_ms)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        """One of the connections for reading, outside of a transaction.

        They are kept: to take one out of the pool and have it looked after on its way back was
        half of what a short reading cost. After an error it goes back, for the pool to mend.
        """
        connection = self._idle.pop() if self._idle else await self._read_engine.connect()
        try:
            yield connection
        except BaseException:
            await connection.close()
            raise
        self._idle.append(connection)

    def _finished(self, reading: Task[Any]) -> None:
        self._readings.discard(reading)
        self._turns.release()


def _engine(
    path: Path, *, pragmas: Mapping[str, str], busy_timeout_s: float, pool_size: int
) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        # Autocommit in the driver: SQLAlchemy's own BEGIN below makes reads transactions, too.
        connect_args={"isolation_level": None, "timeout": busy_timeout_s},
        pool_size=pool_size,
        max_overflow=0,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for name, value in pragmas.items():
            cursor.execute(f"PRAGMA {name}={value}")
        cursor.close()
        connection.create_function("lower", 1, words.fold, deterministic=True)
        words.teach(connection)

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        adapted = connection.connection.dbapi_connection
        adapted.run_async(lambda driver: driver._execute(_begin, driver._conn))

    return engine


async def _prepare(connection: AsyncConnection, path: Path, check_mb: int) -> str:
    """See that the database is sound and of this version's schema; returns its seed."""
    await _in_thread(connection, _try_writing)
    if path.stat().st_size <= check_mb * 1024 * 1024:  # noqa: ASYNC240 (at start)
        verdict = await connection.exec_driver_sql("PRAGMA quick_check(1)")
        if (problem := verdict.scalar()) != "ok":
            raise _damaged(path, str(problem))
    await connection.rollback()
    # A step may build a table anew: with foreign keys on, dropping the old one would fail
    # (https://www.sqlite.org/lang_altertable.html#otheralter). Each step checks them at its end.
    await _in_thread(connection, _pragma, "foreign_keys=OFF")
    await connection.run_sync(upgrade, str(path))
    await connection.rollback()
    await _in_thread(connection, _pragma, "foreign_keys=ON")
    async with connection.begin():
        return await _read_seed(connection)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What the database says against being opened, for the operator."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        problem = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        if "readonly" in problem or "unable to open" in problem:
            raise StartError(
                path,
                f"can't write to the database ({problem}).",
                "Give the user who runs Livethread write access to the file and its directory.",
            ) from error
        if "no such module" in problem:
            raise StartError(
                path,
                f"this SQLite was built without full-text search ({problem}).",
                "Use Python's or the system's own build of SQLite.",
            ) from error
        raise _damaged(path, problem) from error


def _try_writing(connection: sqlite3.Connection) -> None:
    """SQLite opens a file that may not be written all the same, and even begins transactions."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("PRAGMA user_version = 0")
    finally:
        connection.execute("ROLLBACK")


def _truncate_log(connection: sqlite3.Connection) -> bool:
    """Erased words stand in it until it is started anew."""
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _pragma(connection: sqlite3.Connection, setting: str) -> None:
    """Outside of a transaction, where SQLAlchemy would be in one."""
    connection.execute(f"PRAGMA {setting}")


def _damaged(path: Path, problem: str) -> StartError:
    return StartError(
        path,
        f"the database is damaged ({problem}).",
        "Move the file away and restore a backup. What can still be read of it comes out with "
        "`sqlite3 FILE .recover`.",
    )


async def _read_seed(connection: AsyncConnection) -> str:
    """The installation's seed, drawn at the first start."""
    query = select(installation.c.value).where(installation.c.key == "seed")
    seed = (await connection.execute(query)).scalar()
    if seed is None:
        seed = secrets.token_hex(16)
        await connection.execute(insert(installation).values(key="seed", value=seed))
    return str(seed)


async def _in_thread(connection: AsyncConnection, function: Callable[..., T], *arguments: Any) -> T:
    """Run ``function(sqlite3 connection, …)`` in the connection's own thread."""
    driver: Any = connection.sync_connection.connection.driver_connection  # type: ignore[union-attr]
    result: T = await driver._execute(function, driver._conn, *arguments)
    return result


def _begin(connection: sqlite3.Connection) -> None:
    """In one thread hop, where SQLAlchemy's cursor took three; unless one has begun."""
    if not connection.in_transaction:
        connection.execute("BEGIN")


@contextmanager
def _unavailable(trouble: Trouble) -> Iterator[None]:
    """Outside causes become ``Unavailable``; the fate of an interrupted commit is the nonce's."""
    try:
        yield
    except (sqlite3.Error, DBAPIError, TimeoutError) as error:
        trouble.failed(_reason(error))
        raise Unavailable from error
    trouble.worked()


def _reason(error: Exception) -> str:
    """SQLite's name for it, such as SQLITE_FULL; never its words, which may quote what was said."""
    if isinstance(error, TimeoutError):
        return "no connection is free"
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlite_errorname", type(cause).__name__)


def _read_room(connection: sqlite3.Connection, seed: str, name: RoomName) -> tuple[int, Room]:
    """Its id and itself, with the rules of its site."""
    id, room, rules = ABSENT, Room(name, first_epoch(seed, name)), RoomRules()
    for row in connection.execute(_READ_ROOM, (name, site_room_of(name))).fetchall():
        if row[1] == name:
            id, room = row[0], room_of(row[1:])
        else:
            rules = room_of(row[1:]).own
    return id, room if rules == RoomRules() else replace(room, site=rules)


def _enter_room(connection: sqlite3.Connection, seed: str, name: RoomName) -> tuple[int, Room]:
    """Begin a transaction with a room's row; there is none to go on with if it is absent."""
    connection.execute("BEGIN")
    id, room = _read_room(connection, seed, name)
    if id == ABSENT:
        connection.execute("COMMIT")
    return id, room


def _read_size(connection: sqlite3.Connection, name: RoomName, since: Seq) -> int:
    return int(connection.execute(_READ_SIZE, (name, since)).fetchone()[0])


def _read_held(connection: sqlite3.Connection, room: RoomName, author: str) -> Sequence[Comment]:
    rows = connection.execute(_READ_HELD, (room, author, queries.HELD_LIMIT)).fetchall()
    return queries.fit_held([comment_of(row) for row in rows])


def _read_reacted(
    connection: sqlite3.Connection, room: RoomName, author: str, ids: frozenset[int]
) -> dict[int, list[str]]:
    if not ids:
        return {}
    rows = connection.execute(_READ_REACTED, (room, author, min(ids), max(ids))).fetchall()
    return queries.by_comment(row for row in rows if row[0] in ids)


def _read_changes(
    connection: sqlite3.Connection, seed: str, name: RoomName, since: Seq, limit: int
) -> ChangeRange:
    connection.execute("BEGIN")
    try:
        id, room = _read_room(connection, seed, name)
        rows: list[Any] = []
        for query in _READ_CHANGES:
            rows += connection.execute(query, (id, since, limit))
    finally:
        connection.execute("COMMIT")
    changes = [Change(row[0], comment_of(row[1:])) for row in rows]
    if since < room.config_seq:
        changes.append(Change(room.config_seq, None, room))
    changes.sort(key=lambda change: change.seq)
    del changes[limit:]
    to_seq = changes[-1].seq if len(changes) == limit else room.seq
    return ChangeRange(room, since, max(since, to_seq), tuple(changes))
