"""What a bot has seen, kept in a file that is whole at any moment.

A cursor alone does not tell whether a comment is new to a bot. The feed is compacted: whoever
catches up gets a comment posted at 5 and edited at 9 once, at 9, after the cursor has passed 5; and
a comment that waited for a moderator shows up long after its id. So the memory has, beside the
cursor, the seqs below it at which nothing was to be seen. A comment with such an id is new.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from livethread.protocol.cursor import Cursor
from livethread_client.ranges import Ranges

KEEP_RANGES = 10_000
"""Of a room that has been caught up with; about 150 KB of the file."""


class RoomMemory:
    """Which comments of a room are new. ``cursor`` is None before the first look."""

    def __init__(
        self,
        cursor: Cursor | None = None,
        unseen: Ranges | None = None,
        ahead: Ranges | None = None,
        head: int = 0,
    ) -> None:
        self.cursor = cursor
        self.unseen = unseen or Ranges()
        self.ahead = ahead or Ranges()
        self.head = head

    def begin(self, cursor: Cursor, known_to: int) -> None:
        """Start anew at ``cursor``; comments up to ``known_to`` are not news."""
        self.cursor = cursor
        self.unseen = Ranges()
        self.ahead = Ranges([(cursor.seq + 1, known_to)])

    def is_new(self, id: int) -> bool:
        seq = 0 if self.cursor is None else self.cursor.seq
        return id in self.unseen if id <= seq else id not in self.ahead

    def mark(self, id: int) -> None:
        """This comment is dealt with."""
        if self.cursor is not None and id <= self.cursor.seq:
            self.unseen.discard(id, id)
        else:
            self.ahead.add(id, id)

    def advance(self, cursor: Cursor, change_seq: int | None = None) -> None:
        """Everything up to ``cursor`` was shown; ``change_seq`` is where the last change stood."""
        start = 1 if self.cursor is None else self.cursor.seq + 1
        holes = Ranges([(start, cursor.seq)])
        if change_seq is not None:
            holes.discard(change_seq, change_seq)
        for low, high in self.ahead:
            holes.discard(low, high)
        for low, high in holes:
            self.unseen.add(low, high)
        self.ahead.discard(0, cursor.seq)
        self.cursor = cursor
        if cursor.seq >= self.head:
            self.unseen.drop_lowest(KEEP_RANGES)


class StateFile:
    """The memory of all rooms. Without a path it lasts as long as the process.

    A save is a new file, synced, put in place of the old one: a crash leaves the one or the other.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.rooms: dict[str, RoomMemory] = {}

    def load(self) -> None:
        """Read what was saved. Raises ``ValueError`` naming the file if it is not a state file."""
        if self._path is None or not self._path.exists():
            return
        try:
            value = from_json(self._path.read_bytes())
            self.rooms = {name: _room(kept) for name, kept in value["rooms"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{self._path} is not a bot's state ({error})") from error

    def room(self, name: str) -> RoomMemory:
        return self.rooms.setdefault(name, RoomMemory())

    def save(self) -> None:
        """Make it last; a few ms. Raises ``OSError``."""
        if self._path is None:
            return
        value = {
            "rooms": {
                name: {
                    "cursor": str(room.cursor),
                    "unseen": list(room.unseen),
                    "ahead": list(room.ahead),
                }
                for name, room in self.rooms.items()
                if room.cursor is not None
            }
        }
        replace_file(self._path, to_json(value, indent=1))


def replace_file(path: Path, data: bytes) -> None:
    """Put a whole, synced file in the place of ``path``."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _room(kept: dict[str, Any]) -> RoomMemory:
    return RoomMemory(
        Cursor.parse(kept["cursor"]), Ranges(kept["unseen"]), Ranges(kept.get("ahead", ()))
    )
