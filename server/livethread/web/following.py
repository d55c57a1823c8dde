"""A reader over HTTP in a room's feed: a cursor that asks for what comes after it.

No subscriber and no queue: the next frame is asked for when the last one was taken, so a slow
client costs one integer here, as on the websocket.
"""

from __future__ import annotations

import asyncio
from asyncio import Future, Task
from typing import Any

from livethread.feed import Feed
from livethread.gateway import Gateway
from livethread.hub import ReadFailed
from livethread.model import RoomName
from livethread.protocol.cursor import Cursor
from livethread.protocol.errors import Unavailable
from livethread.web.problems import CursorLost


class Follower:
    """Owns at most one pending reading; :meth:`close` ends it."""

    def __init__(self, gateway: Gateway, room: RoomName, cursor: Cursor, *, is_staff: bool) -> None:
        self.room = room
        self.cursor = cursor
        self._hub = gateway.services.hub
        self._joining = gateway.services.joining
        self._loop = gateway.loop
        self._is_staff = is_staff
        self._reading: Task[tuple[int, bytes]] | None = None

    async def next(self, timeout_s: float, *stops: Future[None]) -> bytes | None:
        """The next ``changes`` frame's JSON; the cursor is then behind it.

        None after ``timeout_s``, or at once when one of ``stops`` is done. Raises ``CursorLost``,
        and ``Unavailable`` if the Store can't be read.
        """
        if self._reading is None:
            self._reading = self._loop.create_task(self._read())
        awaited: set[Future[Any]] = {self._reading, *stops}
        await asyncio.wait(awaited, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if not self._reading.done():
            return None
        done, self._reading = self._reading, None
        seq, payload = done.result()
        self.cursor = self.cursor.at(seq)
        return payload

    def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    async def _read(self) -> tuple[int, bytes]:
        # Opened anew each time: while nobody waits, an idle room may have left memory.
        feed = await self._joining.feed(self.room)
        check(self.cursor, feed)
        try:
            return await self._hub.pull(feed, self.cursor.seq, is_staff=self._is_staff)
        except ReadFailed as error:
            raise Unavailable from error


def check(cursor: Cursor, feed: Feed) -> None:
    """Raises ``CursorLost`` unless the cursor is a place in this feed's history."""
    head = feed.head or 0
    if cursor.epoch != feed.epoch or cursor.seq > head:
        raise CursorLost(Cursor(feed.epoch, head))
