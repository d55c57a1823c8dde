"""Writes what moderators decide about people and filters, in the transaction of their batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json

from livethread.model import RestrictPerson, SetFilters
from livethread.site import site_of
from livethread.store.plan import Decree
from livethread.store.standing import RISE

_BAN = """
INSERT INTO bans (site, person, until_ms, reason, banned_by, created_ms)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
FROM json_each(?) WHERE true
ON CONFLICT (site, person) DO UPDATE SET until_ms = excluded.until_ms,
  reason = excluded.reason, banned_by = excluded.banned_by, created_ms = excluded.created_ms
"""
_UNBAN = """
DELETE FROM bans WHERE (site, person) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))
"""
_RESTRICT = """
INSERT INTO restrictions (site, person, kind, room, until_ms)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?) WHERE true
ON CONFLICT (site, person, kind, room) DO UPDATE SET until_ms = excluded.until_ms
"""
_FREE = """
DELETE FROM restrictions WHERE (site, person, kind, room) IN
  (SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?))
"""
_FILTER = """
INSERT INTO filters (room, filters) SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true
ON CONFLICT (room) DO UPDATE SET filters = excluded.filters
"""


_ALL_OF = """
SELECT comments.row_id, comments.room_id, comments.state = 'visible',
  rooms.seq + row_number() OVER (PARTITION BY room_id ORDER BY comments.id)
FROM comments JOIN rooms ON rooms.id = room_id
WHERE author_id = ?1 AND comments.state NOT IN ('deleted', 'removed')
  AND CASE WHEN ?2 = 'default' THEN instr(rooms.name, ' ') = 0
    ELSE substr(rooms.name, 1, length(?2) + 1) = ?2 || ' ' END
"""
_EMPTY = """
UPDATE comments SET seq = value ->> 3, reacted_seq = NULL, state = 'removed', author_name = '',
  author_avatar = NULL, author_badge = NULL, body = '', rich = NULL, reactions = NULL, score = 0,
  hold = NULL, due_ms = NULL, reports = 0, pinned = 0, featured = 0
FROM json_each(?) WHERE row_id = value ->> 0
"""
_ADVANCE = """
UPDATE rooms SET seq = listed.seq, comments = rooms.comments - listed.shown FROM (
  SELECT value ->> 1 AS room_id, max(value ->> 3) AS seq, sum(value ->> 2) AS shown
  FROM json_each(?) GROUP BY 1
) AS listed WHERE rooms.id = listed.room_id
"""
_FORGET_REMOVED = """
DELETE FROM removed WHERE (room_id, comment_id) IN
  (SELECT room_id, id FROM comments WHERE author_id = ?)
"""


def write_decrees(connection: sqlite3.Connection, decrees: Sequence[Decree]) -> None:
    """In their order, for one may take back what another did."""
    for write, person in decrees:
        wish, site = write.wish, site_of(write.room)
        match wish:
            case SetFilters(filters=filters):
                _run(connection, _FILTER, [write.room, filters])
            case RestrictPerson(action="ban"):
                by, why = write.author.id, wish.reason or ""
                _run(connection, _BAN, [site, person, wish.until_ms, why, by, write.now_ms])
            case RestrictPerson(action="unban"):
                _run(connection, _UNBAN, [site, person])
            case RestrictPerson(action="delete_all"):
                _delete_all(connection, site, person or "")
            case RestrictPerson(action=action):
                kind = action.removeprefix("un")
                place = [site, person, kind, write.room if kind == "mute" else ""]
                if action == kind:
                    _run(connection, _RESTRICT, [*place, wish.until_ms])
                else:
                    _run(connection, _FREE, place)
    connection.execute(RISE)


def _delete_all(connection: sqlite3.Connection, site: str, person: str) -> None:
    """Empty all comments of a person, each at the next seq of its room."""
    listed = to_json(connection.execute(_ALL_OF, (person, site)).fetchall()).decode()
    connection.execute(_EMPTY, (listed,))
    connection.execute(_ADVANCE, (listed,))
    connection.execute(_FORGET_REMOVED, (person,))


def _run(connection: sqlite3.Connection, sql: str, row: list[Any]) -> None:
    connection.execute(sql, (to_json([row]).decode(),))
