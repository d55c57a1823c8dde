"""The readings that are the same on every database, in SQLAlchemy Core.

Each function takes a connection inside a transaction, so all it reads is of one moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from livethread.model import (
    Audience,
    Comment,
    CommentState,
    Page,
    PageRequest,
    Room,
    RoomName,
)
from livethread.protocol.commands import Order
from livethread.protocol.errors import NotFound
from livethread.store.paging import (
    OVERHEAD_BYTES,
    Around,
    Thread,
    fit,
    fit_around,
    fit_threads,
    tokens_of,
)
from livethread.store.rows import comment_of
from livethread.store.schema import COMMENT_COLUMNS, comments, reactions, rooms
from livethread.store.tokens import place_of, reading_of, token_of

HELD_LIMIT = 100
HELD_BYTES = 256 * 1024
MAX_ANCESTORS = 100


async def read_page(
    connection: AsyncConnection, room_id: int, room: Room, request: PageRequest
) -> Page:
    """See ``FeedStore.page``."""
    if request.comment is not None:
        page = await _read_around(connection, room_id, room, request)
    elif request.parent is not None:
        page = await _read_thread(connection, room_id, room, request)
    else:
        page = await _read_roots(connection, room_id, room, request)
    liked = [comment.id for comment in page.comments if comment.reactions]
    if not request.reader or not liked:
        return page
    reacted = await read_reacted_by(connection, room_id, request.reader, liked)
    return replace(page, reacted=reacted)


async def _read_roots(
    connection: AsyncConnection, room_id: int, room: Room, request: PageRequest
) -> Page:
    roots = (await connection.execute(_roots(room_id, room, request))).all()
    ids = [row.id for row in roots[: request.limit]]
    replies = await _first_replies(connection, room_id, request, ids)
    threads: list[Thread] = []
    for root in roots:
        below = replies.get(root.id, [])
        size = below[0].thread if below else 0
        threads.append(Thread(comment_of(root, size), [comment_of(row) for row in below]))
    page = fit_threads(threads, request)
    following = None
    if page.threads < len(roots):
        last = roots[page.threads - 1]
        place = (last.score, last.id) if request.order == "best" else (last.id,)
        following = token_of(room, reading_of(request), place)
    return Page(room, page.comments, following, tokens_of(room, page.more))


def fit_held(held: Sequence[Comment]) -> Sequence[Comment]:
    """As many of an author's held comments as go into ``joined``; one always does."""
    return held[: max(1, fit(held, HELD_LIMIT, HELD_BYTES)[0])]


async def read_reacted_by(
    connection: AsyncConnection, room_id: int, author: str, ids: Sequence[int]
) -> dict[int, list[str]]:
    if not ids:
        return {}
    # Most readers have given few reactions or none: asking for each comment took longer.
    rows = await connection.execute(
        select(reactions.c.comment_id, reactions.c.reaction)
        .where(reactions.c.room_id == room_id, reactions.c.author_id == author)
        .where(reactions.c.comment_id.between(min(ids), max(ids)))
        .order_by(reactions.c.comment_id, reactions.c.reaction)
    )
    wanted = set(ids)
    return by_comment((row[0], row[1]) for row in rows if row[0] in wanted)


def by_comment(given: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    """Reactions as ``reacted_by`` has them."""
    found: dict[int, list[str]] = {}
    for comment, reaction in given:
        found.setdefault(comment, []).append(reaction)
    return found


async def read_counts(
    connection: AsyncConnection, names: Sequence[RoomName]
) -> dict[RoomName, int]:
    rows = await connection.execute(
        select(rooms.c.name, rooms.c.comments).where(rooms.c.name.in_(names))
    )
    return dict.fromkeys(names, 0) | {RoomName(name): count for name, count in rows}


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


def _roots(room_id: int, room: Room, request: PageRequest) -> Select[Any]:
    """One root more than asked for, to know whether there are more."""
    query = (
        select(comments.c.id, comments.c.score, _SIZE.label("size"))
        .where(comments.c.room_id == room_id, comments.c.parent.is_(None))
        .where(_seen_by(request.audience))
        .order_by(*_place(request.order, comments.c))
        .limit(request.limit + 1)
    )
    if request.after is not None:
        length = 2 if request.order == "best" else 1
        after = place_of(room, reading_of(request), request.after, length)
        match request.order:
            case "oldest":
                query = query.where(comments.c.id > after[-1])
            case "newest":
                query = query.where(comments.c.id < after[-1])
            case "best":
                query = query.where(tuple_(comments.c.score, comments.c.id) < tuple_(*after))
    rows = query.subquery()
    place = _place(request.order, rows.c)
    return _first_bytes(room_id, rows, place, request.max_bytes)


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
    after = 0
    if request.after is not None:
        (after,) = place_of(room, reading_of(request), request.after, 1)
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
    following = None
    if len(found) > len(listed):
        following = token_of(room, reading_of(request), (listed[-1].id,))
    return Page(room, tuple(listed), following, {})


async def _read_around(
    connection: AsyncConnection, room_id: int, room: Room, request: PageRequest
) -> Page:
    """A comment wherever it is, what it hangs on, what hangs on it, and its thread's beginning.

    What must be there comes first: root and comment, its ancestors from below, its replies; the
    thread's first replies have what is left. The token goes on after these, so that whoever reads
    on misses nothing, and gets again what was brought out of turn.
    """
    lineage = [comment_of(row) for row in await connection.execute(_lineage(room_id, request))]
    if not lineage:
        raise NotFound(field="comment")
    target = lineage[0]
    query = select(*COMMENT_COLUMNS).where(comments.c.room_id == room_id)
    (root,) = (await connection.execute(query.where(comments.c.id == target.root))).all()
    below = (await _first_replies(connection, room_id, request, [target.root])).get(target.root, [])
    children = (
        query.where(comments.c.root == target.root, comments.c.parent == target.id)
        .where(comments.c.id > target.id, _seen_by(request.audience))
        .order_by(comments.c.id)
        .limit(request.limit)
    )
    found = [comment_of(row) for row in await connection.execute(children)]
    size = below[0].thread if below else 0
    around = Around(comment_of(root, size), lineage, found, [comment_of(row) for row in below])
    fitted = fit_around(around, request)
    return Page(room, fitted.comments, None, tokens_of(room, fitted.more))


def _lineage(room_id: int, request: PageRequest) -> Select[Any]:
    """The comment and its ancestors, from below."""
    up = (
        select(comments.c.id, comments.c.parent, literal(0).label("height"))
        .where(comments.c.room_id == room_id, comments.c.id == request.comment)
        .where(_seen_by(request.audience))
        .cte(recursive=True)
    )
    above = select(comments.c.id, comments.c.parent, up.c.height + 1)
    up = up.union_all(
        above.join(up, comments.c.id == up.c.parent).where(
            comments.c.room_id == room_id, up.c.height < MAX_ANCESTORS
        )
    )
    return (
        select(*COMMENT_COLUMNS)
        .join(up, and_(comments.c.room_id == room_id, comments.c.id == up.c.id))
        .order_by(up.c.height)
    )


def _place(order: Order, columns: ReadOnlyColumnCollection[str, Any]) -> list[ColumnElement[Any]]:
    """What roots are sorted by."""
    match order:
        case "oldest":
            return [columns.id]
        case "newest":
            return [columns.id.desc()]
        case "best":
            return [columns.score.desc(), columns.id.desc()]
