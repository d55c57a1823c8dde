"""Handlers of comments, with a memory.

::

    bot = Bot("https://comments.example", token, rooms=["news/bridge"], state="greeter.json")

    @bot.on_comment("news/*")
    async def greet(comment, room):
        await room.post(f"Welcome, {comment.author.name}!", parent=comment.id)

    bot.run()

Each comment goes to its handlers once, in order within its room, when it can first be seen. The
state file is written after they have succeeded. If the process dies in between, the comment goes to
them again at the next start; what they then write through ``room`` carries the same nonces as the
first time, so the server counts it once. Other effects should bear being repeated.
"""

from __future__ import annotations

import asyncio
import hashlib
import signal
import time
from asyncio import Task
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from typing import NamedTuple, TypeVar

from livethread.protocol.cursor import BEGINNING, Cursor
from livethread.protocol.errors import Conflict, NotFound
from livethread.protocol.frames import Change, Comment
from livethread_client.following import Snapshot
from livethread_client.live import Live, connect
from livethread_client.memory import RoomMemory, StateFile
from livethread_client.room import Room

CommentHandler = Callable[[Comment, Room], Awaitable[None]]
H = TypeVar("H", bound=CommentHandler)

SAVE_EVERY_S = 1.0
MANY_RANGES = 1_000
"""A memory larger than this is saved once a second at most: writing it after each comment would be
slower than the comments come. After a crash the last second's comments are handled again."""


class _Listener(NamedTuple):
    pattern: str
    handler: CommentHandler


class Bot:
    """Follows ``rooms`` as the owner of ``token``.

    ``state`` is the file of its memory. Without one, and at the first start, it begins with what is
    posted from now on, or with ``replay`` (and the token's scope of that name) with the first
    comment ever. Own comments are not handled unless ``hears_itself``. ``patience_s`` is how long
    rate limits may delay a write.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        rooms: Iterable[str] = (),
        state: str | Path | None = None,
        replay: bool = False,
        hears_itself: bool = False,
        patience_s: float = 60.0,
    ) -> None:
        self._url = url
        self._token = token
        self._rooms = tuple(rooms)
        self._file = StateFile(None if state is None else Path(state))
        self._replay = replay
        self._hears_itself = hears_itself
        self._patience_s = patience_s
        self._listeners: list[_Listener] = []
        self._judges: list[_Listener] = []
        self._saved_at = float("-inf")
        self._is_stopping = False
        self._live: Live | None = None
        self._task: Task[None] | None = None
        self._judging: Task[None] | None = None

    def on_comment(self, pattern: str = "*") -> Callable[[H], H]:
        """Have comments of the rooms that match the shell pattern handled by this function."""

        def register(handler: H) -> H:
            self._listeners.append(_Listener(pattern, handler))
            return handler

        return register

    def on_held(self, pattern: str = "*") -> Callable[[H], H]:
        """Have comments that are held in rooms that match, anywhere on the site, judged by this.

        Needs the scopes `staff-feed`, and `moderate` to decide. It may be called again for one that
        is still held after a reconnect. No memory is kept of these.
        """

        def register(handler: H) -> H:
            self._judges.append(_Listener(pattern, handler))
            return handler

        return register

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, which let the handlers at work finish.

        Raises what a handler raised and what ended the connection for good.
        """
        with suppress(asyncio.CancelledError, KeyboardInterrupt):
            asyncio.run(self._run_until_signal())

    async def serve(self) -> None:
        """The same in a running loop, without signals; :meth:`stop` ends it."""
        self._task = asyncio.current_task()
        self._file.load()
        connection = connect(
            self._url, token=self._token, keep_trying=True, patience_s=self._patience_s
        )
        async with connection as live:
            self._live = live
            try:
                async with asyncio.TaskGroup() as group:
                    for room in self._rooms:
                        group.create_task(self._follow(live, room))
                    if self._judges:
                        self._judging = group.create_task(self._judge(live))
            except BaseExceptionGroup as failures:
                raise failures.exceptions[0] from None
            finally:
                self._live = None
                self._file.save()

    def stop(self) -> None:
        """Finish the comments at hand and end; the second time, end at once."""
        if self._live is None or self._is_stopping:
            if self._task is not None:
                self._task.cancel()
            return
        self._is_stopping = True
        if self._judging is not None:
            self._judging.cancel()
        for room in self._rooms:
            self._live.leave(room)

    async def _run_until_signal(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        await self.serve()

    async def _judge(self, live: Live) -> None:
        async for queued in live.queue():
            # Whatever people do but `hold` leaves it waiting, with a seq that must be judged anew.
            if queued.comment.state != "held" or queued.action == "hold":
                continue
            for pattern, handler in self._judges:
                if fnmatchcase(queued.room, pattern):
                    # Its author was faster: it is gone, or comes again with other words.
                    with suppress(NotFound, Conflict):
                        await handler(queued.comment, live.room(queued.room))

    async def _follow(self, live: Live, name: str) -> None:
        if self._is_stopping:
            return
        memory = self._file.room(name)
        since = BEGINNING if self._replay else None
        room = await live.join(name, str(memory.cursor) if memory.cursor else since)
        memory.head = room.info.seq if room.info else 0
        async for item in room.changes():
            cursor = Cursor.parse(room.cursor or "")
            if isinstance(item, Change):
                await self._change(live, memory, room, item)
                memory.advance(cursor, item.seq)
            else:
                await self._snapshot(live, memory, room, item)
            self._save_sometimes()

    async def _change(self, live: Live, memory: RoomMemory, room: Room, change: Change) -> None:
        if change.comment is not None:
            await self._comment(live, memory, room, change.comment)

    async def _snapshot(
        self, live: Live, memory: RoomMemory, room: Room, snapshot: Snapshot
    ) -> None:
        cursor = Cursor.parse(snapshot.cursor)
        if snapshot.reason == "behind":
            found = [comment async for page in room.history() for comment in page.comments]
            for comment in sorted(found, key=lambda comment: comment.id):
                await self._comment(live, memory, room, comment)
            memory.advance(cursor)
        else:
            memory.begin(cursor, 0 if self._replay else snapshot.room.seq)
            self._save()

    async def _comment(self, live: Live, memory: RoomMemory, room: Room, comment: Comment) -> None:
        """Have a comment handled, if it is new and there is something to read."""
        if comment.author is None or comment.body is None or not memory.is_new(comment.id):
            return
        handlers = [
            listener.handler
            for listener in self._listeners
            if fnmatchcase(room.name, listener.pattern)
        ]
        if comment.author.id == live.user.id and not self._hears_itself:
            handlers = []
        for handler in handlers:
            await handler(comment, Room(live, room.name, nonces=_nonces(handler, room, comment)))
        memory.mark(comment.id)
        if handlers and len(memory.unseen) <= MANY_RANGES:
            self._save()

    def _save_sometimes(self) -> None:
        if time.monotonic() - self._saved_at >= SAVE_EVERY_S:
            self._save()

    def _save(self) -> None:
        self._file.save()
        self._saved_at = time.monotonic()


def _nonces(handler: CommentHandler, room: Room, comment: Comment) -> Callable[[], str]:
    """The nonces of one handling: the same whenever this comment is handled again."""
    numbers = count()
    name = getattr(handler, "__qualname__", "")

    def next_nonce() -> str:
        text = f"{name}\0{room.name}\0{comment.id}\0{comment.created}\0{next(numbers)}"
        return hashlib.blake2s(text.encode(), digest_size=16).hexdigest()

    return next_nonce
