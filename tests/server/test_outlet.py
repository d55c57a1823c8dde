from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from random import Random

import pytest

from livethread.outlet import Outlet, broadcast


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def pair(stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
    ours.setblocking(False)
    return ours, theirs


def fill(ours: socket.socket) -> None:
    while True:
        try:
            ours.send(b"x" * 65_536)
        except BlockingIOError:
            return


def test_broadcast_passes_over_who_is_full_or_gone(stack: ExitStack) -> None:
    pairs = [pair(stack) for _ in range(5)]
    fill(pairs[1][0])
    pairs[2][1].close()
    sent = broadcast([ours for ours, _ in pairs], b"word")
    assert sent == [4, 0, 0, 4, 4]
    assert [pairs[i][1].recv(100) for i in (0, 3, 4)] == [b"word"] * 3


def test_broadcast_says_how_much_was_taken(stack: ExitStack) -> None:
    ours, theirs = pair(stack)
    data = bytes(4_000_000)
    (sent,) = broadcast([ours], data)
    assert 0 < sent < len(data)
    theirs.settimeout(5)
    left = sent
    while left:
        left -= len(theirs.recv(left))


class Writer(asyncio.Protocol):
    outlet: Outlet

    def __init__(self) -> None:
        self.is_writable = True
        self.made = asyncio.get_running_loop().create_future()
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.outlet = Outlet(transport, 65_536)
        self.made.set_result(None)

    def pause_writing(self) -> None:
        self.is_writable = False

    def resume_writing(self) -> None:
        self.is_writable = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.outlet.close()
        self.lost.set_result(None)


@pytest.fixture
async def connected() -> AsyncIterator[tuple[Writer, asyncio.StreamReader]]:
    loop = asyncio.get_running_loop()
    made: asyncio.Future[Writer] = loop.create_future()

    def make() -> Writer:
        made.set_result(Writer())
        return made.result()

    server = await loop.create_server(make, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    ours = await made
    await ours.made
    yield ours, reader
    ours.transport.abort()
    await ours.lost
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


def chunks() -> Iterator[bytes]:
    """Each one tells which it is, all the way through."""
    random = Random(1)
    for number in itertools.count():
        yield b"%06d," % number * random.choice([1, 50, 3_000, 40_000])


async def test_the_bytes_of_all_ways_come_whole_and_in_order(
    connected: tuple[Writer, asyncio.StreamReader],
) -> None:
    writer, reader = connected
    outlet, expected, pauses = writer.outlet, bytearray(), 0
    ways = itertools.cycle(["write", "lines", "broadcast", "write"])
    taken = 0
    for chunk in itertools.islice(chunks(), 400):
        way = next(ways)
        if way == "lines":
            outlet.writelines([chunk[:5], chunk[5:]])
        elif way == "broadcast" and writer.is_writable:
            assert outlet.socket is not None
            (sent,) = broadcast([outlet.socket], chunk)
            if sent < len(chunk):
                outlet.write_rest(chunk, sent)
        else:
            outlet.write(chunk)
        expected += chunk
        assert writer.is_writable == (writer.transport.get_write_buffer_size() == 0)
        if not writer.is_writable:
            pauses += 1
            size = min(len(expected) - taken, 300_000)
            assert await reader.readexactly(size) == expected[taken : taken + size]
            taken += size
    assert pauses > 10
    assert await reader.readexactly(len(expected) - taken) == expected[taken:]


async def test_a_closed_outlet_has_no_socket(
    connected: tuple[Writer, asyncio.StreamReader],
) -> None:
    writer, _ = connected
    lent = writer.outlet.socket
    assert lent is not None
    writer.transport.abort()
    assert lent.fileno() >= 0  # the transport still holds it
    await asyncio.shield(writer.lost)
    assert writer.outlet.socket is None
    assert lent.fileno() == -1  # or the end of this object would close another's
