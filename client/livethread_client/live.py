"""A connection that comes back: the thin shell around :class:`Conversation`.

::

    async with connect("https://comments.example", token="ltb_…") as live:
        room = await live.join("news/bridge")
        async for change in room.changes():
            ...

One task reads and one writes. Rejected: a task per room (rooms share a socket anyway), and an
unbounded queue for slow consumers. While an inbox is full, nothing is read from the socket: TCP
slows the server down, which keeps one integer for us. Two things override that: somebody awaits an
answer, which may be behind those changes (read on, to twice the bound); or the consumer took
nothing for five seconds, and other rooms must go on. Then the full room's changes are dropped, and
it is joined again at its own cursor when its consumer has emptied the inbox.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import Future, Task
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Origin, Subprotocol

from livethread.protocol.commands import Join, Order
from livethread.protocol.errors import (
    ErrorCode,
    HeldOff,
    LivethreadError,
    RateLimited,
    Unavailable,
)
from livethread.protocol.frames import Ack, PageReply, Queued, User, Welcome
from livethread_client.address import resolve
from livethread_client.backoff import Backoff
from livethread_client.conversation import (
    Advanced,
    Answer,
    Answered,
    CameUp,
    Complained,
    Conversation,
    Event,
    Noticed,
    NotJoined,
    NotWelcome,
    Question,
    Readers,
    Welcomed,
    checked,
)
from livethread_client.following import Following
from livethread_client.inbox import Inbox
from livethread_client.losses import Loss, loss_of_closing, loss_of_opening
from livethread_client.room import Room

A = TypeVar("A", Ack, PageReply)

BOT_PREFIX = "ltb_"
SILENCE_S = 40.0
PAUSE_S = 5.0
PING_S = 25.0
MAX_UNANSWERED = 32
"""With all 64 rooms joined anew this stays below the commands a server takes at once."""
MAX_FRAME_BYTES = 32 * 1024 * 1024
REFUSED_S = 1.0
CLIENT = "livethread-python"


@dataclass(frozen=True, slots=True)
class Options:
    """How patient and how large; see :func:`connect`."""

    keep_trying: bool = False
    patience_s: float = 0.0
    max_waiting: int = 1024
    silence_s: float = SILENCE_S
    random: Callable[[float, float], float] = random.uniform
    on_retry: Callable[[LivethreadError], None] | None = None


def connect(
    url: str,
    *,
    token: str | None = None,
    guest: str | None = None,
    keep_trying: bool = False,
    patience_s: float = 0.0,
    max_waiting: int = 1024,
    on_retry: Callable[[LivethreadError], None] | None = None,
) -> Live:
    """A connection to the server at ``url``, to be used with ``async with``.

    ``token`` is a bot's, a reader's or a guest's; ``guest`` asks for a new guest of that name if
    there is none; without either one reads. ``keep_trying``: wait for a server that can't be
    reached at first instead of raising ``Unavailable``. ``patience_s``: how long a write may wait
    on rate limits and slow mode before ``RateLimited`` or ``HeldOff`` is raised. ``max_waiting``:
    changes of a room kept for a slow consumer. ``on_retry`` is told why, each time something that
    waits for an answer has to be asked again; that has no end, so bound it with
    ``asyncio.timeout``. Raises ``ValueError`` for an impossible address.
    """
    options = Options(keep_trying, patience_s, max_waiting, on_retry=on_retry)
    return Live(url, token=token, guest=guest, options=options)


class Live:
    """One identity's connection to one server, kept up until the ``async with`` block ends.

    What ends it early (a token that is not known, a ban, …) is raised by everything that waits.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        guest: str | None = None,
        options: Options | None = None,
    ) -> None:
        self._url = url
        self._address = resolve(url)
        self._options = options or Options()
        self._conversation = Conversation(token, guest, CLIENT)
        self._is_bot = token is not None and token.startswith(BOT_PREFIX)
        self._rooms: dict[str, Room] = {}
        self._answers: dict[str, Future[Answer]] = {}
        self._places = asyncio.Semaphore(MAX_UNANSWERED)
        self._something_to_send = asyncio.Event()
        self._something_moved = asyncio.Event()
        self._something_queued = asyncio.Event()
        self._queued: deque[Queued] | None = None
        self._ready: Future[Welcome] | None = None
        self._failure: LivethreadError | None = None
        self._said: LivethreadError | None = None
        self._window_ms: tuple[int, int] | None = None
        self._task: Task[None] | None = None
        self._timers: set[asyncio.TimerHandle] = set()

    # ── life ──

    async def __aenter__(self) -> Live:
        """Connect; raises what ended the first attempt."""
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        self._task = loop.create_task(self._run(), name="livethread client")
        try:
            await self._ready
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye. Consumers come to their end, questions raise ``Unavailable``."""
        self._fail(Unavailable("The connection was closed."), is_quiet=True)
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    # ── who ──

    @property
    def user(self) -> User:
        """Who the server says we are."""
        assert self._conversation.welcome is not None, "not connected yet"
        return self._conversation.welcome.user

    @property
    def token(self) -> str | None:
        """The token to come back with as the same person; a new guest's was made by the server."""
        return self._conversation.token

    # ── rooms ──

    def room(self, name: str) -> Room:
        """A room to write to or to read pages of; following it takes :meth:`join`."""
        return self._rooms.get(name) or Room(self, name)

    async def join(
        self,
        name: str,
        since: str | None = None,
        *,
        order: Order | None = None,
        limit: int | None = None,
    ) -> Room:
        """Follow a room: from a snapshot, after the cursor ``since``, or all of it (``"0"``).

        Raises ``Forbidden`` and what else a server may say to it; ``BadFrame`` for a bad cursor.
        """
        if name in self._rooms:
            raise ValueError(f"{name!r} is followed already")
        checked(Join, room=name, since=since, order=order, limit=limit)
        self._check()
        inbox = Inbox(self._options.max_waiting, lambda: self._taken(name))
        room = Room(self, name, Following(name, since, order=order, limit=limit), inbox)
        self._rooms[name] = room
        assert room.following is not None
        self._conversation.follow(room.following)
        self._flush()
        try:
            await room.wait_joined()
        except BaseException:
            self.leave(name)
            raise
        return room

    def leave(self, name: str) -> None:
        """Follow it no more: its ``changes()`` end at once."""
        room = self._rooms.pop(name, None)
        if room is not None:
            room.stop()
            self._conversation.unfollow(name)
            self._flush()

    def tell_writing(self, name: str, *, on: bool) -> None:
        """Say that something is being written in a room that is followed, or no longer."""
        self._conversation.tell_writing(name, on=on)
        self._flush()

    async def queue(self) -> AsyncIterator[Queued]:
        """What comes up for moderators, from what is held now on; ends with the connection.

        For staff, and bots that see the staff's feed. After a reconnect what is still held comes
        again. One that isn't taken makes room for what comes, ``max_waiting`` later.
        """
        self._check()
        if self._queued is None:
            self._queued = deque(maxlen=self._options.max_waiting)
            self._conversation.watch()
            self._flush()
        while True:
            while self._queued:
                yield self._queued.popleft()
            self._check()
            self._something_queued.clear()
            await self._something_queued.wait()

    # ── questions ──

    async def ask(self, question: Question, kind: type[A], patience_s: float | None = None) -> A:
        """The server's answer, however many connections that takes; one effect in any case.

        ``Unavailable`` (a restart, storage trouble) is tried again until the caller gives up;
        rate limits and slow mode for ``patience_s``; any other refusal is raised at once.
        """
        loop = asyncio.get_running_loop()
        patience = self._options.patience_s if patience_s is None else patience_s
        give_up = loop.time() + patience
        backoff = Backoff(self._options.random)
        while True:
            self._check()
            try:
                async with self._places:
                    answer = await self._answer(question)
            except Unavailable as error:
                self._check()
                self._retrying(error)
                wait_s = max((error.retry_after_ms or 0) / 1000, backoff.delay_s(0))
            except (RateLimited, HeldOff) as error:
                wait_s = (error.retry_after_ms or 1000) / 1000
                if loop.time() + wait_s > give_up:
                    raise
                self._retrying(error)
            else:
                assert isinstance(answer, kind)
                return answer
            await asyncio.sleep(wait_s)

    def _retrying(self, error: LivethreadError) -> None:
        if self._options.on_retry is not None:
            self._options.on_retry(error)

    async def _answer(self, question: Question) -> Answer:
        ref = self._conversation.ask(question)
        answer: Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[ref] = answer
        self._flush()
        self._something_moved.set()
        try:
            return await answer
        finally:
            self._conversation.forget(ref)
            del self._answers[ref]

    # ── connections, one after the other ──

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        backoff = Backoff(self._options.random)
        try:
            while True:
                self._window_ms = self._said = None
                began = loop.time()
                loss = await self._connection()
                is_first = self._ready is not None and not self._ready.done()
                if loss.is_final or (is_first and not self._options.keep_trying):
                    self._fail(loss.error)
                    return
                if self._answers:
                    self._retrying(loss.error)
                wait_s = backoff.delay_s(loop.time() - began, self._window_ms)
                await asyncio.sleep(max(wait_s, (loss.error.retry_after_ms or 0) / 1000))
        except LivethreadError as error:
            self._fail(error)
        except Exception:
            self._fail(Unavailable("The client failed."))
            raise

    async def _connection(self) -> Loss:
        """One connection from its opening to its loss."""
        try:
            socket = await open_websocket(
                self._address.websocket,
                origin=None if self._is_bot else Origin(self._address.origin),
                subprotocols=[Subprotocol("livethread.v1")],
                ping_interval=None,
                close_timeout=2,
                max_size=MAX_FRAME_BYTES,
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            return loss_of_opening(self._url, error)
        writer = asyncio.create_task(self._write(socket))
        try:
            self._conversation.opened()
            self._flush()
            await self._read(socket)
        except ConnectionClosed as closed:
            return loss_of_closing(closed, self._said)
        except TimeoutError:
            socket.transport.abort()
            return Loss(Unavailable("The server has gone silent."))
        finally:
            self._conversation.lost()
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
            await socket.close()
        raise AssertionError("reading never ends by itself")

    async def _read(self, socket: ClientConnection) -> None:
        while True:
            async with asyncio.timeout(self._options.silence_s):
                data = await socket.recv()
            for event in self._conversation.receive_text(data):
                self._handle(event)
            self._flush()
            await self._hold_back()

    async def _write(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                self._something_to_send.clear()
                for data in self._conversation.data_to_send():
                    await socket.send(data, text=True)
                try:
                    async with asyncio.timeout(PING_S):
                        await self._something_to_send.wait()
                except TimeoutError:
                    self._conversation.ping()  # the server closes who is silent for a minute

    async def _hold_back(self) -> None:
        """While an inbox is full, read no further; see the module's docstring for the limits."""
        while full := [room for room in self._rooms.values() if room.is_full]:
            if self._conversation.is_waiting:
                full = [room for room in full if room.is_overfull]
                if not full:
                    return
            elif await self._has_moved():
                continue
            for room in full:
                room.park()

    async def _has_moved(self) -> bool:
        """Wait for a consumer to take something, or a question to be asked; False if none comes."""
        self._something_moved.clear()
        try:
            async with asyncio.timeout(PAUSE_S):
                await self._something_moved.wait()
        except TimeoutError:
            return False
        return True

    # ── what happened ──

    def _handle(self, event: Event) -> None:
        match event:
            case Advanced(room=name, steps=steps):
                if name in self._rooms:
                    self._rooms[name].receive(steps)
            case Answered(ref=ref, answer=answer):
                self._answer_came(ref, answer)
            case Welcomed(welcome=welcome):
                if self._ready is not None and not self._ready.done():
                    self._ready.set_result(welcome)
            case NotJoined(room=name, error=error):
                self._not_joined(name, error)
            case NotWelcome(error=error):
                self._said = error
            case Complained(error=error):
                if error.code is ErrorCode.TOKEN_EXPIRED:
                    self._said = error
            case Noticed(window_ms=window):
                self._window_ms = window
            case CameUp(frame=frame):
                if self._queued is not None:
                    self._queued.append(frame)
                    self._something_queued.set()
            case Readers(room=name, count=count, writing=writing):
                if name in self._rooms:
                    self._rooms[name].readers, self._rooms[name].writing = count, writing

    def _answer_came(self, ref: str, answer: Answer | LivethreadError) -> None:
        waiting = self._answers.get(ref)
        if waiting is None or waiting.done():
            return
        if isinstance(answer, LivethreadError):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)

    def _not_joined(self, name: str, error: LivethreadError) -> None:
        if name not in self._rooms:
            return
        if not error.retryable:
            self._rooms[name].fail(error)
            return
        wait_s = max(REFUSED_S, (error.retry_after_ms or 0) / 1000)
        self._later(wait_s, lambda: self._rejoin(name))

    def _rejoin(self, name: str) -> None:
        self._conversation.rejoin(name)
        self._flush()

    def _taken(self, name: str) -> None:
        """A consumer took something: there is room again."""
        self._something_moved.set()
        room = self._rooms.get(name)
        if room is not None and room.is_parked and room.is_empty:
            self._rejoin(name)

    def _later(self, wait_s: float, action: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(wait_s, run)
        self._timers.add(timer)

    def _flush(self) -> None:
        self._something_to_send.set()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _fail(self, error: LivethreadError, *, is_quiet: bool = False) -> None:
        """The end: whoever waits hears of it. Quietly: consumers just come to their end."""
        if self._failure is not None:
            return
        self._failure = error
        self._something_queued.set()
        for timer in self._timers:
            timer.cancel()
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(error)
        for room in self._rooms.values():
            room.fail(None if is_quiet else error)
