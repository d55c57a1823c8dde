"""The group commit on SQLite: one function, run in the writing connection's own thread.

Every statement takes the whole batch as one JSON argument, so their number is fixed whatever the
size of the batch. It matters twice: statements cost more than rows, and each one hands the
interpreter lock to the event loop and must win it back. In batches of 64 over 64 rooms that made
the difference between 890 and some 15,000 posts/s.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from livethread.model import (
    Comment,
    CommentId,
    CommentState,
    ConfigureRoom,
    EditComment,
    ModerateComment,
    Outcome,
    PostComment,
    ReportComment,
    Room,
    RoomName,
    SetFilters,
    SetReaction,
    TellRoom,
    Write,
)
from livethread.site import name_of, site_room_of
from livethread.store.decisions import kept, restored
from livethread.store.decreeing import write_decrees
from livethread.store.plan import (
    MAX_FIRST,
    Answered,
    BatchState,
    CommentKey,
    NonceKey,
    Plan,
    ReactionKey,
    ReportKey,
    plan,
)
from livethread.store.rows import columns_of, comment_of, first_epoch, room_of
from livethread.store.schema import COMMENT_COLUMNS, ROOM_COLUMNS

RoomIds = dict[RoomName, int]

_ROOM = ", ".join(f"rooms.{column.name}" for column in ROOM_COLUMNS)
_COMMENT = ", ".join(f"comments.{column.name}" for column in COMMENT_COLUMNS)


def _given(*names: str) -> str:
    """``WITH given(names) AS`` the rows of the JSON argument, an array of arrays."""
    values = ", ".join(f"value ->> {i}" for i in range(len(names)))
    return f"WITH given({', '.join(names)}) AS (SELECT {values} FROM json_each(?))"


_READ_ROOMS = f"SELECT rooms.id, {_ROOM} FROM json_each(?) JOIN rooms ON rooms.name = value"

_READ_NONCES = f"""
{_given("room_id", "author_id", "nonce")}
SELECT room_id, author_id, nonce, fingerprint, id, id FROM given
  JOIN comments USING (room_id, author_id, nonce)
UNION ALL
SELECT room_id, author_id, nonce, fingerprint, seq, comment_id FROM given
  JOIN answers USING (room_id, author_id, nonce)
"""

_READ_COMMENTS = f"""
{_given("room_id", "id")}, wanted AS (
  SELECT room_id, id FROM given
  UNION SELECT room_id, root FROM given JOIN comments USING (room_id, id)
)
SELECT comments.room_id, {_COMMENT} FROM wanted JOIN comments USING (room_id, id)
"""

_READ_REMOVED = f"""
{_given("room_id", "comment_id")}
SELECT room_id, comment_id, comment FROM given JOIN removed USING (room_id, comment_id)
"""

_READ_REACTIONS = f"""
{_given("room_id", "comment_id", "author_id", "reaction")}
SELECT room_id, comment_id, author_id, reaction FROM given
  JOIN reactions USING (room_id, comment_id, author_id, reaction)
"""

_READ_REPORTED = f"""
{_given("room_id", "comment_id", "author_id")}
SELECT room_id, comment_id, author_id FROM given
  JOIN reports USING (room_id, comment_id, author_id)
"""

_READ_SHOWN = f"""
SELECT value, (SELECT count(*) FROM (
  SELECT 1 FROM comments WHERE author_id = value AND state = 'visible' LIMIT {MAX_FIRST}
)) FROM json_each(?)
"""

_READ_LAST_POSTS = f"""
{_given("room_id", "author_id")}
SELECT room_id, author_id, max(created_ms) FROM given
  JOIN comments USING (room_id, author_id) GROUP BY room_id, author_id
"""

_ROOM_NAMES = tuple(column.name for column in ROOM_COLUMNS)
_WRITE_ROOMS = f"""
{_given(*_ROOM_NAMES)}
INSERT INTO rooms ({", ".join(_ROOM_NAMES)}) SELECT * FROM given WHERE true
ON CONFLICT (name) DO UPDATE SET
  {", ".join(f"{name} = excluded.{name}" for name in _ROOM_NAMES[2:])}
RETURNING id, name
"""

_COMMENT_NAMES = (
    "room_id",
    "nonce",
    "fingerprint",
    *(column.name for column in COMMENT_COLUMNS),
)
_INSERT_COMMENTS = f"INSERT INTO comments ({', '.join(_COMMENT_NAMES)}) VALUES "
_INSERT_SIZES = (64, 16, 4, 1)

_CHANGING = (
    "seq",
    "author_name",
    "author_avatar",
    "author_badge",
    "body",
    "rich",
    "edited_ms",
    "state",
    "was_public",
    "pinned",
    "reactions",
    "reacted_seq",
    "score",
    "hold",
    "due_ms",
    "featured",
    "locked",
    "reports",
)
_UPDATE_COMMENTS = f"""
{_given("room_id", "id", *_CHANGING)}
UPDATE comments SET {", ".join(f"{name} = given.{name}" for name in _CHANGING)} FROM given
WHERE comments.room_id = given.room_id AND comments.id = given.id
"""

_INSERT_ANSWERS = f"""
{_given("room_id", "author_id", "nonce", "fingerprint", "seq", "comment_id")}
INSERT INTO answers SELECT * FROM given
"""

_INSERT_REACTIONS = f"""
{_given("room_id", "comment_id", "author_id", "reaction")}
INSERT INTO reactions SELECT * FROM given
"""

_DELETE_REACTIONS = f"""
{_given("room_id", "comment_id", "author_id", "reaction")}
DELETE FROM reactions WHERE (room_id, comment_id, author_id, reaction) IN (SELECT * FROM given)
"""

_INSERT_REPORTS = f"""
{_given("room_id", "comment_id", "author_id", "reason", "text", "created_ms")}
INSERT INTO reports SELECT * FROM given WHERE true
ON CONFLICT (room_id, comment_id, author_id)
  DO UPDATE SET reason = excluded.reason, text = excluded.text
"""

_INSERT_REMOVED = f"""
{_given("room_id", "comment_id", "comment", "removed_ms")}
INSERT INTO removed SELECT * FROM given
"""

_DELETE_REMOVED = f"""
{_given("room_id", "comment_id")}
DELETE FROM removed WHERE (room_id, comment_id) IN (SELECT * FROM given)
"""

_ACT_NAMES = (
    "room",
    "comment_id",
    "person",
    "by_id",
    "by_name",
    "action",
    "reason",
    "detail",
    "at_ms",
)
_INSERT_ACTS = f"""
{_given(*_ACT_NAMES)} INSERT INTO acts ({", ".join(_ACT_NAMES)}) SELECT * FROM given
"""


def commit_batch(
    connection: sqlite3.Connection, installation: str, writes: Sequence[Write]
) -> list[Outcome]:
    """Decide and write a batch in one transaction; its outcomes are durable on return.

    Raises ``sqlite3.Error``, the transaction rolled back if that was still possible.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        state, ids = _read(connection, installation, writes)
        made = plan(state, writes)
        if not made.is_empty:
            _write(connection, made, ids)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return made.outcomes


def _read(
    connection: sqlite3.Connection, installation: str, writes: Sequence[Write]
) -> tuple[BatchState, RoomIds]:
    rooms: dict[RoomName, Room] = {}
    ids: RoomIds = {}
    names = {write.room for write in writes}
    names |= {site_room_of(name) for name in names}
    for row in connection.execute(_READ_ROOMS, (_argument(names),)):
        ids[row[1]] = row[0]
        rooms[row[1]] = room_of(row[1:])
    for name in names - rooms.keys():
        rooms[name] = Room(name, first_epoch(installation, name))
    for name, room in rooms.items():
        rules = rooms[site_room_of(name)].own
        if rules != room.site and name_of(name):
            rooms[name] = replace(room, site=rules)
    state = BatchState(rooms, {}, {}, set(), {})
    first = {
        write.author.id
        for write in writes
        if isinstance(write.wish, PostComment | EditComment) and write.wish.judgement.first
    }
    state.shown.update(_rows(connection, _READ_SHOWN, first))
    known = [write for write in writes if write.room in ids]
    if known:
        slowed = {w.room for w in writes if state.rooms[w.room].slow_mode_s}
        slowed |= {
            w.room for w in writes if isinstance(w.wish, ConfigureRoom) and w.wish.slow_mode_s
        }
        _read_known(connection, state, ids, known, slowed)
    return state, ids


def _read_known(
    connection: sqlite3.Connection,
    state: BatchState,
    ids: RoomIds,
    writes: Sequence[Write],
    slowed: set[RoomName],
) -> None:
    """Everything the batch refers to in rooms that exist.

    In the rooms ``slowed``, or all of a site, it matters when somebody posted last.
    """
    names = {id: name for name, id in ids.items()}
    nonces = {(ids[w.room], w.author.id, w.nonce) for w in writes if w.nonce is not None}
    targets = {(ids[w.room], target) for w in writes if (target := _target(w)) is not None}
    for row in _rows(connection, _READ_NONCES, nonces):
        state.nonces[NonceKey(names[row[0]], row[1], row[2])] = Answered(*row[3:])
        if row[5] is not None:
            targets.add((row[0], row[5]))
    for row in _rows(connection, _READ_COMMENTS, targets):
        state.comments[CommentKey(names[row[0]], row[1])] = comment_of(row[1:])
    decided = {
        (ids[w.room], w.wish.comment)
        for w in writes
        if isinstance(w.wish, ModerateComment)
        and (found := state.comments.get(CommentKey(w.room, w.wish.comment))) is not None
        and found.state is CommentState.REMOVED
    }
    for row in _rows(connection, _READ_REMOVED, decided):
        key = CommentKey(names[row[0]], row[1])
        state.removed[key] = restored(state.comments[key], row[2])
    reacting = {
        (ids[w.room], w.wish.comment, w.author.id, w.wish.reaction)
        for w in writes
        if isinstance(w.wish, SetReaction)
    }
    for row in _rows(connection, _READ_REACTIONS, reacting):
        state.reactions.add(ReactionKey(names[row[0]], *row[1:]))
    reporting = {
        (ids[w.room], w.wish.comment, w.author.id)
        for w in writes
        if isinstance(w.wish, ReportComment)
    }
    for row in _rows(connection, _READ_REPORTED, reporting):
        state.reported.add(ReportKey(names[row[0]], *row[1:]))
    posting = {
        (ids[w.room], w.author.id)
        for w in writes
        if isinstance(w.wish, PostComment) and not slowed.isdisjoint((w.room, site_room_of(w.room)))
    }
    for row in _rows(connection, _READ_LAST_POSTS, posting):
        state.last_post_ms[names[row[0]], row[1]] = row[2]


def _write(connection: sqlite3.Connection, made: Plan, ids: RoomIds) -> None:
    state = made.state
    changed = [state.rooms[name] for name in sorted(made.rooms)]
    rows = [columns_of(room) for room in changed]
    for id, name in _rows(connection, _WRITE_ROOMS, rows):
        ids[name] = id
    inserted = []
    for name, id, write in made.inserted:
        comment = state.comments[CommentKey(name, id)]
        inserted.append([ids[name], write.nonce, write.fingerprint, *_columns(comment)])
    _insert_comments(connection, inserted)
    updated = []
    for key in sorted(made.updated_only):
        comment = state.comments[key]
        values = dict(zip(_COMMENT_NAMES[3:], _columns(comment), strict=True))
        updated.append([ids[key.room], key.id, *(values[name] for name in _CHANGING)])
    _run(connection, _UPDATE_COMMENTS, updated)
    _run(
        connection,
        _INSERT_ANSWERS,
        [[ids[key.room], key.author, key.nonce, *answer] for key, answer in made.answered],
    )
    on = [[ids[key.room], *key[1:]] for key in sorted(made.reactions_on)]
    off = [[ids[key.room], *key[1:]] for key in sorted(made.reactions_off)]
    _run(connection, _INSERT_REACTIONS, on)
    _run(connection, _DELETE_REACTIONS, off)
    reports = {}
    for write in made.reports:
        wish = write.wish
        assert isinstance(wish, ReportComment)
        report = (ids[write.room], wish.comment, write.author.id)
        reports[report] = [*report, wish.reason, wish.text, write.now_ms]
    _run(connection, _INSERT_REPORTS, list(reports.values()))
    if made.acts:
        _write_acts(connection, made, ids)
    if made.decrees:
        write_decrees(connection, made.decrees)


def _write_acts(connection: sqlite3.Connection, made: Plan, ids: RoomIds) -> None:
    """The audit log, and what was rejected."""
    now_ms = made.acts[-1].at_ms
    removed = [
        [ids[key.room], key.id, kept(made.state.removed[key]), now_ms]
        for key in sorted(made.removed_on)
    ]
    _run(connection, _INSERT_REMOVED, removed)
    _run(connection, _DELETE_REMOVED, [[ids[k.room], k.id] for k in sorted(made.removed_off)])
    acts = [
        [a.room, a.comment, a.person, a.by.id, a.by.name, a.action, a.reason, a.detail, a.at_ms]
        for a in made.acts
    ]
    _run(connection, _INSERT_ACTS, acts)


def _insert_comments(connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> None:
    """Insert by a few prepared sizes: 21 columns out of JSON cost three times as much as bound."""
    row = f"({', '.join('?' * len(_COMMENT_NAMES))})"
    start = 0
    for size in _INSERT_SIZES:
        statement = _INSERT_COMMENTS + ", ".join([row] * size)
        while len(rows) - start >= size:
            values = itertools.chain.from_iterable(rows[start : start + size])
            connection.execute(statement, tuple(values))
            start += size


def _target(write: Write) -> CommentId | None:
    match write.wish:
        case PostComment(parent=parent):
            return parent
        case ConfigureRoom() | SetFilters() | TellRoom():
            return None
        case wish:
            return wish.comment


def _columns(comment: Comment) -> list[Any]:
    author = comment.author
    return [
        comment.id,
        comment.seq,
        comment.parent,
        comment.root,
        author.id,
        author.name,
        author.avatar,
        author.badge,
        comment.body,
        comment.rich,
        comment.created_ms,
        comment.edited_ms,
        comment.state.value,
        comment.was_public,
        comment.pinned,
        comment.reactions,
        comment.depth,
        comment.hold,
        comment.featured,
        comment.locked,
        comment.reports,
        comment.due_ms,
        comment.reacted_seq,
        comment.score,
    ]


def _argument(rows: Iterable[Any]) -> str:
    return to_json(list(rows)).decode()


def _rows(connection: sqlite3.Connection, sql: str, rows: Iterable[Any]) -> list[Any]:
    given = list(rows)
    return connection.execute(sql, (_argument(given),)).fetchall() if given else []


def _run(connection: sqlite3.Connection, sql: str, rows: Sequence[Any]) -> None:
    if rows:
        connection.execute(sql, (_argument(rows),))
