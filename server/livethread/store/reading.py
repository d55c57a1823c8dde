"""The readings that are the same on every database, in SQLAlchemy Core.

Each function takes a connection inside a transaction, so all it reads is of one moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from livethread.model import (
    Audience,
    BotToken,
    Comment,
    CommentState,
    Page,
    PageRequest,
    Room,
    RoomName,
)
from livethread.protocol.commands import Order
from livethread.protocol.errors import BadFrame, NotFound
from livethread.store.paging import OVERHEAD_BYTES, Thread, fit, fit_threads
from livethread.store.rows import comment_of
from livethread.store.schema import COMMENT_COLUMNS, bots, comments, rooms

HELD_LIMIT = 100


async def read_page(
    connection: AsyncConnection, room_id: int, room: Room, request: PageRequest
) -> Page:
    """See ``FeedStore.page``."""
    if request.parent is not None:
        return await _read_thread(connection, room_id, room, request)
    roots = (await connection.execute(_roots(room_id, request))).all()
    ids = [row.id for row in roots[: request.limit]]
    replies = await _first_replies(connection, room_id, request, ids)
    threads: list[Thread] = []
    for root in roots:
        below = replies.get(root.id, [])
        size = below[0].thread if below else 0
        threads.append(Thread(comment_of(root, size), [comment_of(row) for row in below]))
    page = fit_threads(threads, request)
    is_last = page.threads == len(roots)
    following = None if is_last else _token(request.order, roots[page.threads - 1])
    return Page(room, page.comments, following, page.more)


async def read_held_by(connection: AsyncConnection, room_id: int, author: str) -> list[Comment]:
    rows = await connection.execute(
        select(*COMMENT_COLUMNS)
        .where(comments.c.room_id == room_id, comments.c.author_id == author)
        .where(comments.c.state == CommentState.HELD.value)
        .order_by(comments.c.id)
        .limit(HELD_LIMIT)
    )
    return [comment_of(row) for row in rows]


async def read_counts(
    connection: AsyncConnection, names: Sequence[RoomName]
) -> dict[RoomName, int]:
    rows = await connection.execute(
        select(rooms.c.name, rooms.c.comments).where(rooms.c.name.in_(names))
    )
    return dict.fromkeys(names, 0) | {RoomName(name): count for name, count in rows}


async def read_bots(connection: AsyncConnection, id: str | None = None) -> list[BotToken]:
    query = select(bots).order_by(bots.c.name)
    rows = await connection.execute(query if id is None else query.where(bots.c.id == id))
    return [
        BotToken(
            id=row.id,
            name=row.name,
            digest=row.digest,
            scopes=frozenset(row.scopes.split()),
            rooms=row.rooms,
            created_ms=row.created_ms,
            is_revoked=row.is_revoked,
        )
        for row in rows
    ]


def _seen_by(audience: Audience) -> ColumnElement[bool]:
    """What an audience may know of: the public not of a comment that never was public."""
    return comments.c.was_public if audience is Audience.PUBLIC else comments.c.id > 0


_SIZE = OVERHEAD_BYTES + (
    func.length(comments.c.body) + func.coalesce(func.length(comments.c.rich), 0)
)
"""Of a comment, in characters: never more than ``paging.size_of`` in bytes."""


def _first_bytes(
    room_id: int, rows: Subquery, order: Sequence[ColumnElement[Any]], max_bytes: int, *with_: str
) -> Select[Any]:
    """The first comments up to the one with which their ``size`` is more than ``max_bytes``.

    ``rows`` has their ids and sizes and is small: sorting whole comments took twice the time of a
    page. What a page has no room for isn't read; the comment too many tells that there are more.
    Two come always: one of any size makes a page. ``with_`` names columns to bring along.
    """
    number = func.row_number().over(order_by=order)
    before = func.sum(rows.c.size).over(order_by=order, rows=(None, -1))
    placed = select(rows, number.label("number"), before.label("before")).subquery()
    return (
        select(*COMMENT_COLUMNS, *(placed.c[name] for name in with_))
        .join(placed, and_(comments.c.room_id == room_id, comments.c.id == placed.c.id))
        .where(or_(placed.c.number <= 2, placed.c.before <= max_bytes))
        .order_by(placed.c.number)
    )


def _roots(room_id: int, request: PageRequest) -> Select[Any]:
    """One root more than asked for, to know whether there are more."""
    query = (
        select(comments.c.id, comments.c.score, _SIZE.label("size"))
        .where(comments.c.room_id == room_id, comments.c.parent.is_(None))
        .where(_seen_by(request.audience))
        .order_by(*_place(request.order, comments.c))
        .limit(request.limit + 1)
    )
    after = _after(request)
    if after:
        match request.order:
            case "oldest":
                query = query.where(comments.c.id > after[-1])
            case "newest":
                query = query.where(comments.c.id < after[-1])
            case "best":
                query = query.where(tuple_(comments.c.score, comments.c.id) < tuple_(*after))
    rows = query.subquery()
    place = _place(request.order, rows.c)
    return _first_bytes(room_id, rows, place, request.max_bytes, "score")


async def _first_replies(
    connection: AsyncConnection, room_id: int, request: PageRequest, roots: Sequence[int]
) -> dict[int, list[Any]]:
    """One reply more than asked for, of each root, with the thread's visible size."""
    if not roots:
        return {}
    shown = func.count().filter(comments.c.state == CommentState.VISIBLE.value)
    numbered = (
        select(
            comments.c.id,
            comments.c.root,
            func.row_number().over(partition_by=comments.c.root, order_by=comments.c.id).label("n"),
            shown.over(partition_by=comments.c.root).label("thread"),
            _SIZE.label("chars"),
        )
        .where(comments.c.room_id == room_id, comments.c.root.in_(roots))
        .where(comments.c.parent.is_not(None), _seen_by(request.audience))
        .subquery()
    )
    # The one reply too many isn't shown, so it takes no room from what is.
    size = case((numbered.c.n <= request.replies, numbered.c.chars), else_=0).label("size")
    first = select(numbered, size).where(numbered.c.n <= request.replies + 1).subquery()
    place = case({id: place for place, id in enumerate(roots)}, value=first.c.root)
    found: dict[int, list[Any]] = {}
    query = _first_bytes(room_id, first, (place, first.c.id), request.max_bytes, "thread")
    for row in await connection.execute(query):
        found.setdefault(row.root, []).append(row)
    return found


async def _read_thread(
    connection: AsyncConnection, room_id: int, room: Room, request: PageRequest
) -> Page:
    seen = _seen_by(request.audience)
    in_room = comments.c.room_id == room_id
    exists = select(comments.c.id).where(in_room, comments.c.id == request.parent, seen)
    if (await connection.execute(exists)).first() is None:
        raise NotFound(field="parent")
    after = int(request.after) if request.after and _is_number(request.after) else 0
    if request.after and not after:
        raise BadFrame("after: not a token of this thread", field="after")
    rows = (
        select(comments.c.id, _SIZE.label("size"))
        .where(in_room, comments.c.root == request.parent, comments.c.parent.is_not(None))
        .where(comments.c.id > after, seen)
        .order_by(comments.c.id)
        .limit(request.limit + 1)
        .subquery()
    )
    query = _first_bytes(room_id, rows, (rows.c.id,), request.max_bytes)
    found = [comment_of(row) for row in await connection.execute(query)]
    count, _ = fit(found, request.limit, request.max_bytes)
    listed = found[: max(1, count)]
    following = str(listed[-1].id) if len(found) > len(listed) else None
    return Page(room, tuple(listed), following, {})


def _place(order: Order, columns: ReadOnlyColumnCollection[str, Any]) -> list[ColumnElement[Any]]:
    """What roots are sorted by."""
    match order:
        case "oldest":
            return [columns.id]
        case "newest":
            return [columns.id.desc()]
        case "best":
            return [columns.score.desc(), columns.id.desc()]


def _is_number(text: str) -> bool:
    """Whether it is one that a database's 64 bits hold."""
    return text.isdecimal() and len(text) <= 18


def _token(order: str, row: Any) -> str:
    return f"b{row.score}.{row.id}" if order == "best" else f"{order[0]}{row.id}"


def _after(request: PageRequest) -> tuple[int, ...]:
    if request.after is None:
        return ()
    prefix, numbers = request.after[:1], request.after[1:].split(".")
    is_complete = len(numbers) == (2 if request.order == "best" else 1)
    if prefix != request.order[0] or not is_complete or not all(map(_is_number, numbers)):
        raise BadFrame("after: not a token of this order", field="after")
    return tuple(int(number) for number in numbers)
