"""What moderators read: the queue and the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    and_,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from livethread.model import (
    Act,
    ActsRequest,
    Author,
    CommentId,
    CommentState,
    Logged,
    Queue,
    QueueItem,
    QueueRequest,
    Report,
    RoomName,
)
from livethread.site import DEFAULT
from livethread.store.rows import comment_of
from livethread.store.schema import (
    COMMENT_COLUMNS,
    acts,
    comments,
    installation,
    reports,
    rooms,
)
from livethread.store.words import INDEXED, candidates

MAX_REPORTS = 500
"""In one page of the queue."""


def of_site(room: ColumnElement[str], site: str) -> ColumnElement[bool]:
    """Whether a room's key is of that site: behind its key and a space, but for the default's."""
    if site == DEFAULT:
        return ~room.contains(" ")
    return room.startswith(f"{site} ", autoescape=True)


_words = table("words", column("rowid"), column("words"))
_LISTS: Mapping[str, ColumnElement[bool]] = MappingProxyType(
    {
        "held": comments.c.state == CommentState.HELD.value,
        "reported": and_(comments.c.reports > 0, comments.c.state != CommentState.HELD.value),
        "recent": true(),
    }
)


async def read_queue(connection: AsyncConnection, request: QueueRequest) -> Queue:
    """See ``ModerationStore.queue``."""
    rows = await _rows(connection, request)
    said = await _reports(connection, [(row.room_id, row.id) for row in rows])
    items = [
        QueueItem(
            row.row_id,
            row.name,
            row.title,
            comment_of(row),
            tuple(said.get((row.room_id, row.id), ())),
        )
        for row in rows
    ]
    counts = [
        select(func.count())
        .select_from(comments.join(rooms))
        .where(_LISTS[name], of_site(rooms.c.name, request.site))
        .scalar_subquery()
        for name in ("held", "reported")
    ]
    held, reported = (await connection.execute(select(*counts))).one()
    return Queue(tuple(items), held, reported)


async def _rows(connection: AsyncConnection, request: QueueRequest) -> list[Row[Any]]:
    """What is asked for; what the index can't find, or other indexes narrow down, is read through.

    200,000 comments are read through in 250 ms.
    """
    parts = None if request.text is None else candidates(request.text)
    if parts is None or request.list != "recent" or request.author is not None:
        return list(await connection.execute(_queued(request)))
    query = select(cast(installation.c.value, Integer)).where(installation.c.key == INDEXED)
    indexed = (await connection.execute(query)).scalar() or 0
    newest = _queued(request).where(comments.c.row_id > indexed)
    rows = list(await connection.execute(newest))
    if len(rows) < request.limit:
        rest = replace(request, limit=request.limit - len(rows))
        rows += await connection.execute(_candidates(rest, parts, indexed))
    return rows


def _candidates(request: QueueRequest, parts: str, indexed: int) -> Select[Any]:
    """In the index's order, which is that of posting, so that reading ends with the last wanted."""
    last = indexed if request.before is None else min(indexed, request.before - 1)
    # The plus keeps SQLite from asking the index for one comment after the other.
    found = literal_column("+words.rowid") == comments.c.row_id
    return (
        _queued(request)
        .join(_words, found)
        .where(_words.c.words.match(parts), _words.c.rowid <= last)
        .order_by(None)
        .order_by(_words.c.rowid.desc())
    )


async def read_due(
    connection: AsyncConnection, now_ms: int, limit: int
) -> list[tuple[RoomName, CommentId]]:
    """See ``ModerationStore.due``."""
    query = (
        select(rooms.c.name, comments.c.id)
        .join_from(comments, rooms)
        .where(comments.c.due_ms <= now_ms)
        .order_by(comments.c.due_ms)
        .limit(limit)
    )
    rows = await connection.execute(query)
    return [(RoomName(name), CommentId(id)) for name, id in rows]


def _queued(request: QueueRequest) -> Select[Any]:
    query = (
        select(*COMMENT_COLUMNS, comments.c.row_id, comments.c.room_id, rooms.c.name, rooms.c.title)
        .join_from(comments, rooms)
        .where(_LISTS[request.list], of_site(rooms.c.name, request.site))
        .order_by(comments.c.row_id.desc())
        .limit(request.limit)
    )
    if request.room is not None:
        query = query.where(rooms.c.name == request.room)
    if request.author is not None:
        query = query.where(comments.c.author_id == request.author)
    if request.text is not None:
        query = query.where(
            or_(
                comments.c.body.icontains(request.text, autoescape=True),
                comments.c.author_name.icontains(request.text, autoescape=True),
            )
        )
    if request.before is not None:
        query = query.where(comments.c.row_id < request.before)
    return query


async def _reports(
    connection: AsyncConnection, of: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], list[Report]]:
    """The first reports of each of these comments."""
    found: dict[tuple[int, int], list[Report]] = {}
    query = (
        select(reports)
        .where(tuple_(reports.c.room_id, reports.c.comment_id).in_(of))
        .order_by(reports.c.created_ms)
        .limit(MAX_REPORTS)
    )
    for row in await connection.execute(query) if of else ():
        report = Report(row.author_id, row.reason, row.text, row.created_ms)
        found.setdefault((row.room_id, row.comment_id), []).append(report)
    return found


async def read_acts(connection: AsyncConnection, request: ActsRequest) -> list[Logged]:
    """See ``ModerationStore.acts``."""
    query = select(acts).where(of_site(acts.c.room, request.site))
    for field, wanted in (
        (acts.c.room, request.room),
        (acts.c.comment_id, request.comment),
        (acts.c.person, request.person),
    ):
        if wanted is not None:
            query = query.where(field == wanted)
    if request.before is not None:
        query = query.where(acts.c.id < request.before)
    rows = await connection.execute(query.order_by(acts.c.id.desc()).limit(request.limit))
    return [_logged(row) for row in rows]


def _logged(row: Row[Any]) -> Logged:
    by = Author(row.by_id, row.by_name)
    act = Act(
        row.room, row.comment_id, row.person, by, row.action, row.reason, row.detail, row.at_ms
    )
    return Logged(row.id, act)
