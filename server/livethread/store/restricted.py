"""What moderators read of who may not write, or isn't seen, or isn't let in."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json
from sqlalchemy import Row, Select, and_, func, literal, null, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from livethread.model import Author, Restricted, RestrictedRequest, RoomName
from livethread.store.desk import of_site
from livethread.store.schema import acts, bans, comments, people, removed, restrictions, rooms


async def read_restricted(
    connection: AsyncConnection, request: RestrictedRequest
) -> list[Restricted]:
    """See ``ModerationStore.restricted``."""
    rows = (await connection.execute(_in_force(request))).all()
    names = await _names(connection, request.site, {row.person for row in rows})
    return [_restricted(row, names.get(row.person)) for row in rows]


def _in_force(request: RestrictedRequest) -> Select[Any]:
    """Who said so is the name in the log, where it was said last; a ban itself has but an id."""
    b, r = bans.c, restrictions.c
    said = union_all(
        select(
            b.person,
            literal("ban").label("kind"),
            literal("").label("room"),
            b.until_ms,
            b.created_ms,
            b.reason,
            b.banned_by,
        ).where(b.site == request.site),
        select(r.person, r.kind, r.room, r.until_ms, null(), null(), null()).where(
            r.site == request.site
        ),
    ).subquery()
    last = (
        select(func.max(acts.c.id))
        .where(
            acts.c.person == said.c.person,
            acts.c.action == said.c.kind,
            or_(said.c.room == "", acts.c.room == said.c.room),
            of_site(acts.c.room, request.site),
        )
        .correlate(said)
        .scalar_subquery()
    )
    is_its_act = or_(said.c.created_ms.is_(None), said.c.created_ms == acts.c.at_ms)
    since_ms = func.coalesce(said.c.created_ms, acts.c.at_ms, 0)
    listed = (
        select(
            said.c.person,
            said.c.kind,
            said.c.room,
            said.c.until_ms,
            said.c.banned_by,
            rooms.c.title,
            func.coalesce(said.c.reason, acts.c.reason).label("reason"),
            acts.c.by_id,
            acts.c.by_name,
            since_ms.label("since_ms"),
            func.rank().over(order_by=since_ms.desc()).label("place"),
        )
        .select_from(said.outerjoin(acts, and_(acts.c.id == last, is_its_act)))
        .outerjoin(rooms, and_(said.c.room != "", rooms.c.name == said.c.room))
        .where(or_(said.c.until_ms.is_(None), said.c.until_ms > request.now_ms))
    )
    if request.person is not None:
        listed = listed.where(said.c.person == request.person)
    if request.before is not None:
        listed = listed.where(since_ms < request.before)
    page = listed.subquery()
    order = (page.c.place, page.c.person, page.c.kind, page.c.room)
    return select(page).where(page.c.place <= request.limit).order_by(*order)


async def _names(connection: AsyncConnection, site: str, persons: set[str]) -> dict[str, str]:
    """As issuers say, else as they called themselves last, also where that was taken away."""
    p, found = people.c, dict[str, str]()
    if not persons:
        return found
    for row in await connection.execute(
        select(p.id, p.name).where(p.site == site, p.id.in_(persons))
    ):
        found[row.id] = row.name
    kept = (
        select(comments.c.author_id, comments.c.author_name, removed.c.comment)
        .join_from(comments, rooms)
        .outerjoin(
            removed,
            and_(removed.c.room_id == comments.c.room_id, removed.c.comment_id == comments.c.id),
        )
        .where(comments.c.author_id.in_(persons - found.keys()), of_site(rooms.c.name, site))
        .where(or_(comments.c.author_name != "", removed.c.comment.is_not(None)))
    )
    newest = kept.with_only_columns(func.max(comments.c.row_id)).group_by(comments.c.author_id)
    for person, name, comment in await connection.execute(
        kept.where(comments.c.row_id.in_(newest))
    ):
        found[person] = name or from_json(comment)["author"][0]
    return found


def _restricted(row: Row[Any], name: str | None) -> Restricted:
    by = None
    if row.by_name:
        by = Author(row.by_id, row.by_name)
    elif row.by_id is None and row.banned_by is not None:
        by = Author(row.banned_by, row.banned_by)  # an operator
    return Restricted(
        person=row.person,
        name=name,
        kind=row.kind,
        room=RoomName(row.room) if row.room else None,
        title=row.title,
        until_ms=row.until_ms,
        reason=row.reason or None,
        by=by,
        since_ms=row.since_ms,
    )
