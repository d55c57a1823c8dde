"""What the rest of the program needs of a database, and what any database must promise.

The Store holds the one truth. A change exists once ``commit`` has returned it, and not before.

* **Order.** Each change takes the next seq of its room inside the transaction that makes it
  durable; seqs are dense, start at 1 and are never reused. Changes of one ``commit`` to one room
  are numbered in the order of its arguments.
* **Atomicity.** A batch is one transaction: all its effects are durable or none. A wish that is
  refused does not touch the others of its batch, and leaves no hole in the seqs.
* **Idempotency.** (room, author, nonce) is unique for as long as the row lives. The same nonce with
  the same fingerprint is answered with the first outcome, ``is_duplicate`` set, and changes
  nothing; with another fingerprint, ``Conflict``.
* **Durability.** When ``commit`` returns, its effects survive power loss.
* **Compaction.** ``changes`` lists each comment once, as it is now, at the seq of its last change
  that was not only of its reactions; and at that of the last reaction since, if there is one. So
  whoever has read up to any seq has, of every comment, all that won't come again behind it.
* **Consistency.** Every reading is one snapshot of the database.
* **Errors.** ``Unavailable`` if the database can't be used just now or the fate of a commit is
  unknown (the nonce settles it on retry). Nothing else is raised for outside causes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from livethread.model import (
    ActsRequest,
    BotToken,
    ChangeRange,
    Comment,
    CommentId,
    Logged,
    Outcome,
    Page,
    PageRequest,
    Queue,
    QueueRequest,
    Restricted,
    RestrictedRequest,
    Room,
    RoomName,
    Seq,
    Write,
)
from livethread.site import Link, Person, Standing


class CommitStore(Protocol):
    """The writer's view."""

    async def commit(self, writes: Sequence[Write]) -> list[Outcome]:
        """Make the writes durable, one transaction, outcomes in the same order."""


class FeedStore(Protocol):
    """The view of those who bring a subscriber to the present."""

    async def room(self, name: RoomName) -> Room:
        """The room as it is. One that was never written to has seq 0 and a stable epoch."""

    async def changes(self, room: RoomName, since: Seq, *, limit: int) -> ChangeRange:
        """At most ``limit`` compacted changes after ``since``, and the range they cover.

        ``to_seq`` is the last change's seq if the limit cut the list, else the head.
        """

    async def size_since(self, room: RoomName, since: Seq) -> int:
        """About how many bytes of text ``changes`` after ``since`` would bring."""

    async def page(self, request: PageRequest) -> Page:
        """Roots in the asked order, each followed by its first replies in order of posting.

        With ``parent`` (a root's id): what follows in that thread. With ``comment``: the root of
        its thread, its ancestors, itself, its first replies and the thread's, in order of posting;
        ``more`` goes on after the latter. A page ends earlier at about
        ``max_bytes`` of comments, though not before the first; its tokens go on without a gap.
        Raises ``NotFound`` for an unknown parent or comment, ``BadFrame`` for a page token that
        isn't of this room and order.
        """

    async def held_by(self, room: RoomName, author: str) -> Sequence[Comment]:
        """The author's comments that wait for a moderator, in order of posting; at most 100.

        And some 256 KiB of them; one at least.
        """

    async def reacted_by(
        self, room: RoomName, author: str, comments: Sequence[int]
    ) -> dict[int, list[str]]:
        """Which of these comments the author reacted to, and how; names in order."""


class BotStore(Protocol):
    async def add_bot(self, token: BotToken) -> None:
        """Keep a bot. Raises ``Conflict`` if one of that name exists."""

    async def bot(self, id: str) -> BotToken | None: ...

    async def bots(self) -> Sequence[BotToken]: ...

    async def revoke_bot(self, name: str) -> bool:
        """Revoke by name; false if there is none."""


class ModerationStore(Protocol):
    """The view of moderators."""

    async def acts(self, request: ActsRequest) -> Sequence[Logged]:
        """Entries of the audit log, newest first; each was written with the act it tells of."""

    async def restricted(self, request: RestrictedRequest) -> Sequence[Restricted]:
        """Bans, shadow bans and mutes in force, newest first."""

    async def due(self, now_ms: int, *, limit: int) -> Sequence[tuple[RoomName, CommentId]]:
        """Comments whose time to be judged is over, the longest first."""

    async def queue(self, request: QueueRequest) -> Queue:
        """Comments for moderators, newest first, with their reports; also what was removed."""


class SearchStore(Protocol):
    """The view of what makes searches quick. What they find doesn't depend on it."""

    async def index(self, *, is_tidying: bool) -> bool:
        """Take up some of the newest comments, in a few ms; whether there is more to do.

        ``is_tidying``: the words of comments that were changed since may leave the index now. They
        do so before more comments are taken up.
        """


class StandingStore(Protocol):
    """What operators said of sites, and whom the sites' issuers vouched for."""

    async def standing_version(self) -> int:
        """Rises with each change of what ``standing`` returns; so one need not read it all."""

    async def standing(self) -> Standing: ...

    async def person(self, site: str, issuer: str, subject: str) -> Person | None:
        """Whom that issuer of the site calls so, if they were here before."""

    async def is_registered(self, site: str, name: str, *, but_for: str | None = None) -> bool:
        """Whether a person of the site has that name, or one that looks like it.

        ``but_for`` is the id of one who doesn't count.
        """

    async def remember(self, person: Person, mark: str = "") -> Person:
        """Keep what an issuer said, unless it said something newer; returns what is kept.

        Whom the issuer called so before keeps their ``id`` and ``since_ms``, whatever it brings.
        Raises ``Unauthorized`` if who has that ``mark`` was erased after it was said.
        """


class SignInStore(StandingStore, Protocol):
    """The view of those who sign readers in."""

    async def add_link(self, link: Link) -> None:
        """Keep a link."""

    async def link(self, digest: str) -> Link | None: ...

    async def take_link(self, digest: str) -> bool:
        """Use it up: true once, whoever asks at the same time."""

    async def forget_links(self, now_ms: int) -> None:
        """Have those go whose time is over then, ms since 1970, and their addresses with them."""


class IdentityStore(BotStore, SignInStore, Protocol):
    """The view of those who find out who somebody is."""


class Store(CommitStore, FeedStore, IdentityStore, ModerationStore, SearchStore, Protocol):
    async def counts(self, rooms: Sequence[RoomName]) -> dict[RoomName, int]:
        """Comments everyone can see, for each of at most 100 rooms."""

    async def ping(self) -> None:
        """Return if the database answers; raises ``Unavailable``."""

    async def scrub(self) -> bool:
        """Leave nothing in the log of what was erased; false if a reading prevents it."""

    async def close(self) -> None: ...
