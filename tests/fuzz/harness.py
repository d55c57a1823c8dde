"""One connection on a whole server without sockets and without waiting, and what must hold of it.

Bytes go through ``websockets``' parser, our socket, the session and its effects, the writer, a
store in memory and the hub; what comes out is read as a client would read it. No time passes but
what the script lets pass.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import structlog

from livethread.app import compose
from livethread.auth.bots import new_bot
from livethread.auth.identity import SCOPES
from livethread.gateway import Gateway
from livethread.protocol.codec import decode_frame
from livethread.session import Phase
from livethread.settings import Settings
from livethread.socket import Connection
from tests.contract.making import post
from tests.contract.memory_store import MemoryStore
from tests.fuzz.script import SPEAKERS, Kind, Opening, Step, read
from tests.server.virtual import VirtualLoop
from tests.system.peer import CLOSE, CONT, PING, PONG, TEXT, command, frame, upgrade

PORT = 8080
TOKEN = "ltb_fuzz"
SETTINGS = Settings(
    secret="known to the fuzzer, and to nobody else",
    max_connections_per_identity=1,
    max_in_flight=8,
    max_subscriptions=3,
    flood_commands=40,
    ring_entries=16,
    resume_changes=8,
    replay_changes=10,
    write_buffer_bytes=4_096,
    edit_window_s=3_600,
)
LONGEST_WAIT_S = 70
"""After a minute a silent client is closed."""
MAX_UNSENT = 2**20
"""Far above what one answer needs over ``write_buffer_bytes``, far below what hurts."""


class Transport:
    """A socket whose peer takes everything, or nothing for a while; ``protocol`` hears its end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Any) -> None:
        self._loop = loop
        self.protocol = protocol
        self.sent = bytearray()
        self.unsent = bytearray()
        self.is_taking = True
        self.is_reading = True
        self._is_closed = False
        self._is_lost = False
        self._is_full = False
        self._high = 0

    def get_extra_info(self, name: str) -> Any:
        return {"peername": ("127.0.0.9", 1), "socket": self}.get(name)

    def fileno(self) -> int:
        return -1

    def setsockopt(self, *_: Any) -> None:
        pass

    def set_write_buffer_limits(self, high: int) -> None:
        self._high = high

    def get_write_buffer_size(self) -> int:
        return len(self.unsent)

    def write(self, data: bytes) -> None:
        assert data
        assert not self._is_closed, f"written after the end: {data[:100]!r}"
        self.unsent += data
        assert len(self.unsent) <= MAX_UNSENT, "more unsent than a client may cause"
        if self.is_taking:
            self.take()
        elif len(self.unsent) > self._high and not self._is_full:
            self._is_full = True
            self.protocol.pause_writing()

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.write(b"".join(parts))

    def take(self) -> None:
        self.sent += self.unsent
        self.unsent.clear()
        if self._is_full:
            self._is_full = False
            self.protocol.resume_writing()
        if self._is_closed:
            self.lose()

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def is_closing(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        """At once, or when the peer has taken what is unsent."""
        self._is_closed = True
        if not self.unsent:
            self.lose()

    def abort(self) -> None:
        self._is_closed = True
        self.lose()

    def lose(self) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._loop.call_soon(self.protocol.connection_lost, None)


class Server:
    """What all scripts are played on; each gets a new gateway on a new store."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.errors: list[Any] = []
        self._bot, self._token = new_bot("Fuzz", frozenset(SCOPES), "*", 0)
        structlog.configure(processors=[self._note])

    def play(self, script: bytes) -> list[bytes]:
        """The payloads that the connection sent. Raises whatever went wrong."""
        opening, steps = read(script)
        gateway = self.loop.run(self._gateway())
        connections: set[Any] = set()
        state = SimpleNamespace(connections=connections)
        connection = Connection(gateway, config=None, server_state=state, app_state={})
        transport = Transport(self.loop, connection)
        connection.connection_made(transport)
        for step in (*self._greeting(opening), *steps):
            self._step(gateway, connection, transport, step)
            holds(connection, transport)
            self._is_faultless()
        transport.is_taking = True
        transport.take()
        self.loop.settle()
        holds(connection, transport)
        transport.abort()
        self.loop.settle()
        self.loop.run(self._close(gateway))
        self._is_faultless()
        assert not connections
        nothing_is_left(gateway, self.loop)
        return read_as_client(bytes(transport.sent))

    async def _gateway(self) -> Gateway:
        store: Any = MemoryStore()
        await store.add_bot(self._bot)
        await store.commit([post("*one*", nonce="fuzz-one"), post("two", 1, nonce="fuzz-two")])
        return compose(SETTINGS, store)

    @staticmethod
    async def _close(gateway: Gateway) -> None:
        await gateway.services.writer.close()
        await gateway.services.hub.close()

    def _greeting(self, opening: Opening) -> list[Step]:
        if not opening.is_handshake:
            return []
        headers = [("Origin", f"http://127.0.0.1:{PORT}")] if opening.has_origin else []
        if opening.is_deflating:
            headers.append(("Sec-WebSocket-Extensions", "permessage-deflate"))
        greeting = [(Kind.RAW, upgrade(PORT, headers))]
        hello: dict[str, dict[str, Any]] = {
            "anonymous": {},
            "guest": {"guest": {"name": "Mara"}},
            "bot": {"token": self._token},
        }
        speaker = SPEAKERS[opening.speaker]
        if speaker:
            greeting.append((Kind.RAW, command(type="hello", version=1, **hello[speaker])))
            greeting.append((Kind.SETTLE, b""))
        return greeting

    def _step(
        self, gateway: Gateway, connection: Connection, transport: Transport, step: Step
    ) -> None:
        kind, data = step
        match kind:
            case Kind.TEXT | Kind.RAW | Kind.FRAGMENTS | Kind.EOF if transport.is_closing():
                pass  # nothing comes from a closed socket
            case Kind.TEXT:
                connection.data_received(frame(data))
            case Kind.RAW if data:
                connection.data_received(data)
            case Kind.FRAGMENTS:
                half = len(data) // 2
                start, end = frame(data[:half], fin=False), frame(data[half:], CONT)
                connection.data_received(start + frame(b"?", PING) + end)
            case Kind.PAUSE:
                transport.is_taking = False
            case Kind.RESUME:
                transport.is_taking = True
                transport.take()
            case Kind.WAIT:
                for _ in range(min(LONGEST_WAIT_S, 1 + len(data))):
                    self.loop.run(asyncio.sleep(1))
                    self.loop.turn(4)
                    gateway.tick()
            case Kind.SETTLE:
                self.loop.turn(12)
            case Kind.EOF:
                connection.eof_received()

    def _note(self, _: Any, level: str, event: Any) -> Any:
        if level in {"error", "critical", "exception"}:
            self.errors.append(event)
        raise structlog.DropEvent

    def _is_faultless(self) -> None:
        """No error was logged, and nothing failed where nobody looks."""
        errors, self.errors = self.errors, []
        failures, self.loop.failures = self.loop.failures, []
        for found in (*errors, *failures):
            cause = found.get("exc_info") or found.get("exception")
            raise AssertionError(f"{found}") from (
                cause if isinstance(cause, BaseException) else None
            )


def holds(connection: Connection, transport: Transport) -> None:
    """The connection agrees with itself, and keeps no more than it may."""
    session, settings = connection._session, SETTINGS
    assert len(connection._message or b"") <= 4 * settings.max_frame_bytes
    waiting = len(connection._tasks or ()) + len(connection._waiting or ())
    assert waiting <= 2 * settings.max_in_flight + settings.max_subscriptions
    if session is None:
        assert not connection._subscribers
        return
    assert 0 <= session._in_flight <= settings.max_in_flight
    assert len(session._pending) <= settings.max_in_flight
    assert len(session._rooms) <= settings.max_subscriptions
    assert connection._subscribers.keys() <= session._rooms
    if session.phase is Phase.CLOSED:
        assert connection._is_closing
    if session.phase in {Phase.AWAITING_HELLO, Phase.IDENTIFYING} and not session.identity.id:
        assert session.phase is Phase.IDENTIFYING or not session._rooms
    if session._pending:
        assert session.phase in {Phase.IDENTIFYING, Phase.CLOSED}
    if connection._is_closing:
        assert not connection._subscribers
        assert transport.is_reading or transport.is_closing()


def nothing_is_left(gateway: Gateway, loop: asyncio.AbstractEventLoop) -> None:
    """Of a connection that is gone."""
    assert len(gateway) == 0
    assert gateway.stalled_count == 0
    assert not gateway.addresses._counts
    assert not gateway.identities._counts
    assert not any(room.subscribers for _, room in gateway.services.hub.rooms())
    assert not asyncio.all_tasks(loop)


def read_as_client(sent: bytes) -> list[bytes]:
    """The payloads: a handshake's answer, then frames that can be read, no data behind a close."""
    if not sent:
        return []
    head, _, rest = sent.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101 "):
        assert head.startswith(b"HTTP/1.1 "), head[:100]
        return [head]
    found, is_closed = [head], False
    while rest:
        opcode, data, rest = _frame(rest)
        found.append(data)
        assert opcode == PONG or (opcode in {TEXT, CLOSE} and not is_closed)
        if opcode == TEXT:
            decode_frame(data)
        if opcode == CLOSE:
            is_closed = True
            if not data:
                continue
            code = int.from_bytes(data[:2], "big")
            assert 1000 <= code < 5000
            assert code not in {1004, 1005, 1006, 1015}
            data[2:].decode()
    return found


def _frame(data: bytes) -> tuple[int, bytes, bytes]:
    """The first of a server's frames: its opcode and payload, inflated, and what follows."""
    length, start = data[1], 2
    assert not length & 0x80, "a server masks nothing"
    assert data[0] & 0x80, "and cuts nothing into pieces"
    if length == 126:
        length, start = int.from_bytes(data[2:4], "big"), 4
    elif length == 127:
        length, start = int.from_bytes(data[2:10], "big"), 10
    payload, rest = data[start : start + length], data[start + length :]
    assert len(payload) == length
    if data[0] & 0x40:
        payload = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
    return data[0] & 0x0F, payload, rest
