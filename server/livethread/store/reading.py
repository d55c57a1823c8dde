"""The readings that are the same on every database, in SQLAlchemy Core.

Each function takes a connection inside a transaction, so all it reads is of one moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

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
from livethread.protocol.errors import BadFrame, NotFound
from livethread.store.rows import comment_of
from livethread.store.schema import COMMENT_COLUMNS, bots, comments, rooms

HELD_LIMIT = 100


async def read_page(
    connection: AsyncConnection, room_id: int, room: Room, request: PageRequest
) -> Page:
    """See ``FeedStore.page``."""
    if request.parent is not None:
        return await _read_thread(connection, room_id, room, request)
    rows = (await connection.execute(_roots(room_id, request))).all()
    roots, rest = rows[: request.limit], rows[request.limit :]
    replies = await _first_replies(connection, room_id, request, [row.id for row in roots])
    listed: list[Comment] = []
    more: dict[int, str] = {}
    for root in roots:
        below = replies.get(root.id, [])
        listed.append(comment_of(root, below[0].thread if below else 0))
        listed.extend(comment_of(row) for row in below[: request.replies])
        if len(below) > request.replies:
            more[root.id] = str(below[request.replies - 1].id)
    following = _token(request.order, roots[-1]) if rest else None
    return Page(room, tuple(listed), following, more)


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


def _roots(room_id: int, request: PageRequest) -> Select[Any]:
    """One root more than asked for, to know whether there are more."""
    query = (
        select(*COMMENT_COLUMNS, comments.c.score)
        .where(comments.c.room_id == room_id, comments.c.parent.is_(None))
        .where(_seen_by(request.audience))
        .limit(request.limit + 1)
    )
    after = _after(request)
    match request.order:
        case "oldest":
            query = query.order_by(comments.c.id)
            return query.where(comments.c.id > after[-1]) if after else query
        case "newest":
            query = query.order_by(comments.c.id.desc())
            return query.where(comments.c.id < after[-1]) if after else query
        case "best":
            query = query.order_by(comments.c.score.desc(), comments.c.id.desc())
            place = tuple_(comments.c.score, comments.c.id)
            return query.where(place < tuple_(*after)) if after else query


async def _first_replies(
    connection: AsyncConnection, room_id: int, request: PageRequest, roots: Sequence[int]
) -> dict[int, list[Any]]:
    """One reply more than asked for, of each root, with the thread's visible size."""
    if not roots:
        return {}
    shown = func.count().filter(comments.c.state == CommentState.VISIBLE.value)
    numbered = (
        select(
            *COMMENT_COLUMNS,
            func.row_number().over(partition_by=comments.c.root, order_by=comments.c.id).label("n"),
            shown.over(partition_by=comments.c.root).label("thread"),
        )
        .where(comments.c.room_id == room_id, comments.c.root.in_(roots))
        .where(comments.c.parent.is_not(None), _seen_by(request.audience))
        .subquery()
    )
    query = select(numbered).where(numbered.c.n <= request.replies + 1).order_by(numbered.c.id)
    found: dict[int, list[Any]] = {}
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
    query = (
        select(*COMMENT_COLUMNS)
        .where(in_room, comments.c.root == request.parent, comments.c.parent.is_not(None))
        .where(comments.c.id > after, seen)
        .order_by(comments.c.id)
        .limit(request.limit + 1)
    )
    found = [comment_of(row) for row in await connection.execute(query)]
    listed = found[: request.limit]
    following = str(listed[-1].id) if len(found) > request.limit else None
    return Page(room, tuple(listed), following, {})


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
