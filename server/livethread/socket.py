"""A websocket connection: ``websockets``' Sans-I/O protocol inside an asyncio.Protocol.

The door constructs it for a request that asks for an upgrade, or uvicorn does (contract read from
uvicorn 0.54: keywords ``config``, ``server_state``, ``app_state``; then ``connection_made``,
``data_received`` with the rebuilt request, ``transport.set_protocol``; self in
``server_state.connections``; ``shutdown``).
There is no task, no queue and no ASGI message per connection or frame: frames in go to the
:class:`Session`, frames out are written to the transport as they are.
"""

from __future__ import annotations

import asyncio
from asyncio import Task, Transport
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from functools import partial
from socket import SocketType
from typing import Any

import structlog
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State

from livethread.auth.identity import Identity
from livethread.effects import (
    Close,
    Effect,
    Identify,
    ReadPage,
    Send,
    Submit,
    Subscribe,
    Unsubscribe,
    Watch,
    Writing,
)
from livethread.feed import Encoding, Feed, Kind
from livethread.following import Subscriber
from livethread.gateway import Gateway
from livethread.handshake import Refused, admit, is_deflating, server_protocol
from livethread.head import BadHead, Head
from livethread.joining import Start
from livethread.model import Audience, QueueRequest, RoomName, Write
from livethread.outlet import Outlet
from livethread.protocol import frames as wire
from livethread.protocol.codec import encode
from livethread.protocol.errors import CloseCode, LivethreadError, Unavailable
from livethread.session import Session
from livethread.site import DEFAULT
from livethread.views import held_json
from livethread.wire import encode_frame
from livethread.writer import Decided

log = structlog.get_logger(__name__)

PARSE_BYTES = 4096
"""Received data is parsed in pieces, so that a flood of tiny frames is noticed early."""


def _drop(_: bytes) -> None:
    """What a closing connection does with what comes too late."""


class Connection(asyncio.Protocol):
    """One socket: the ``hub.Sink`` of its subscriptions, and a ``gateway.Peer`` for the timer."""

    __slots__ = (
        "__weakref__",
        "_address",
        "_close_code",
        "_connections",
        "_encoding",
        "_fragments",
        "_gateway",
        "_head",
        "_identity_key",
        "_is_closing",
        "_is_reading",
        "_message",
        "_outlet",
        "_session",
        "_site",
        "_subscribers",
        "_tasks",
        "_transport",
        "_waiting",
        "_ws",
        "heard_at",
        "is_writable",
        "write",
    )

    def __init__(self, gateway: Gateway, *, config: Any, server_state: Any, app_state: Any) -> None:
        self._gateway = gateway
        self._connections: set[Any] = server_state.connections
        self._transport: Transport
        self._outlet: Outlet
        self._ws = server_protocol(gateway.settings)
        self._head: Head | None = Head()
        self._session: Session | None = None
        self._address = ""
        self._site: str | None = None
        self._identity_key: str | None = None
        self._encoding = Encoding.TEXT
        self._message: bytearray | None = None
        self._fragments = 0
        self._subscribers: dict[RoomName, Subscriber] = {}
        self._tasks: set[Task[None]] | None = None
        self._waiting: deque[Subscribe | ReadPage | Watch] | None = None
        self._is_reading = False
        self._is_closing = False
        self._close_code = 1006
        self.is_writable = True
        self.heard_at = gateway.loop.time()

    # ── asyncio.Protocol ──

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._outlet = Outlet(transport, self._gateway.settings.write_buffer_bytes)
        self.write = self._outlet.write
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._gateway.loop.time()
        if self._head is not None:
            data = self._receive_head(self._head, data)
        if len(data) <= PARSE_BYTES:
            self._parse(data)
            return
        view = memoryview(data)
        for start in range(0, len(data), PARSE_BYTES):
            if self._transport.is_closing():
                return
            self._parse(view[start : start + PARSE_BYTES])

    def eof_received(self) -> None:
        self._ws.receive_eof()
        self._flush_protocol()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._is_closing = True
        self.is_writable = False
        self.write = _drop
        self._outlet.close()
        hub = self._gateway.services.hub
        for subscriber in self._subscribers.values():
            hub.unsubscribe(subscriber)
        self._subscribers = {}
        for task in list(self._tasks or ()):
            task.cancel()
        if self._session is not None:
            self._gateway.leave(self, self._close_code)
            self._gateway.addresses.leave(self._address)
            self._set_identity_key(None)
            log.debug("closed", session=self._session.id, code=self._close_code)

    def pause_writing(self) -> None:
        """The kernel takes no more: what comes next waits until it has what is buffered."""
        self.is_writable = False
        if self._is_closing:
            return
        self._hold_back()
        self._gateway.paused(self)
        for subscriber in self._subscribers.values():
            self._gateway.services.hub.pause(subscriber)

    def resume_writing(self) -> None:
        self.is_writable = True
        self.heard_at = self._gateway.loop.time()  # nothing was read from it meanwhile
        self._gateway.resumed(self)
        if self._is_closing:
            return
        self._transport.resume_reading()
        for subscriber in list(self._subscribers.values()):
            self._gateway.services.hub.resume(subscriber)
        self._take_turns()

    def shutdown(self) -> None:
        """Uvicorn is stopping: say so, finish what was asked, close with 1012."""
        self._gateway.is_draining = True
        if self._session is None or self._is_closing:
            self._transport.close()
            return
        window = self._gateway.settings.reconnect_window_ms
        notice = wire.Notice(
            code="draining",
            message="The server is restarting. You will be back in a moment.",
            reconnect_after_ms=window,
        )
        self._send(encode(notice))
        self._close_when_drained()

    # ── gateway.Peer ──

    def hello_overdue(self) -> None:
        if self._session is not None:
            self._run(self._session.hello_overdue())

    def went_silent(self) -> None:
        self._close(CloseCode.SILENT, "nothing heard")

    def stalled(self) -> None:
        self._close(CloseCode.TOO_SLOW, "takes no bytes")

    def expire(self) -> None:
        if self._session is not None:
            self._run(self._session.expire())

    def review(self) -> None:
        session = self._session
        if session is None:
            return
        verdict: Identity | LivethreadError
        try:
            verdict = self._gateway.services.directory.review(session.identity)
        except LivethreadError as error:
            verdict = error
        self._run(session.reviewed(verdict))

    def abort(self) -> None:
        self._transport.abort()

    def unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    # ── hub.Sink ──

    @property
    def socket(self) -> SocketType | None:
        return self._outlet.socket

    def write_rest(self, data: bytes, sent: int, /) -> None:
        self._outlet.write_rest(data, sent)

    def lost_place(self, subscriber: Subscriber) -> None:
        name = RoomName(subscriber.feed.name)
        self._subscribers.pop(name, None)
        if self._session is not None:
            self._run(self._session.lost_place(name))

    # ── receiving ──

    def _parse(self, data: Any) -> None:
        self._ws.receive_data(data)
        for event in self._ws.events_received():
            if isinstance(event, Frame):
                self._frame(event)
        self._flush_protocol()

    def _receive_head(self, head: Head, data: bytes) -> bytes:
        """What came behind the request, once there is one and it was answered."""
        try:
            behind = head.receive_data(data)
            if head.request is not None:
                self._head = None
                self._handshake(head.request)
        except (BadHead, Refused) as error:
            refusal = error if isinstance(error, Refused) else Refused.for_bad_request(self._ws)
            self._head = None
            self._outlet.write(refusal.answer)
            self._transport.close()
            return b""
        return behind

    def _frame(self, frame: Frame) -> None:
        if self._is_closing:
            return
        match frame.opcode:
            case Opcode.TEXT | Opcode.CONT:
                self._text(frame)
            case Opcode.BINARY:
                if self._session is not None:
                    self._run(self._session.receive_binary())
            case Opcode.PING | Opcode.PONG:  # answered by the protocol
                if self._ws.state is State.OPEN:
                    self._flush_protocol()  # before the answer to whatever came behind it
                if self._session is not None:
                    self._run(self._session.receive_control())
            case _:
                pass  # so are closes

    def _text(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT and frame.fin:
            self._received(frame.data)
            return
        if self._message is None:
            self._message = bytearray()
            self._fragments = 0
        self._fragments += 1
        self._message += frame.data
        if self._fragments > self._gateway.settings.max_fragments:
            self._message = None
            self._fail(CloseCode.TOO_BIG, "too many fragments")
        elif frame.fin:
            message, self._message = self._message, None
            self._received(message)

    def _received(self, data: Any) -> None:
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError:
            self._fail(1007, "text frames are UTF-8")
            return
        self._gateway.stats.received += 1
        if self._session is not None:
            self._run(self._session.receive_text(text))

    def _handshake(self, request: Request) -> None:
        """Let the client in and start its session. Raises ``Refused``."""
        gateway = self._gateway
        is_tls = self._transport.get_extra_info("sslcontext") is not None
        peer = self._transport.get_extra_info("peername")
        visitor = admit(gateway, self._ws, request, str(peer[0]) if peer else "", is_tls=is_tls)
        self._outlet.write(visitor.answer)
        if is_deflating(self._ws):
            self._encoding = Encoding.DEFLATED
        self._address, self._site = visitor.address, visitor.site
        self._session = Session(
            gateway.new_session_id(),
            gateway.services.rules,
            visitor.address,
            has_origin=visitor.has_origin,
            site=visitor.site or DEFAULT,
        )
        gateway.enter(self)

    # ── effects ──

    def _run(self, effects: Iterable[Effect]) -> None:
        """Carry out what the session wants done."""
        frames: list[bytes] = []
        for effect in effects:
            if isinstance(effect, Send):
                frames.append(encode(effect.frame))
                continue
            self._send(*frames)
            frames.clear()
            self._carry_out(effect)
        self._send(*frames)
        if self._gateway.is_draining:
            self._close_when_drained()

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Submit(write=write, ref=ref):
                self._submit(write, ref)
            case Subscribe() | ReadPage():
                self._in_turn(effect)
            case Unsubscribe(room=room):
                self._unsubscribe(room)
            case Writing(room=room, on=on):
                if (subscriber := self._subscribers.get(room)) is not None:
                    self._gateway.services.hub.tell_writing(subscriber, on=on)
            case Identify():
                self._start(self._identify(effect))
            case Watch(on=on, held=held):
                assert self._session is not None
                self._gateway.watchers.set(self, self._session.identity if on else None)
                if held:
                    self._in_turn(effect)
            case Close(code=code, reason=reason):
                self._close(code, reason)

    def _submit(self, write: Write, ref: str | None) -> None:
        session = self._session
        assert session is not None
        if self._gateway.is_draining:
            refusal = Unavailable("The server is restarting.", retry_after_ms=1000)
            self._decided([Decided(write, ref, refusal)])
            return
        if session.is_full():
            self._transport.pause_reading()
        self._gateway.services.writer.submit(write, self._decided, ref)

    def _decided(self, decided: Sequence[Decided]) -> None:
        session = self._session
        assert session is not None
        self._run([effect for one in decided for effect in session.answered(*one)])
        if self.is_writable and not session.is_full():
            self._transport.resume_reading()

    async def _identify(self, effect: Identify) -> None:
        session, command = self._session, effect.command
        assert session is not None
        authenticator = self._gateway.services.authenticator
        try:
            identity, token = await authenticator.identify(self._site, command)
        except LivethreadError as error:
            self._run(session.not_identified(error, command))
            return
        if not self._set_identity_key(identity.id or None):
            self._close(CloseCode.TOO_MANY_CONNECTIONS, "too many connections of one identity")
            return
        self._run(session.identified(identity, command, token))
        self._gateway.expires(self, session.identity)

    def _set_identity_key(self, key: str | None) -> bool:
        """Count this socket under an identity; false if it has too many."""
        identities = self._gateway.identities
        if key == self._identity_key:
            return True
        if key is not None and not identities.enter(key):
            return False
        if self._identity_key is not None:
            identities.leave(self._identity_key)
        self._identity_key = key
        return True

    # ── readings of the Store ──

    def _in_turn(self, effect: Subscribe | ReadPage | Watch) -> None:
        """Do it once those before it are done."""
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(effect)
        self._take_turns()

    def _take_turns(self) -> None:
        """One reading at a time, and none for a client that takes no bytes.

        A hundred large pages asked for in one breath would else lie in the write buffer at once.
        """
        while self._waiting and self.is_writable and not (self._is_reading or self._is_closing):
            match self._waiting.popleft():
                case Subscribe() as wanted:
                    self._join(wanted)
                case ReadPage() as effect:
                    self._read(self._page(effect))
                case Watch():
                    self._read(self._tell_held())
        if not self._waiting:
            self._waiting = None

    def _read(self, work: Coroutine[Any, Any, None]) -> None:
        self._is_reading = True
        self._start(work).add_done_callback(self._has_read)

    def _has_read(self, _: Task[None]) -> None:
        self._is_reading = False
        self._take_turns()

    async def _page(self, effect: ReadPage) -> None:
        session = self._session
        assert session is not None
        try:
            page = await self._gateway.services.store.page(effect.request)
        except LivethreadError as error:
            self._run(session.failed(effect.ref, error))
            return
        self._run(session.page_read(page, effect.ref))

    def _join(self, wanted: Subscribe) -> None:
        """Follow at once if nothing has to be read, or with all who wait for the room to open.

        That is a crowd that comes at the same time; a task for each was a tenth of its cost.
        """
        if self._is_following_at_once(wanted):
            return
        opening = self._gateway.services.joining.opening(wanted)
        if opening is None:
            self._read(self._read_and_join(wanted))
        else:
            self._is_reading = True
            opening.add_done_callback(partial(self._opened, wanted))

    def _opened(self, wanted: Subscribe, opening: Task[None]) -> None:
        if self._is_closing:
            return
        if not self._is_following_at_once(wanted):
            self._read(self._read_and_join(wanted))
        else:
            self._has_read(opening)

    def _is_following_at_once(self, wanted: Subscribe) -> bool:
        """False if something has to be read first."""
        assert self._session is not None
        found = self._gateway.services.joining.start_at_once(
            wanted, self._session.identity, self._encoding
        )
        if found is None:
            return False
        self._follow(wanted, *found)
        return True

    async def _read_and_join(self, wanted: Subscribe) -> None:
        session, room = self._session, wanted.room
        assert session is not None
        joining = self._gateway.services.joining
        try:
            start = await joining.start(wanted, session.identity, self._encoding)
            feed = await joining.feed(room)  # nothing is awaited after this
        except LivethreadError as error:
            self._run(session.not_joined(room, wanted.ref, error))
            return
        if not self._is_closing:
            self._follow(wanted, feed, start)

    def _follow(self, wanted: Subscribe, feed: Feed, start: Start) -> None:
        """Send ``joined``, then follow from its cursor on."""
        session, room, hub = self._session, wanted.room, self._gateway.services.hub
        assert session is not None
        if not session.follows(room):  # left, or lost by an older subscription, while this waited
            ended = Unavailable("The subscription has ended meanwhile. Join again.")
            self._run(session.not_joined(room, wanted.ref, ended))
            return
        self._unsubscribe(room)
        self._outlet.writelines(start.frame)
        kind = Kind(session.identity.audience is Audience.STAFF, self._encoding)
        subscriber = hub.subscribe(feed, self, kind, start.seq, is_unbounded=wanted.is_replay)
        if session.follows(room):
            self._subscribers[room] = subscriber

    async def _tell_held(self) -> None:
        """What a moderator who begins to watch has missed."""
        assert self._session is not None
        identity = self._session.identity
        request = QueueRequest(identity.site, "held", limit=100)
        try:
            found = await self._gateway.services.store.queue(request)
        except LivethreadError:
            return  # a hint that may be missing
        for item in reversed(found.items):
            if identity.may("read", item.room):
                self._send(encode(held_json(item)))

    def _unsubscribe(self, room: RoomName) -> None:
        subscriber = self._subscribers.pop(room, None)
        if subscriber is not None:
            self._gateway.services.hub.unsubscribe(subscriber)

    def _start(self, work: Coroutine[Any, Any, None]) -> Task[None]:
        if self._tasks is None:
            self._tasks = set()
        task = self._gateway.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: Task[None]) -> None:
        assert self._tasks is not None
        self._tasks.discard(task)
        if not self._tasks:
            self._tasks = None
        if not task.cancelled() and (error := task.exception()) is not None:
            # A bug. The client would wait for an answer in vain; it may come back.
            log.error("command_failed", exc_info=error)
            self._close(CloseCode.OVERLOAD, "internal error")

    # ── sending and closing ──

    def _send(self, *payloads: bytes) -> None:
        """Write them as a frame each, in one system call."""
        if payloads and not self._is_closing:
            self.write(b"".join(map(encode_frame, payloads)))
            self._hold_back()

    def _hold_back(self) -> None:
        """Hear nothing more from a client that leaves too many answers untaken.

        Until then it is heard: it may say that it leaves.
        """
        if self.is_writable or self._is_closing:
            return
        if self.unsent_bytes() >= self._gateway.settings.write_buffer_bytes:
            self._transport.pause_reading()

    def _flush_protocol(self) -> None:
        """Write what the Sans-I/O protocol wants written: handshake, pongs, closes, EOF."""
        for data in self._ws.data_to_send():
            if data:
                self._outlet.write(data)
                self._hold_back()
            else:
                if not self._is_closing:
                    sent = self._ws.close_sent
                    self._end(sent.code if sent is not None else 1006)
                self._transport.close()

    def _close(self, code: int, reason: str) -> None:
        """Start the closing handshake; nothing is sent after it."""
        if self._is_closing:
            return
        self._end(code)
        if self._ws.state is State.OPEN:
            self._ws.send_close(code, reason)
        self._flush_protocol()

    def _fail(self, code: int, reason: str) -> None:
        """The client broke the protocol: close without waiting for its answer."""
        self._end(code)
        self._ws.fail(code, reason)
        self._flush_protocol()

    def _end(self, code: int) -> None:
        """From here on only the protocol writes, and not for long.

        Closing a transport waits for the peer to take what is unsent; the gateway's timer doesn't.
        """
        self._is_closing = True
        self._close_code = code
        self.write = _drop
        for room in list(self._subscribers):
            self._unsubscribe(room)
        self._transport.resume_reading()  # for the answer to the close frame
        self._gateway.closing(self)

    def _close_when_drained(self) -> None:
        if self._session is not None and self._session.is_idle():
            self._close(CloseCode.RESTART, "restarting")
