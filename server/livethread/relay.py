"""From the Store to the hub: committed changes encoded, and readings for those who are behind."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic_core import to_json

from livethread.backlog import Backlog, Head, ReadFailed
from livethread.hub import Hub
from livethread.model import Change, Committed, Room, RoomName
from livethread.protocol.errors import Unavailable
from livethread.store.base import FeedStore
from livethread.views import entry_of, room_json


class Relay:
    """The hub's reader of the Store."""

    def __init__(self, store: FeedStore, *, page_changes: int) -> None:
        self._store = store
        self._page_changes = page_changes

    async def head(self, room: str) -> Head:
        try:
            found = await self._store.room(RoomName(room))
        except Unavailable as error:
            raise ReadFailed from error
        return Head(found.epoch, found.seq, to_json(room_json(found)))

    async def backlog(self, room: str, since: int) -> Backlog:
        try:
            found = await self._store.changes(RoomName(room), since, limit=self._page_changes)
        except Unavailable as error:
            raise ReadFailed from error
        is_whole = found.to_seq == found.room.seq
        return Backlog(
            found.to_seq,
            [entry_of(change) for change in found.changes],
            found.room.comments if is_whole else None,
        )


def deliver(hub: Hub, committed: Iterable[Committed]) -> None:
    """Hand a batch's changes to the hub, room by room, in the order of their seqs.

    A comment that is answered with, but was not changed, is handed on, too: if it was changed by a
    commit in doubt, the feed doesn't know, and its author must not hear of it first.
    """
    by_room: dict[RoomName, list[tuple[Room, Change]]] = {}
    for outcome in committed:
        if hub.keeps(outcome.room.name):
            changes = by_room.setdefault(outcome.room.name, [])
            changes += [(outcome.room, change) for change in _told_by(outcome)]
    for name, changes in by_room.items():
        if not changes:
            continue
        entries = [
            # A repeated answer's room is as it is now, which may be after more than this change.
            entry_of(change, room.comments if room.seq == change.seq else None)
            for room, change in changes
        ]
        hub.append(name, entries, to_json(room_json(changes[-1][0])))


def _told_by(outcome: Committed) -> list[Change]:
    """The changes that whoever gets this answer knows of."""
    comment = outcome.comment
    if outcome.change is not None:
        return [outcome.change]
    if comment is None:
        return []
    seqs = [comment.seq] if comment.reacted_seq is None else [comment.seq, comment.reacted_seq]
    return [Change(seq, comment) for seq in seqs]
