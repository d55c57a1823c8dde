"""The index of words: which comments have every three characters of a text in them, by FTS5.

It finds candidates. Whoever asks looks at each of them as if there were no index, so that both find
the same: what is indexed is what ``lower`` of this program makes of a body and its author's name.

* Indexing a comment costs 45 µs, more than posting it: it is done later, 64 comments a step. The
  row ``words`` of the installation tells up to which comment; newer ones are read through.
* A trigger replaces the words of an indexed comment that changes, in the same transaction. Rows of
  comments are emptied, never deleted: deleting any would need a trigger, too.
* FTS5 writes beside the old what replaces it, until both are merged
  (https://www.sqlite.org/fts5.html#the_merge_command; ``secure-delete`` is newer than Debian's
  SQLite). The row ``words_stale`` tells that there are such words. Merging all rids the file of
  them, in slices of 3 ms; ``words_tidying`` is there meanwhile. 100,000 comments take 0.8 s.

About 210 bytes a comment of 250 characters.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

INDEXED, STALE, TIDYING = "words", "words_stale", "words_tidying"
"""Keys of the installation's rows."""

BATCH_ROWS = 64
MERGE_PAGES = 16
"""Some 64 KB. 64 took 14 ms at times, in which nobody could post."""
LEAST_CHARS = 3

_LAST = "SELECT row_id FROM comments WHERE row_id > ? ORDER BY row_id LIMIT 1 OFFSET ?"
_INDEX = """
INSERT INTO words (rowid, text) SELECT row_id, folded(body || char(10) || author_name)
FROM comments WHERE row_id > ? AND row_id <= ? ORDER BY row_id
"""
_MERGE = "INSERT INTO words (words, rank) VALUES ('merge', ?)"
_READ = "SELECT value FROM installation WHERE key = ?"
_WRITE = """
INSERT INTO installation (key, value) VALUES (?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""
_REMOVE = "DELETE FROM installation WHERE key = ?"


def is_described(name: str | None, kind: str, _: object) -> bool:
    """Whether ``store.schema`` has a table: not the index and those that FTS5 makes for it."""
    return kind != "table" or name is None or not (name == "words" or name.startswith("words_"))


def fold(text: str | None) -> str | None:
    """As texts are compared: SQLite's own ``lower`` knows ASCII only."""
    return None if text is None else text.lower()


def teach(connection: sqlite3.Connection) -> None:
    """Whoever changes comments needs it, for the trigger; without it the change is refused."""
    connection.create_function("folded", 1, fold, deterministic=True)


def candidates(text: str) -> str | None:
    """What to ask the index for comments that may have the text; None if it can't tell."""
    folded = text.lower()
    if len(folded) < LEAST_CHARS or "\0" in folded:
        return None
    parts = dict.fromkeys(folded[i : i + LEAST_CHARS] for i in range(len(folded) - 2))
    return " AND ".join('"' + part.replace('"', '""') + '"' for part in parts)


def step(connection: sqlite3.Connection, is_tidying: bool) -> bool:
    """Do a little of what is to be done; whether there is more.

    Merging goes on until it is done, and begins if ``is_tidying`` and there are stale words.
    """
    if tidy(connection) or (is_tidying and begin_tidying(connection)):
        return True
    return _index(connection)


def begin_tidying(connection: sqlite3.Connection) -> bool:
    """Begin to merge all there is, if there are stale words; whether there are."""
    if _read(connection, STALE) is None:
        return False
    with _transaction(connection):
        connection.execute(_REMOVE, (STALE,))
        connection.execute(_WRITE, (TIDYING, ""))
        connection.execute(_MERGE, (-MERGE_PAGES,))
    return True


def tidy(connection: sqlite3.Connection) -> bool:
    """Merge a slice; false if nothing is being merged."""
    if _read(connection, TIDYING) is None:
        return False
    with _transaction(connection):
        before = connection.total_changes
        connection.execute(_MERGE, (MERGE_PAGES,))
        if connection.total_changes - before < 2:  # as its documentation says
            connection.execute(_REMOVE, (TIDYING,))
    return True


def _index(connection: sqlite3.Connection) -> bool:
    """A whole batch, if so many wait: single ones would each cost a sync and a merge."""
    indexed = int(_read(connection, INDEXED) or 0)
    last = connection.execute(_LAST, (indexed, BATCH_ROWS - 1)).fetchone()
    if last is None:
        return False
    with _transaction(connection):
        connection.execute(_INDEX, (indexed, last[0]))
        connection.execute(_WRITE, (INDEXED, str(last[0])))
        connection.execute(_MERGE, (MERGE_PAGES,))
    return True


def _read(connection: sqlite3.Connection, key: str) -> str | None:
    row = connection.execute(_READ, (key,)).fetchone()
    return None if row is None else str(row[0])


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
