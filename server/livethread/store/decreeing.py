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
            case RestrictPerson(action=action):
                kind = action.removeprefix("un")
                place = [site, person, kind, write.room if kind == "mute" else ""]
                if action == kind:
                    _run(connection, _RESTRICT, [*place, wish.until_ms])
                else:
                    _run(connection, _FREE, place)
    connection.execute(RISE)


def _run(connection: sqlite3.Connection, sql: str, row: list[Any]) -> None:
    connection.execute(sql, (to_json([row]).decode(),))
