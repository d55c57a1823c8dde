"""First pages for those who join: read once, shared, and caught up from the ring.

A snapshot at seq S followed by the feed after S is as good as a newer one, so a busy room's readers
share one reading. It is thrown away as soon as anything older than itself changes: what was hidden
must not be shown again, not even for the moment until its tombstone follows.
"""

from __future__ import annotations

import asyncio
from asyncio import Task
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from pydantic_core import to_json

from livethread.feed import Encoding, Feed
from livethread.model import PageRequest
from livethread.store.base import FeedStore
from livethread.views import page_json, room_json
from livethread.wire import encode_frame

MAX_BEHIND = 50
"""Changes after which a new reading is cheaper for the readers than catching up."""

MAX_READINGS = 3
"""A reading that was running already may miss a change; more than two are for a busy room."""


@dataclass(slots=True)
class Snapshot:
    """A first page at ``seq``: the ``joined`` frame's fields, and frames made of them so far."""

    seq: int
    fields: bytes
    frames: dict[tuple[str | None, Encoding], bytes] = field(default_factory=dict)

    def frame(self, ref: str | None, encoding: Encoding, mine: bytes = b"") -> bytes:
        """The ``joined`` frame for a ref; the same for all who use the same ref."""
        key = (ref, encoding)
        if not mine and key in self.frames:
            return self.frames[key]
        start = b'{"type":"joined",'
        if ref is not None:
            start += b'"ref":%b,' % to_json(ref)
        frame = encode_frame(b"%b%b%b}" % (start, self.fields, mine), encoding)
        if not mine and len(self.frames) < 16:
            self.frames[key] = frame
        return frame


class Snapshots:
    """Reads and keeps snapshots; at most one reading of a page runs at a time."""

    def __init__(self, store: FeedStore) -> None:
        self._store = store
        self._kept: WeakKeyDictionary[Feed, dict[PageRequest, Snapshot]] = WeakKeyDictionary()
        self._reading: dict[PageRequest, Task[Snapshot]] = {}

    def kept(self, feed: Feed, request: PageRequest) -> Snapshot | None:
        """A snapshot that can still be continued from the feed's ring."""
        snapshot = self._kept.get(feed, {}).get(request)
        if snapshot is None or feed.head is None:
            return None
        is_continued = snapshot.seq >= max(feed.tail, feed.changed_seq)
        return snapshot if is_continued and feed.head - snapshot.seq <= MAX_BEHIND else None

    async def get(self, feed: Feed, request: PageRequest) -> Snapshot:
        """A first page with nothing in it that had changed when it was asked for.

        Raises ``Unavailable`` if the Store can't be read.
        """
        snapshot = self.kept(feed, request)
        for _ in range(MAX_READINGS):
            if snapshot is not None and snapshot.seq >= max(feed.tail, feed.changed_seq):
                break
            task = self._reading.get(request)
            if task is None:
                task = asyncio.get_running_loop().create_task(self._read(feed, request))
                self._reading[request] = task
                task.add_done_callback(lambda _: self._reading.pop(request, None))
            snapshot = await asyncio.shield(task)
        assert snapshot is not None
        return snapshot

    async def _read(self, feed: Feed, request: PageRequest) -> Snapshot:
        page = await self._store.page(request)
        room = page.room
        fields = {
            "room": room_json(room),
            "cursor": f"{room.epoch}.{room.seq}",
            "mode": "snapshot",
            "order": request.order,
            **page_json(page, request.audience),
        }
        snapshot = Snapshot(room.seq, to_json(fields)[1:-1])
        if feed.head is not None and feed.changed_seq <= room.seq:
            kept = self._kept.setdefault(feed, {})
            if len(kept) >= 16:
                kept.clear()
            kept[request] = snapshot
        return snapshot
