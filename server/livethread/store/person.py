"""All that is kept of a person, to be handed out or erased, in one transaction beside a server.

Erasing keeps the tree: their comments become tombstones of somebody nobody knows, at new seqs, so
that every follower hears of it. Counts of reactions stay. What others quoted is theirs.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

OWN = "livethread"
"""Who signs the tokens of guests and of whom this server signed in: ``auth.signing.ISSUER``."""
ERASED_KEY = "erased"
"""Its row counts the erasures: a running server then rereads its feeds and empties its log."""

RISE = f"""
INSERT INTO installation (key, value) VALUES ('{ERASED_KEY}', '1')
ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)
"""
_ROOMS = """
SELECT id, name FROM rooms WHERE
CASE WHEN ?1 = 'default' THEN instr(name, ' ') = 0 ELSE substr(name, 1, length(?1) + 1) = ?1 || ' '
END AND id IN (
  SELECT room_id FROM comments WHERE author_id = ?2
  UNION SELECT room_id FROM reactions WHERE author_id = ?2
  UNION SELECT room_id FROM reports WHERE author_id = ?2
  UNION SELECT room_id FROM answers WHERE author_id = ?2)
"""
_COMMENTS = """
SELECT comments.id, parent, author_name, author_avatar, body, created_ms, edited_ms, state,
  reactions, removed.comment AS removed
FROM comments LEFT JOIN removed ON removed.room_id = comments.room_id AND comment_id = comments.id
WHERE comments.room_id = ? AND author_id = ? ORDER BY comments.id
"""
_LINKS = "email IN (SELECT subject FROM people WHERE site = ? AND id = ?)"
_OF_SITE = {
    "people": "site = ? AND id = ?",
    "roles": "site = ? AND person = ?",
    "bans": "site = ? AND person = ?",
    "restrictions": "site = ? AND person = ?",
}


def export(database: sqlite3.Connection, site: str, id: str) -> dict[str, Any]:
    """Everything kept under that id, for its owner: comments in any state, acts, also ``done``."""
    rooms = database.execute(_ROOMS, (site, id)).fetchall()
    value: dict[str, Any] = {"site": site, "id": id}
    for table, condition in _OF_SITE.items():
        value[table] = _rows(database, f"SELECT * FROM {table} WHERE {condition}", (site, id))
    value["rooms"] = [
        {
            "room": name.rpartition(" ")[2],
            "comments": _rows(database, _COMMENTS, (room_id, id)),
            "reactions": _rows(
                database,
                "SELECT comment_id, reaction FROM reactions WHERE room_id = ? AND author_id = ?",
                (room_id, id),
            ),
            "reports": _rows(
                database,
                "SELECT comment_id, reason, text, created_ms FROM reports"
                " WHERE room_id = ? AND author_id = ?",
                (room_id, id),
            ),
        }
        for room_id, name in rooms
    ]
    query = "SELECT room, comment_id, action, reason, at_ms FROM acts WHERE {} = ? ORDER BY id"
    value["acts"] = _rows(database, query.format("person"), (id,))
    value["done"] = _rows(database, query.format("by_id"), (id,))
    query = f"SELECT email, expires_ms FROM links WHERE {_LINKS}"
    value["links"] = _rows(database, query, (site, id))
    return value


def erase(
    database: sqlite3.Connection, site: str, id: str, *, mark: Callable[[str, str, str], str]
) -> int:
    """Leave nothing of the person but tombstones; how many comments there were.

    ``mark`` is ``Signer.mark``: a hash by which tokens of theirs are refused from now on. The
    connection must have ``secure_delete`` on, and be in a transaction.
    """
    query = "SELECT issuer, subject FROM people WHERE site = ? AND id = ?"
    for issuer, subject in [(OWN, id), *database.execute(query, (site, id)).fetchall()]:
        row = mark(site, issuer, subject), time.time_ns() // 1_000_000_000
        database.execute("INSERT OR REPLACE INTO erased (mark, at_s) VALUES (?, ?)", row)
    nobody = f"x:{secrets.token_hex(8)}"
    count = 0
    for room_id, _ in database.execute(_ROOMS, (site, id)).fetchall():
        count += _empty_comments(database, room_id, id, nobody)
        database.execute(
            "UPDATE reports SET author_id = ?, text = NULL WHERE room_id = ? AND author_id = ?",
            (nobody, room_id, id),
        )
        database.execute(
            "UPDATE reactions SET author_id = ? WHERE room_id = ? AND author_id = ?",
            (nobody, room_id, id),
        )
        database.execute("DELETE FROM answers WHERE room_id = ? AND author_id = ?", (room_id, id))
    database.execute(f"DELETE FROM links WHERE {_LINKS}", (site, id))
    for table, condition in _OF_SITE.items():
        database.execute(f"DELETE FROM {table} WHERE {condition}", (site, id))
    database.execute(
        "UPDATE acts SET person = ?, reason = NULL, detail = NULL WHERE person = ?", (nobody, id)
    )
    database.execute("UPDATE acts SET by_id = ?, by_name = '' WHERE by_id = ?", (nobody, id))
    database.execute("UPDATE bans SET banned_by = ? WHERE banned_by = ?", (nobody, id))
    database.execute(RISE)
    return count


def _empty_comments(database: sqlite3.Connection, room_id: int, id: str, nobody: str) -> int:
    seq, shown = database.execute(
        "SELECT seq, comments FROM rooms WHERE id = ?", (room_id,)
    ).fetchone()
    found = database.execute(
        "SELECT id, state FROM comments WHERE room_id = ? AND author_id = ? ORDER BY id",
        (room_id, id),
    ).fetchall()
    for comment_id, state in found:
        seq += 1
        shown -= state == "visible"
        database.execute(
            "UPDATE comments SET seq = ?, reacted_seq = NULL, author_id = ?, author_name = '',"
            " author_avatar = NULL, author_badge = NULL, fingerprint = '', body = '', rich = NULL,"
            " edited_ms = NULL, reactions = NULL, score = 0, hold = NULL, due_ms = NULL,"
            " reports = 0, pinned = 0, featured = 0,"
            " state = CASE state WHEN 'removed' THEN 'removed' ELSE 'deleted' END"
            " WHERE room_id = ? AND id = ?",
            (seq, nobody, room_id, comment_id),
        )
        for table in ("removed", "reactions"):
            database.execute(
                f"DELETE FROM {table} WHERE room_id = ? AND comment_id = ?", (room_id, comment_id)
            )
        database.execute(
            "UPDATE reports SET text = NULL WHERE room_id = ? AND comment_id = ?",
            (room_id, comment_id),
        )
    database.execute("UPDATE rooms SET seq = ?, comments = ? WHERE id = ?", (seq, shown, room_id))
    return len(found)


def _rows(database: sqlite3.Connection, query: str, of: Sequence[Any]) -> list[dict[str, Any]]:
    cursor = database.execute(query, of)
    names = [column[0] for column in cursor.description]
    return [
        {name: _plain(name, value) for name, value in zip(names, row, strict=True)}
        for row in cursor.fetchall()
    ]


def _plain(name: str, value: Any) -> Any:
    is_json = name in ("removed", "reactions") and isinstance(value, str)
    return json.loads(value) if is_json else value
