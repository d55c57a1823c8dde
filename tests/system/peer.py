"""A websocket client by hand: it reads only when asked, and sends whatever it is told.

``websockets``' own client would refuse most of what these tests have to send, and it reads ahead,
so that nobody could stop reading.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

PATIENCE_S = 20
"""For whatever must happen: long enough for a busy machine, short enough to end."""

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

Headers = list[tuple[str, str]]


class Frame(NamedTuple):
    """A frame as it came; ``rsv1`` marks a compressed one."""

    opcode: int
    data: bytes
    fin: bool = True
    rsv1: bool = False


class Refused(Exception):
    """The handshake got another answer than 101."""

    def __init__(self, status: int, head: str, body: bytes) -> None:
        super().__init__(f"{status}: {body[:200]!r}")
        self.status = status
        self.head = head
        self.body = body


class Ended(ConnectionError):
    """The server closed the connection; ``code`` is 1006 if it said nothing."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"closed with {code} {reason}")
        self.code = code
        self.reason = reason


def frame(
    data: bytes, opcode: int = TEXT, *, fin: bool = True, rsv: int = 0, is_masked: bool = True
) -> bytes:
    """One frame from a client, masked with zeros."""
    head = bytearray([(0x80 if fin else 0) | rsv << 4 | opcode])
    mask = 0x80 if is_masked else 0
    if len(data) < 126:
        head.append(mask | len(data))
    elif len(data) < 65536:
        head += struct.pack("!BH", mask | 126, len(data))
    else:
        head += struct.pack("!BQ", mask | 127, len(data))
    return bytes(head) + (bytes(4) if is_masked else b"") + data


def command(**fields: Any) -> bytes:
    return frame(json.dumps(fields).encode())


def upgrade(port: int, headers: Headers | None = None, path: str = "/ws") -> bytes:
    """The handshake's request; ``headers`` come after the usual ones."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers or []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Peer:
    """One connection. What it does not ask for stays in the kernel's buffers."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray()
        self.received_bytes = 0
        self.extensions = ""

    @classmethod
    async def dial(
        cls, port: int, *, receive_buffer: int | None = None, source: str | None = None
    ) -> Peer:
        """A TCP connection, nothing said yet; ``source`` is the loopback address to call from."""
        connection = socket.socket()
        connection.setblocking(False)
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            if source is not None:
                connection.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
        except BaseException:
            connection.close()
            raise
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(connection)

    @classmethod
    async def open(
        cls,
        port: int,
        *,
        origin: str | None = "self",
        headers: Headers | None = None,
        receive_buffer: int | None = None,
        source: str | None = None,
        site: str | None = None,
    ) -> Peer:
        """An open websocket; ``origin`` None sends none. Raises ``Refused``."""
        peer = await cls.dial(port, receive_buffer=receive_buffer, source=source)
        try:
            await peer.upgrade(port, origin=origin, headers=headers, site=site)
        except BaseException:
            peer.close()
            raise
        return peer

    @classmethod
    async def speaking(cls, port: int, *, token: str | None = None, **options: Any) -> Peer:
        """An open websocket after its ``welcome``: a bot's with ``token``, else a reader's."""
        peer = await cls.open(port, **options)
        hello = {"version": 1} if token is None else {"version": 1, "token": token}
        try:
            await peer.say(type="hello", **hello)
            await peer.hear("welcome")
        except BaseException:
            peer.close()
            raise
        return peer

    async def upgrade(
        self,
        port: int,
        *,
        origin: str | None = "self",
        headers: Headers | None = None,
        but_for: bytes = b"",
        site: str | None = None,
    ) -> None:
        """Make a connection a websocket. Raises ``Refused``.

        ``but_for`` is what was sent of the request before.
        """
        given = list(headers or [])
        if origin is not None:
            own = f"http://127.0.0.1:{port}"
            given.append(("Origin", own if origin == "self" else origin))
        path = "/ws" if site is None else f"/ws?site={site}"
        await self.send(upgrade(port, given, path).removeprefix(but_for))
        async with asyncio.timeout(PATIENCE_S):
            while b"\r\n\r\n" not in self._buffer:
                if not await self._receive():
                    raise Ended(1006)
            end = self._buffer.index(b"\r\n\r\n") + 4
            head = self._buffer[:end].decode("latin-1")
            del self._buffer[:end]
            status = int(head.split(" ", 2)[1])
            if status != 101:
                while await self._receive():
                    pass
                raise Refused(status, head, bytes(self._buffer))
        assert ACCEPT in head
        for line in head.split("\r\n"):
            name, _, value = line.partition(": ")
            if name.lower() == "sec-websocket-extensions":
                self.extensions = value

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        self._socket.close()

    def reset(self) -> None:
        """Be gone with a RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def shutdown(self) -> None:
        """Half-close: nothing more will be sent."""
        self._socket.shutdown(socket.SHUT_WR)

    # ── sending ──

    async def send(self, data: bytes) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def say(self, **fields: Any) -> None:
        await self.send(command(**fields))

    # ── receiving ──

    async def _receive(self, most: int = 65536) -> int:
        data = await asyncio.get_running_loop().sock_recv(self._socket, most)
        self._buffer += data
        self.received_bytes += len(data)
        return len(data)

    async def take(self, most: int) -> int:
        """Take up to that many bytes out of the kernel, to be read later; 0 at the end."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._receive(most)

    def buffered(self) -> Iterator[Frame]:
        """The whole frames that have been received."""
        while (found := self._next()) is not None:
            yield found

    def _next(self) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 0x7F, 2
        assert not buffer[1] & 0x80, "the server masked a frame"
        if length == 126:
            length, start = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < start + length:
            return None
        head = buffer[0]
        data = bytes(buffer[start : start + length])
        del buffer[: start + length]
        return Frame(head & 0x0F, data, bool(head & 0x80), bool(head & 0x40))

    async def frame(self) -> Frame:
        """The next frame. Raises ``Ended`` at the end of the stream."""
        async with asyncio.timeout(PATIENCE_S):
            while (found := self._next()) is None:
                try:
                    if not await self._receive():
                        raise Ended(1006)
                except ConnectionResetError as error:
                    raise Ended(1006, "reset") from error
            return found

    async def message(self) -> dict[str, Any]:
        """The next text frame's object, pings and pongs passed over. Raises ``Ended``."""
        while True:
            found = await self.frame()
            if found.opcode == TEXT:
                assert found.fin
                assert not found.rsv1
                message: dict[str, Any] = json.loads(found.data)
                return message
            if found.opcode == CLOSE:
                raise Ended(*_close(found.data))

    async def hear(self, *types: str, **fields: Any) -> dict[str, Any]:
        """The next message of one of these types with these fields; others are passed over."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self.message()
                if message["type"] in types and fields.items() <= message.items():
                    return message

    async def ended(self, *, is_polite: bool = True) -> Ended:
        """Read to the end; how the server closed. No data may follow its close frame.

        Unless polite, its close frame is not answered.
        """
        said: Ended | None = None
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    found = await self.frame()
                except Ended as end:
                    return said or end
                assert said is None or found.opcode in (PING, PONG), f"after the close: {found}"
                if found.opcode == CLOSE:
                    said = Ended(*_close(found.data))
                    if is_polite:
                        with suppress(ConnectionError):
                            await self.send(frame(found.data, CLOSE))

    async def ping(self) -> None:
        """Return when the server has answered: it lives, and so does this connection."""
        await self.say(type="ping", t=7)
        await self.hear("pong", t=7)


def _close(data: bytes) -> tuple[int, str]:
    return (int.from_bytes(data[:2], "big"), data[2:].decode()) if data else (1005, "")


@contextmanager
def closing(*peers: Peer) -> Iterator[None]:
    try:
        yield
    finally:
        for peer in peers:
            peer.close()


async def until(is_true: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return once it is true; for what can only be looked at from outside."""
    end = time.monotonic() + patience_s
    while not is_true():
        assert time.monotonic() < end, f"never happened: {what}"
        await asyncio.sleep(0.01)


async def fill(port: int, token: str, room: str, posts: int, body_chars: int = 15_000) -> int:
    """Post that much to a room; the seq of the last comment."""
    peer = await Peer.speaking(port, token=token)
    with closing(peer):
        body = "x" * body_chars
        for start in range(0, posts, 50):
            numbers = range(start, min(start + 50, posts))
            for number in numbers:
                await peer.say(type="post", room=room, nonce=f"{room}-{number:06}", body=body)
            for _ in numbers:
                seq = (await peer.hear("ack"))["seq"]
    return int(seq)
