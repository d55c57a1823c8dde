"""A room as its follower and its writers hold it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Literal, Protocol, TypedDict, TypeVar, Unpack

from livethread.protocol import commands
from livethread.protocol.commands import (
    CommentAction,
    Order,
    PersonAction,
    ReportReason,
    RoomState,
)
from livethread.protocol.errors import LivethreadError
from livethread.protocol.frames import Ack, Change, PageReply
from livethread.protocol.frames import Room as RoomInfo
from livethread_client.conversation import Question, checked
from livethread_client.following import Following, Snapshot, Step
from livethread_client.inbox import Inbox

A = TypeVar("A", Ack, PageReply)


class RoomChanges(TypedDict, total=False):
    """What ``configure`` may change; see ``commands.Configure``."""

    state: RoomState | Literal["site"]
    slow_mode_s: int
    premoderate: bool
    title: str
    max_depth: int
    edit_window_s: int
    reason: str


class Server(Protocol):
    """What a room needs of its connection: ``Live``."""

    async def ask(self, question: Question, kind: type[A], patience_s: float | None = None) -> A:
        """The answer, over all reconnects; raises the server's refusal."""

    def leave(self, name: str) -> None: ...

    def tell_writing(self, name: str, *, on: bool) -> None: ...


class Room:
    """One room over one connection. Made by ``Live.join`` (followed) or ``Live.room`` (not).

    Every write is sent again over reconnects, with its nonce, until it is answered: one effect.
    Writes raise the server's refusals (``livethread.protocol.errors``) and ``BadFrame`` for what
    can't be sent at all. ``patience_s`` is how long rate limits and slow mode may delay one.
    """

    def __init__(
        self,
        server: Server,
        name: str,
        following: Following | None = None,
        inbox: Inbox | None = None,
        *,
        nonces: Callable[[], str] | None = None,
    ) -> None:
        self.name = name
        self.readers: int | None = None
        self.writing = 0
        self.following = following
        self._server = server
        self._inbox = inbox
        self._new_nonce = nonces or new_nonce
        self._cursor = following.cursor if following is not None else None
        self._joined: asyncio.Event = asyncio.Event()
        self._refusal: LivethreadError | None = None

    # ── reading ──

    @property
    def info(self) -> RoomInfo | None:
        """Title, state, how many ``comments``, as last heard; None before the room is joined.

        It may be ahead of ``changes()``, which waits for its consumer.
        """
        return self.following.info if self.following is not None else None

    @property
    def cursor(self) -> str | None:
        """Where ``changes()`` stands: keep it, and ``join`` with it as ``since`` to go on there.

        The change whose turn it is counts as seen.
        """
        return None if self._cursor is None else str(self._cursor)

    @property
    def waiting(self) -> int:
        """How many changes have come that ``changes()`` has not brought yet."""
        return 0 if self._inbox is None else len(self._inbox)

    async def changes(self, *, until: int | None = None) -> AsyncIterator[Snapshot | Change]:
        """Every change exactly once and in order, over all reconnects; ends when one leaves.

        A :class:`Snapshot` comes first if the room was joined without a cursor, and in place of
        changes that can't be had any more. One consumer at a time. With ``until`` it ends as soon
        as the cursor has reached that seq.
        """
        while until is None or self._cursor is None or self._cursor.seq < until:
            step = await self._take()
            if step is None:
                return
            if step.item is not None:
                yield step.item

    async def page(
        self,
        *,
        after: str | None = None,
        parent: int | None = None,
        comment: int | None = None,
        limit: int | None = None,
        order: Order | None = None,
    ) -> PageReply:
        """One page of roots with their first replies, or with ``parent`` the rest of a thread.

        With ``comment`` that one's place: what it hangs on, itself, and what replies to it.
        """
        wanted = {"after": after, "parent": parent, "comment": comment}
        question = checked(commands.Page, room=self.name, limit=limit, order=order, **wanted)
        return await self._server.ask(question, PageReply, patience_s=60)

    async def history(self, *, order: Order = "oldest") -> AsyncIterator[PageReply]:
        """The whole room page by page, parents before children.

        What is posted meanwhile may be missing from it: ``changes()`` of a room joined before has
        it. ``PageReply.at`` is the seq of each reading.
        """
        after: str | None = None
        while True:
            reply = await self.page(after=after, limit=100, order=order)
            yield reply
            for root, token in (reply.more or {}).items():
                rest: str | None = token
                while rest is not None:
                    thread = await self.page(after=rest, parent=int(root), limit=100, order=order)
                    yield thread
                    rest = (thread.more or {}).get(root) or thread.next
            after = reply.next
            if after is None:
                return

    # ── writing ──

    def tell_writing(self, on: bool = True) -> None:
        """Have the others who follow the room told that something is being written, or no longer.

        It holds for 10 s: say it again as long as it lasts, if it matters. While there is no
        connection nobody is told, nor later. For rooms that are followed (``Live.join``).
        """
        self._server.tell_writing(self.name, on=on)

    async def post(
        self,
        body: str,
        *,
        parent: int | None = None,
        nonce: str | None = None,
        patience_s: float | None = None,
    ) -> Ack:
        """Post a comment; ``parent`` makes it a reply. The answer has it whole, also when held.

        Give a ``nonce`` (8 to 64 of ``A-Za-z0-9_-``) to make it one comment across restarts of
        this program, too.
        """
        nonce = nonce or self._new_nonce()
        post = checked(commands.Post, room=self.name, nonce=nonce, body=body, parent=parent)
        return await self._server.ask(post, Ack, patience_s)

    async def edit(
        self, comment: int, body: str, *, nonce: str | None = None, patience_s: float | None = None
    ) -> Ack:
        """Replace an own comment's text."""
        nonce = nonce or self._new_nonce()
        edit = checked(commands.Edit, room=self.name, nonce=nonce, comment=comment, body=body)
        return await self._server.ask(edit, Ack, patience_s)

    async def delete(
        self, comment: int, *, nonce: str | None = None, patience_s: float | None = None
    ) -> Ack:
        """Delete an own comment."""
        nonce = nonce or self._new_nonce()
        delete = checked(commands.Delete, room=self.name, nonce=nonce, comment=comment)
        return await self._server.ask(delete, Ack, patience_s)

    async def react(
        self,
        comment: int,
        reaction: str = "like",
        on: bool = True,
        *,
        patience_s: float | None = None,
    ) -> Ack:
        """Give a reaction or take it back; doing either twice changes nothing."""
        react = checked(commands.React, room=self.name, comment=comment, reaction=reaction, on=on)
        return await self._server.ask(react, Ack, patience_s)

    async def report(
        self,
        comment: int,
        reason: ReportReason = "other",
        text: str | None = None,
        *,
        patience_s: float | None = None,
    ) -> Ack:
        """Show a comment to the moderators; a second report of the same comment changes nothing."""
        report = checked(commands.Report, room=self.name, comment=comment, reason=reason, text=text)
        return await self._server.ask(report, Ack, patience_s)

    async def moderate(
        self,
        comment: int,
        action: CommentAction,
        reason: str | None = None,
        *,
        seq: int | None = None,
        nonce: str | None = None,
        patience_s: float | None = None,
    ) -> Ack:
        """Act on a comment (moderators, bots with that scope); see ``commands.Moderate``.

        With ``seq``, the comment's when it was judged: raises ``Conflict`` if it has changed since.
        """
        moderate = checked(
            commands.Moderate,
            room=self.name,
            nonce=nonce or self._new_nonce(),
            comment=comment,
            action=action,
            reason=reason,
            seq=seq,
        )
        return await self._server.ask(moderate, Ack, patience_s)

    async def configure(
        self,
        *,
        nonce: str | None = None,
        patience_s: float | None = None,
        **changes: Unpack[RoomChanges],
    ) -> Ack:
        """Change the room itself (staff); what isn't named stays, -1 takes a bound away."""
        nonce = nonce or self._new_nonce()
        configure = checked(commands.Configure, room=self.name, nonce=nonce, **changes)
        return await self._server.ask(configure, Ack, patience_s)

    async def moderate_author(
        self,
        author: str,
        action: PersonAction,
        reason: str | None = None,
        *,
        until: datetime | None = None,
        nonce: str | None = None,
        patience_s: float | None = None,
    ) -> Ack:
        """Ban, mute in this room or shadow a person, until then or for good, or take it back."""
        moderate = checked(
            commands.Moderate,
            room=self.name,
            nonce=nonce or self._new_nonce(),
            author=author,
            action=action,
            reason=reason,
            until=until,
        )
        return await self._server.ask(moderate, Ack, patience_s)

    def leave(self) -> None:
        """Follow it no more."""
        self._server.leave(self.name)

    # ── for Live ──

    @property
    def is_full(self) -> bool:
        return self._inbox is not None and self._inbox.is_full and not self.is_parked

    @property
    def is_overfull(self) -> bool:
        return self._inbox is not None and self._inbox.is_overfull and not self.is_parked

    @property
    def is_empty(self) -> bool:
        return not self._inbox

    @property
    def is_parked(self) -> bool:
        return self.following is not None and self.following.is_parked

    async def wait_joined(self) -> None:
        await self._joined.wait()
        if self._refusal is not None:
            raise self._refusal

    def receive(self, steps: Sequence[Step]) -> None:
        self._joined.set()
        if self._inbox is not None:
            self._inbox.put(steps)

    def park(self) -> None:
        if self.following is not None:
            self.following.park()

    def fail(self, error: LivethreadError | None) -> None:
        """Nothing more will come, because of this error or (None) because it is over."""
        self._refusal = self._refusal or error
        self._joined.set()
        if self._inbox is not None:
            self._inbox.end(error)

    def stop(self) -> None:
        self._joined.set()
        if self._inbox is not None:
            self._inbox.stop()

    async def _take(self) -> Step | None:
        if self._inbox is None:
            raise RuntimeError(f"{self.name!r} is not followed: join it")
        step = await self._inbox.take()
        if step is not None:
            self._cursor = step.cursor
        return step


def new_nonce() -> str:
    return secrets.token_urlsafe(16)
