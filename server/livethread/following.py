"""Who follows a feed in this process, and how far each has got."""

from __future__ import annotations

from asyncio import Future, Task
from socket import SocketType
from typing import Protocol

from livethread.feed import Feed, Kind


class Sink(Protocol):
    """Where a subscriber's frames go: one connection, shared by its subscriptions.

    ``write`` never blocks and never raises; it may call ``Hub.pause`` for its own subscribers
    before it returns.
    """

    @property
    def is_writable(self) -> bool: ...

    @property
    def socket(self) -> SocketType | None:
        """One that takes what ``write`` would, as long as ``is_writable``.

        What it didn't take goes to ``write_rest``.
        """

    def write(self, data: bytes, /) -> None: ...

    def write_rest(self, data: bytes, sent: int, /) -> None: ...

    def lost_place(self, subscriber: Subscriber) -> None:
        """The subscriber has been removed: it is too far behind to be caught up."""


class Subscriber:
    """One connection's place in one feed: its cohort's while it is live, else its own.

    ``told`` is how many readers it was last told there are, and how many of them write.
    """

    __slots__ = ("_cursor", "cohort", "feed", "is_unbounded", "kind", "sink", "told", "write")

    def __init__(self, feed: Feed, sink: Sink, kind: Kind, cursor: int, is_unbounded: bool) -> None:
        self.feed = feed
        self.sink = sink
        self.write = sink.write
        self.kind = kind
        self.is_unbounded = is_unbounded
        self.told = (0, 0)
        self.cohort: Cohort | None = None
        self._cursor = cursor

    @property
    def cursor(self) -> int:
        return self._cursor if self.cohort is None else self.cohort.cursor

    @cursor.setter
    def cursor(self, seq: int) -> None:
        self._cursor = seq

    def join(self, cohort: Cohort) -> None:
        """Go on as one of those who stand at the same place."""
        self.cohort = cohort
        cohort.members[self] = None
        cohort.targets = None

    def fall_out(self) -> None:
        """Stay where the cohort is now, and go on alone."""
        if self.cohort is not None:
            self._cursor = self.cohort.cursor
            del self.cohort.members[self]
            self.cohort.targets = None
            self.cohort = None


class Targets:
    """A cohort's members as a flush wants them: sockets in one list, the rest in another."""

    __slots__ = ("direct", "others", "sockets")

    def __init__(self, members: dict[Subscriber, None]) -> None:
        self.direct: list[Subscriber] = []
        self.sockets: list[SocketType] = []
        self.others: list[Subscriber] = []
        for member in members:
            if (socket := member.sink.socket) is None:
                self.others.append(member)
            else:
                self.direct.append(member)
                self.sockets.append(socket)


class Cohort:
    """Live subscribers of one kind at the same seq, so that a flush moves one cursor for all.

    It touches none of them, either: their objects are cold by the time that a thousand system calls
    have gone by, and looking at each one took 1 µs of the 9 that a delivery cost.
    """

    __slots__ = ("cursor", "kind", "members", "targets")

    def __init__(self, kind: Kind, cursor: int) -> None:
        self.kind = kind
        self.cursor = cursor
        self.members: dict[Subscriber, None] = {}
        self.targets: Targets | None = None


class Following:
    """A feed and those who follow it here."""

    __slots__ = (
        "cohorts",
        "feed",
        "idle_since",
        "is_doubtful",
        "is_healing",
        "is_reading",
        "loading",
        "subscribers",
        "waiting",
        "wakeups",
        "writers",
    )

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.subscribers: dict[Subscriber, None] = {}
        self.cohorts: list[Cohort] = []
        self.loading: Task[None] | None = None
        self.waiting: dict[Subscriber, None] = {}  # for a reading of the Store
        self.wakeups: list[Future[None]] = []
        self.writers: dict[Subscriber, float] = {}  # and until when that holds
        self.idle_since: float | None = None
        self.is_doubtful = False
        self.is_healing = False
        self.is_reading = False

    @property
    def live(self) -> list[Subscriber]:
        """Subscribers that can take what comes next."""
        return [member for cohort in self.cohorts for member in cohort.members]

    def forget_writers(self, now: float) -> None:
        """Those who have not said for a while that they are writing."""
        if self.writers:
            self.writers = {who: until for who, until in self.writers.items() if until > now}

    def tidy(self, size: int) -> None:
        """Forget empty cohorts and join small ones of the same place, so that they stay few."""
        if len(self.cohorts) < 2 and all(cohort.members for cohort in self.cohorts):
            return
        kept: list[Cohort] = []
        open_: dict[tuple[Kind, int], Cohort] = {}
        for cohort in self.cohorts:
            place = cohort.kind, cohort.cursor
            into = open_.get(place)
            if into is not None and len(cohort.members) <= size - len(into.members):
                for member in list(cohort.members):
                    member.fall_out()
                    member.join(into)
            elif cohort.members:
                kept.append(cohort)
                if into is None or len(cohort.members) < len(into.members):
                    open_[place] = cohort
        self.cohorts = kept

    def enlist(self, subscriber: Subscriber, size: int) -> None:
        """Put a subscriber into a cohort of less than ``size`` that stands where it does."""
        for cohort in reversed(self.cohorts):
            is_alike = cohort.cursor == subscriber.cursor and cohort.kind == subscriber.kind
            if is_alike and len(cohort.members) < size:
                break
        else:
            cohort = Cohort(subscriber.kind, subscriber.cursor)
            self.cohorts.append(cohort)
        subscriber.join(cohort)
