"""What moderators read: the audit log."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from livethread.model import Act, ActsRequest, Author, Logged
from livethread.site import DEFAULT
from livethread.store.schema import acts


def of_site(room: ColumnElement[str], site: str) -> ColumnElement[bool]:
    """Whether a room's key is of that site: behind its key and a space, but for the default's."""
    if site == DEFAULT:
        return ~room.contains(" ")
    return room.startswith(f"{site} ", autoescape=True)


async def read_acts(connection: AsyncConnection, request: ActsRequest) -> list[Logged]:
    """See ``ModerationStore.acts``."""
    query = select(acts).where(of_site(acts.c.room, request.site))
    for column, wanted in (
        (acts.c.room, request.room),
        (acts.c.comment_id, request.comment),
        (acts.c.person, request.person),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
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
