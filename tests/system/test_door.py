"""Where everyone comes in: whatever the first bytes are, they reach whom they are for."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from livethread.door import Door, is_upgrade
from livethread.http import HttpConnection
from livethread.socket import Connection
from tests.system.data import Seeded
from tests.system.inside import Inside, serving_inside
from tests.system.peer import Ended, Peer, closing, command, until, upgrade

UNSENT = 8_192
TCP_NOTSENT_LOWAT = 25


@pytest.fixture
async def inside(
    tmp_path: Path, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Inside]:
    seeded.copy_to(tmp_path)
    async with serving_inside(
        tmp_path / "data",
        monkeypatch,
        write_buffer_bytes=UNSENT,
        max_connections_per_address=2,
        drain_s=60,
        request_deadline_s=60,
    ) as made:
        yield made


def kinds(inside: Inside) -> list[type]:
    return sorted(map(type, inside.connections), key=str)


@pytest.mark.parametrize(
    "request_",
    [
        upgrade(80),
        upgrade(80).replace(b"Upgrade: websocket", b"upGRADE:\t WebSocket "),
        upgrade(80).replace(b"/ws", b"/ws?a=b"),
        upgrade(80, [("Sec-WebSocket-Extensions", "permessage-deflate")]),
        upgrade(80) + command(type="hello", version=1),
        b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_whole_request_for_a_websocket_is_one_whatever_else_it_says(request_: bytes) -> None:
    assert is_upgrade(request_)


@pytest.mark.parametrize(
    "request_",
    [
        *(upgrade(80)[:size] for size in range(0, len(upgrade(80)), 7)),
        upgrade(80)[:-1],
        upgrade(80, path="/wsx"),
        upgrade(80, path="/api/v1/rooms/ws"),
        upgrade(80).replace(b"GET", b"POST"),
        upgrade(80).replace(b"Upgrade: websocket", b"Upgrade: h2c"),
        upgrade(80).replace(b"Upgrade: websocket", b"X-Upgrade: websocket"),
        b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\nUpgrade: websocket\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_everything_else_is_for_uvicorn(request_: bytes) -> None:
    assert not is_upgrade(request_)


async def test_request_becomes_a_websocket_whole_or_in_pieces(inside: Inside) -> None:
    for first in (b"", b"GET /ws HT"):
        peer = await Peer.dial(inside.port)
        with closing(peer):
            await until(lambda: kinds(inside) == [Door], "it has come in")
            if first:
                await peer.send(first)
                await until(lambda: kinds(inside) == [HttpConnection], "uvicorn waits for more")
            await peer.upgrade(inside.port, but_for=first)
            assert kinds(inside) == [Connection]
            await peer.say(type="hello", version=1)
            await peer.hear("welcome")
        await until(lambda: not inside.connections, "it is forgotten")


async def test_connection_that_was_used_for_http_can_still_become_a_websocket(
    inside: Inside,
) -> None:
    """A proxy that keeps its connections open may use any of them."""
    peer = await Peer.dial(inside.port)
    with closing(peer):
        await peer.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(20):
            while b"200 OK" not in peer._buffer or not peer._buffer.endswith(b"ok\n"):
                assert await peer.take(4096), peer._buffer
        peer._buffer.clear()
        await peer.upgrade(inside.port)
        await peer.say(type="hello", version=1)
        await peer.hear("welcome")


async def test_what_is_sent_in_one_breath_with_the_request_is_heard(inside: Inside) -> None:
    peer = await Peer.dial(inside.port)
    with closing(peer):
        origin = ("Origin", f"http://127.0.0.1:{inside.port}")
        await peer.send(upgrade(inside.port, [origin]) + command(type="hello", version=1))
        await peer.send(command(type="ping", t=7))
        async with asyncio.timeout(20):
            while b"\r\n\r\n" not in peer._buffer:
                assert await peer.take(4096)
        del peer._buffer[: peer._buffer.index(b"\r\n\r\n") + 4]
        await peer.hear("welcome")
        assert (await peer.hear("pong"))["t"] == 7


async def test_who_says_nothing_is_counted_until_gone(inside: Inside) -> None:
    silent = [await Peer.dial(inside.port) for _ in range(2)]
    with closing(*silent):
        await until(lambda: kinds(inside) == [Door, Door], "both have come in")
        late = await Peer.dial(inside.port)
        with closing(late), pytest.raises(Ended):
            await late.frame()
        assert inside.gateway.stats.refused == 1
        await silent[0].upgrade(inside.port)  # counts anew
        late = await Peer.dial(inside.port)
        with closing(late):
            await late.upgrade(inside.port)
    await until(lambda: not inside.connections, "all have left")
    assert not inside.gateway.visitors._counts
    assert not inside.gateway.addresses._counts


async def test_stopping_closes_who_says_nothing(inside: Inside) -> None:
    peer = await Peer.dial(inside.port)
    with closing(peer):
        await until(lambda: kinds(inside) == [Door], "it has come in")
        inside.server.should_exit = True
        with pytest.raises(Ended):
            await peer.frame()
    await until(lambda: not inside.connections, "it is forgotten")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own number")
async def test_kernel_holds_little_that_is_unsent_of_whoever_comes_in(inside: Inside) -> None:
    with closing(await Peer.open(inside.port)):
        (connection,) = inside.connections
        theirs = connection._transport.get_extra_info("socket")
        assert theirs.getsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT) == UNSENT
