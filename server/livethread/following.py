"""Who follows a feed in this process, and how far each has got."""

from __future__ import annotations

from asyncio import Future, Task
from typing import Protocol

from livethread.feed import Feed, Kind


class Sink(Protocol):
    """Where a subscriber's frames go: one connection, shared by its subscriptions.

    ``write`` never blocks and never raises; it may call ``Hub.pause`` before it returns.
    """

    @property
    def is_writable(self) -> bool: ...

    def write(self, data: bytes, /) -> None: ...

    def lost_place(self, subscriber: Subscriber) -> None:
        """The subscriber has been removed: it is too far behind to be caught up."""


class Subscriber:
    """One connection's place in one feed. ``is_live``: it stands where the flush begins.

    ``readers`` is how many readers it was last told there are.
    """

    __slots__ = ("cursor", "feed", "is_live", "is_unbounded", "kind", "readers", "sink", "write")

    def __init__(self, feed: Feed, sink: Sink, kind: Kind, cursor: int, is_unbounded: bool) -> None:
        self.feed = feed
        self.sink = sink
        self.write = sink.write
        self.kind = kind
        self.cursor = cursor
        self.is_live = False
        self.is_unbounded = is_unbounded
        self.readers = 0


class Following:
    """A feed and those who follow it here."""

    __slots__ = (
        "feed",
        "idle_since",
        "is_doubtful",
        "is_healing",
        "is_reading",
        "live",
        "loading",
        "subscribers",
        "waiting",
        "wakeups",
    )

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.subscribers: dict[Subscriber, None] = {}
        self.live: dict[Kind, dict[Subscriber, None]] = {}
        self.loading: Task[None] | None = None
        self.waiting: dict[Subscriber, None] = {}  # for a reading of the Store
        self.wakeups: list[Future[None]] = []
        self.idle_since: float | None = None
        self.is_doubtful = False
        self.is_healing = False
        self.is_reading = False
