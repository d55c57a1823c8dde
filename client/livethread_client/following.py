"""One room's place in its feed, without I/O: what is accepted, dropped, or asked for again.

The rule is the protocol's: a ``changes`` frame covers all changes in (from, to]. It continues the
feed if ``from`` is the own cursor. Lower: what is known already is dropped. Higher: something was
lost, so the room is joined again at the own cursor. So each change is passed on exactly once and in
order, whatever the network and the server do in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from livethread.protocol.commands import Join, Order
from livethread.protocol.cursor import BEGINNING, Cursor
from livethread.protocol.errors import BadFrame
from livethread.protocol.frames import Change, Changes, Comment, Joined, Room

Reason = Literal["start", "behind", "new_history"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The room as it is at ``cursor``, in place of the changes that led there.

    ``reason`` says why: ``start`` (joined without a cursor), ``behind`` (too far behind to be
    brought up change by change) or ``new_history`` (the cursor belonged to a history that was
    replaced: forget what you know). ``comments`` is the first page; ``Room.history`` reads all.
    ``reacted`` has the own reactions to them.
    """

    reason: Reason
    cursor: str
    room: Room
    comments: tuple[Comment, ...] = ()
    next: str | None = None
    more: tuple[tuple[int, str], ...] = ()
    mine: tuple[Comment, ...] = ()
    reacted: tuple[tuple[int, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing for the consumer, and the cursor once it has been taken.

    ``item`` is None where only the cursor moves: the range held nothing this reader may see.
    """

    item: Snapshot | Change | None
    cursor: Cursor


class Following:
    """A subscription that outlives its connections.

    ``since`` is a cursor to continue at, ``"0"`` for the whole feed (bots with the ``replay``
    scope), or None for a snapshot. Raises ``ValueError`` if it is none of these.
    """

    def __init__(
        self,
        room: str,
        since: str | None = None,
        *,
        order: Order | None = None,
        limit: int | None = None,
    ) -> None:
        self.room = room
        self.cursor = None if since in (None, BEGINNING) else Cursor.parse(since or "")
        self.info: Room | None = None
        self.is_joined = False
        self.is_parked = False
        self.wants_join = True
        self._wants_all = since == BEGINNING
        self._order = order
        self._limit = limit

    def join(self, ref: str) -> Join:
        """The command to send now. What the old subscription still sends is not for us."""
        self.is_joined = False
        self.wants_join = False
        since = None if self.cursor is None else str(self.cursor)
        if self._wants_all:
            since = BEGINNING
        return Join(ref=ref, room=self.room, since=since, order=self._order, limit=self._limit)

    def lost(self) -> None:
        """The connection is gone, and the subscription with it."""
        self.is_joined = False
        self.wants_join = not self.is_parked

    def park(self) -> None:
        """The consumer can't keep up: changes are dropped until :meth:`unpark` joins again."""
        self.is_parked = True
        self.is_joined = False
        self.wants_join = False

    def unpark(self) -> None:
        self.is_parked = False
        self.wants_join = True

    def receive_joined(self, frame: Joined, *, may_replay: bool) -> list[Step]:
        """The subscription has begun. ``may_replay``: nothing need be missed, whatever the gap."""
        if self.is_parked:
            return []
        at = _parse(frame.cursor)
        self.info = frame.room
        if frame.mode == "resume":
            return self._resumed(frame, at)
        own, asked_all, self._wants_all = self.cursor, self._wants_all, False
        if own is not None and may_replay and not asked_all:
            # Too far for resuming, but not for the whole feed: what is known of it gets dropped.
            self._wants_all = True
            self.wants_join = True
            return []
        reason: Reason = "start"
        if own is not None:
            is_same = at.epoch == own.epoch and at.seq >= own.seq
            reason = "behind" if is_same else "new_history"
        self.is_joined = True
        return [self._snapshot(frame, at, reason)]

    def receive_changes(self, frame: Changes) -> list[Step]:
        """What the frame adds to what is known; sets ``wants_join`` if something is missing."""
        own = self.cursor
        if not self.is_joined or own is None or frame.to <= own.seq:
            return []
        if frame.from_ > own.seq:
            self.is_joined = False
            self.wants_join = True
            return []
        fresh = [change for change in frame.changes if own.seq < change.seq <= frame.to]
        for before, after in pairwise(fresh):
            if after.seq <= before.seq:
                raise BadFrame("The server sent changes out of order.")
        self.cursor = own.at(frame.to)
        self._inform(frame, fresh)
        if not fresh:
            return [Step(None, self.cursor)]
        steps = [Step(change, own.at(change.seq)) for change in fresh]
        steps[-1] = Step(fresh[-1], self.cursor)
        return steps

    def receive_reset(self) -> None:
        """The server gave the subscription up; it decides anew at the next join."""
        if not self.is_parked:
            self.is_joined = False
            self.wants_join = True

    def _inform(self, frame: Changes, fresh: list[Change]) -> None:
        """Keep ``info`` at what is newest: in a replay, a room is of a later seq than its entry."""
        for change in fresh:
            if change.room is not None and (self.info is None or change.room.seq >= self.info.seq):
                self.info = change.room
        if frame.comments is not None and self.info is not None and frame.to >= self.info.seq:
            now = {"comments": frame.comments, "seq": frame.to}
            self.info = self.info.model_copy(update=now)

    def _resumed(self, frame: Joined, at: Cursor) -> list[Step]:
        own, asked_all, self._wants_all = self.cursor, self._wants_all, False
        is_continued = own is not None and at.epoch == own.epoch
        if is_continued and own is not None and asked_all and frame.room.seq < own.seq:
            is_continued = False  # shorter than what is known: not the same history after all
        if own is not None and is_continued:
            if at.seq > own.seq:
                raise BadFrame("The server resumed past the cursor it was given.")
            self.is_joined = True
            return []
        if at.seq != 0 or not asked_all:
            raise BadFrame("The server resumed a history it was not asked for.")
        self.is_joined = True
        if own is None:
            self.cursor = at
            return [Step(None, at)]
        return [self._snapshot(frame, at, "new_history")]

    def _snapshot(self, frame: Joined, at: Cursor, reason: Reason) -> Step:
        self.cursor = at
        more = tuple((int(root), token) for root, token in (frame.more or {}).items())
        reacted = tuple((int(id), tuple(names)) for id, names in (frame.reacted or {}).items())
        snapshot = Snapshot(
            reason=reason,
            cursor=str(at),
            room=frame.room,
            comments=tuple(frame.comments or ()),
            next=frame.next,
            more=more,
            mine=tuple(frame.mine or ()),
            reacted=reacted,
        )
        return Step(snapshot, at)


def _parse(text: str) -> Cursor:
    try:
        return Cursor.parse(text)
    except ValueError as error:
        raise BadFrame(f"The server sent a cursor that is none: {error}.") from error
