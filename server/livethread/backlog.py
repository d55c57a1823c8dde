"""What the hub needs of the Store: where a feed stands, and what lies behind the ring."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from livethread.feed import Entry


class Backlog(NamedTuple):
    """What the Store has after a cursor: compacted entries covering up to ``to``.

    ``comments`` is how many everyone can see at ``to``; None if that is before the reading's head.
    """

    to: int
    entries: list[Entry]
    comments: int | None


class Head(NamedTuple):
    """Where a room's feed stands in the Store; ``info`` is the room as JSON."""

    epoch: str
    seq: int
    info: bytes


class ReadFailed(Exception):
    """The Store can't be read just now."""


class FeedReader(Protocol):
    """Reads feeds from the Store, encoded. Raises ``ReadFailed``; the hub then tries again."""

    async def head(self, room: str, /) -> Head: ...

    async def backlog(self, room: str, since: int, /) -> Backlog: ...
