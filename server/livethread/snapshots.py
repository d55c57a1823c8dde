"""First pages for those who join: read once, shared, and caught up from the ring.

A snapshot at seq S followed by the feed after S is as good as a newer one, so a busy room's readers
share one reading. It is thrown away as soon as anything older than itself changes: what was hidden
must not be shown again, not even for the moment until its tombstone follows.
"""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

from pydantic_core import to_json

from livethread.backlog import Head, ReadFailed
from livethread.feed import Encoding, Feed
from livethread.model import Page, PageRequest
from livethread.protocol.errors import Unavailable
from livethread.store.base import FeedStore
from livethread.views import page_json, room_json
from livethread.wire import Pieces, encode_part, frame_around

MAX_BEHIND = 50
"""Changes after which a new reading is cheaper for the readers than catching up."""

MAX_READINGS = 3
"""A reading that was running already may miss a change; more than two are for a busy room."""


@dataclass(slots=True)
class Snapshot:
    """A first page at ``seq``: the ``joined`` frame's fields, and the same deflated if wanted.

    ``ids`` are the comments in it.
    """

    seq: int
    fields: bytes
    ids: tuple[int, ...] = ()
    _deflated: bytes | None = None

    @property
    def size_bytes(self) -> int:
        """What it may come to hold; deflated it is smaller."""
        return 2 * len(self.fields)

    def frame(self, ref: str | None, encoding: Encoding, own: bytes = b"") -> Pieces:
        """The ``joined`` frame for a ref, with a reader's ``own`` fields behind the shared ones.

        All frames of an encoding share the latter's bytes.
        """
        start = b'{"type":"joined",'
        if ref is not None:
            start += b'"ref":%b,' % to_json(ref)
        return frame_around(start, self._part(encoding), own + b"}", encoding)

    def _part(self, encoding: Encoding) -> bytes:
        if encoding is not Encoding.DEFLATED:
            return self.fields
        if self._deflated is None:
            self._deflated = encode_part(self.fields, encoding)
        return self._deflated


class Snapshots:
    """Reads and keeps snapshots; at most one reading of a page runs at a time.

    All that are kept have ``max_bytes`` together; whichever was used longest ago makes room.
    """

    def __init__(self, store: FeedStore, *, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._kept: OrderedDict[PageRequest, Snapshot] = OrderedDict()
        self._reading: dict[PageRequest, Task[Snapshot]] = {}
        self.kept_bytes = 0

    def kept(self, feed: Feed, request: PageRequest) -> Snapshot | None:
        """A snapshot that can still be continued from the feed's ring."""
        snapshot = self._kept.get(request)
        if snapshot is None or feed.head is None:
            return None
        is_continued = snapshot.seq >= max(feed.tail, feed.changed_seq)
        if not is_continued or feed.head - snapshot.seq > MAX_BEHIND:
            self._forget(request)
            return None
        self._kept.move_to_end(request)
        return snapshot

    def _keep(self, request: PageRequest, snapshot: Snapshot) -> None:
        self._forget(request)
        self._kept[request] = snapshot
        self.kept_bytes += snapshot.size_bytes
        while self.kept_bytes > self._max_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, request: PageRequest) -> None:
        snapshot = self._kept.pop(request, None)
        if snapshot is not None:
            self.kept_bytes -= snapshot.size_bytes

    def forget(self) -> None:
        """Let go of all: rooms have changed without a seq of their own."""
        self._kept.clear()
        self.kept_bytes = 0

    async def get(self, feed: Feed, request: PageRequest) -> Snapshot:
        """A first page with nothing in it that had changed when it was asked for.

        Raises ``Unavailable`` if the Store can't be read.
        """
        snapshot = self.kept(feed, request)
        for _ in range(MAX_READINGS):
            if snapshot is not None and snapshot.seq >= max(feed.tail, feed.changed_seq):
                break
            task = self._reading.get(request)
            if task is None or task.done():  # who waited may be told before ``_read_ended`` is
                task = asyncio.get_running_loop().create_task(self._read(feed, request))
                self._reading[request] = task
                task.add_done_callback(partial(self._read_ended, request))
            snapshot = await asyncio.shield(task)
        assert snapshot is not None
        return snapshot

    def _read_ended(self, request: PageRequest, task: Task[Snapshot]) -> None:
        if self._reading.get(request) is task:
            del self._reading[request]
        if not task.cancelled():
            task.exception()  # those who asked may be gone: it is no news then

    async def head(self, request: PageRequest, _: str) -> Head:
        """Where the room stands, read together with a first page that is kept for those who join.

        So a room is opened with one reading. Raises ``ReadFailed``.
        """
        try:
            page = await self._store.page(request)
        except Unavailable as error:
            raise ReadFailed from error
        self._keep(request, _snapshot_of(page, request))
        return Head(page.room.epoch, page.room.seq, to_json(room_json(page.room)))

    async def _read(self, feed: Feed, request: PageRequest) -> Snapshot:
        snapshot = _snapshot_of(await self._store.page(request), request)
        if feed.head is not None and feed.changed_seq <= snapshot.seq:
            self._keep(request, snapshot)
        return snapshot


def _snapshot_of(page: Page, request: PageRequest) -> Snapshot:
    room = page.room
    fields = {
        "room": room_json(room),
        "cursor": f"{room.epoch}.{room.seq}",
        "mode": "snapshot",
        "order": request.order,
        **page_json(page, request.audience),
    }
    ids = tuple(comment.id for comment in page.comments)
    return Snapshot(room.seq, to_json(fields)[1:-1], ids)
