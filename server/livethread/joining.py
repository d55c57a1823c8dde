"""How a follower gets its start: resumed at its cursor, or a snapshot of the room as it is."""

from __future__ import annotations

import asyncio
import math
from asyncio import Task
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple
from weakref import WeakKeyDictionary

from pydantic_core import to_json

from livethread.auth.identity import Identity
from livethread.backlog import ReadFailed
from livethread.effects import Subscribe
from livethread.feed import Encoding, Feed
from livethread.hub import Hub
from livethread.model import RoomName
from livethread.protocol.cursor import Cursor
from livethread.protocol.errors import Unavailable
from livethread.site import name_of
from livethread.snapshots import Snapshots
from livethread.store.base import FeedStore
from livethread.views import comment_json
from livethread.wire import Pieces, encode_frame

REACH_S = 1.0
NEAR_CHANGES = 100
"""So far behind are most of those who come back."""


class Start(NamedTuple):
    """The seq to follow from and the ``joined`` frame that says so."""

    seq: int
    frame: Pieces


@dataclass(slots=True)
class Reach:
    """How far back a feed's readers may be: from ``within`` on they may, up to ``beyond`` not."""

    since: float
    within: float = math.inf
    beyond: int = -1
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class Joining:
    """Rule 2 of the protocol, for all transports."""

    def __init__(
        self,
        store: FeedStore,
        hub: Hub,
        snapshots: Snapshots,
        *,
        resume_changes: int,
        resume_bytes: int,
    ) -> None:
        self._store = store
        self._hub = hub
        self._snapshots = snapshots
        self._resume_changes = resume_changes
        self._resume_bytes = resume_bytes
        self._reaches: WeakKeyDictionary[Feed, Reach] = WeakKeyDictionary()

    async def feed(self, room: RoomName) -> Feed:
        """The room's open feed. Raises ``Unavailable`` if the Store can't be read."""
        try:
            return await self._hub.open(room, to_json(name_of(room)))
        except ReadFailed as error:
            raise Unavailable from error

    def opening(self, wanted: Subscribe) -> Task[None] | None:
        """The reading that opens the room's feed, shared by all who wait; None if it is open.

        Where the first page will be wanted next, it is read with it.
        """
        is_fresh = wanted.since is None and not wanted.is_replay
        read_head = partial(self._snapshots.head, wanted.page) if is_fresh else None
        return self._hub.opening(wanted.room, to_json(name_of(wanted.room)), read_head)

    async def can_resume(self, feed: Feed, since: Cursor) -> bool:
        """The same history, not ahead of it, not too far behind."""
        if not self._is_known(feed, since):
            return False
        return since.seq >= feed.tail or await self._is_within_bytes(feed, since.seq)

    def _is_known(self, feed: Feed, since: Cursor) -> bool:
        head = feed.head or 0
        return since.epoch == feed.epoch and head - self._resume_changes <= since.seq <= head

    async def _is_within_bytes(self, feed: Feed, seq: int) -> bool:
        """Whether what lies after ``seq`` is little enough, asking the Store as rarely as possible.

        What is little after one place is less after a later one: of thousands who come back at
        once, from some places, few need a reading. It is out of date soon, for more is written.
        """
        now = asyncio.get_running_loop().time()
        reach = self._reaches.get(feed)
        if reach is None or now - reach.since > REACH_S:
            reach = self._reaches[feed] = Reach(now)
        async with reach.reading:
            for place in (max(0, min(seq, feed.tail - NEAR_CHANGES)), seq):
                if reach.beyond < place and seq < reach.within:
                    size = await self._store.size_since(RoomName(feed.name), place)
                    if size <= self._resume_bytes:
                        reach.within = place
                    else:
                        reach.beyond = place
        return seq >= reach.within

    def start_at_once(
        self, wanted: Subscribe, identity: Identity, encoding: Encoding
    ) -> tuple[Feed, Start] | None:
        """The feed and where the follower starts in it, if nothing has to be read for that."""
        feed = self._hub.opened(wanted.room)
        if feed is None:
            return None
        if wanted.since is not None and self._is_known(feed, wanted.since):
            if wanted.since.seq < feed.tail:
                return None
            return feed, _resumed(feed, wanted.since.seq, wanted.ref, encoding)
        if wanted.is_replay:
            return feed, _resumed(feed, 0, wanted.ref, encoding)
        snapshot = None if identity.id else self._snapshots.kept(feed, wanted.page)
        if snapshot is None:
            return None
        return feed, Start(snapshot.seq, snapshot.frame(wanted.ref, encoding))

    async def start(self, wanted: Subscribe, identity: Identity, encoding: Encoding) -> Start:
        """Where the follower starts. Raises ``Unavailable`` if the Store can't be read."""
        feed = await self.feed(wanted.room)
        if wanted.is_replay:
            return _resumed(feed, 0, wanted.ref, encoding)
        if wanted.since is not None and await self.can_resume(feed, wanted.since):
            return _resumed(feed, wanted.since.seq, wanted.ref, encoding)
        snapshot = await self._snapshots.get(feed, wanted.page)
        own = await self._own(wanted.room, snapshot.ids, identity) if identity.id else b""
        return Start(snapshot.seq, snapshot.frame(wanted.ref, encoding, own))

    async def _own(self, room: RoomName, ids: Sequence[int], identity: Identity) -> bytes:
        """What is the reader's own, as fields of ``joined``: held comments, reactions given."""
        own = b""
        if held := await self._store.held_by(room, identity.id):
            mine = [comment_json(comment, identity.audience, is_own=True) for comment in held]
            own += b',"mine":' + to_json(mine)
        if ids and (reacted := await self._store.reacted_by(room, identity.id, ids)):
            own += b',"reacted":' + to_json(reacted)
        return own


def _resumed(feed: Feed, seq: int, ref: str | None, encoding: Encoding) -> Start:
    start = b"" if ref is None else b'"ref":%b,' % to_json(ref)
    cursor = to_json(f"{feed.epoch}.{seq}")
    payload = b'{"type":"joined",%b"room":%b,"cursor":%b,"mode":"resume"}'
    return Start(seq, (encode_frame(payload % (start, feed.info, cursor), encoding),))
