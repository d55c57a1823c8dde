"""Requests that never arrive, answers that nobody takes, floods: let go of; others are served."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.conftest import Shared
from tests.system.data import Seeded
from tests.system.peer import PATIENCE_S, Peer, closing, fill, until, upgrade

DEADLINE_S, HELLO_S, STALL_S = 1.0, 0.5, 0.6
SLACK_S = 1.5
PER_ADDRESS = 100

IMPATIENT = {
    "request_deadline_s": DEADLINE_S,
    "hello_deadline_s": HELLO_S,
    "stall_s": STALL_S,
    "max_connections_per_address": PER_ADDRESS,
    "max_body_chars": 20_000,
    "max_frame_bytes": 65_536,
    "page_bytes": 4 * 2**20,
}

PIECES: dict[str, tuple[bytes, bytes]] = {
    "nothing": (b"", b""),
    "a letter": (b"G", b""),
    "half a request": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b""),
    "endless headers": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"X-Y: z\r\n"),
    "an endless path": (b"GET /", b"a"),
    "empty lines": (b"\r\n", b"\r\n"),
    "half a handshake": (upgrade(80)[:-2], b""),
    "half a handshake, then headers": (upgrade(80)[:-2], b"X-Y: z\r\n"),
    "a handshake and silence": (upgrade(80), b""),
    "half a body": (
        b"POST /api/v1/rooms/r/comments HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
        b"{",
    ),
    "half a body that nobody asked for": (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
        b"{",
    ),
    "a whole request, then half of one": (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\n",
        b"X-Y: z\r\n",
    ),
    "a whole request, then empty lines": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n"),
}
"""What is sent at once, and what trickles in after it."""


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, seeded: Seeded) -> Iterator[Shared]:
    directory = tmp_path_factory.mktemp("half")
    seeded.copy_to(directory)
    with serving(directory, **UNLIMITED, **IMPATIENT) as process:
        yield Shared(process, seeded.all_token, seeded.post_token)
        assert "Traceback" not in process.log.read_text()


async def _closed_after(port: int, first: bytes, then: bytes, pause_s: float) -> float:
    """Seconds until the server closed the connection, whatever it answered first."""
    peer = await Peer.dial(port)
    started = time.monotonic()

    async def trickle() -> None:
        with suppress(ConnectionError):
            while then:
                await asyncio.sleep(pause_s)
                await peer.send(then)

    with closing(peer):
        with suppress(ConnectionError):
            await peer.send(first)
        trickling = asyncio.create_task(trickle())
        with suppress(ConnectionError):
            while await peer.take(65_536):
                pass
        trickling.cancel()
        await asyncio.gather(trickling, return_exceptions=True)
    return time.monotonic() - started


async def test_requests_that_never_arrive_are_closed_in_time_and_others_are_served(
    impatient: Shared,
) -> None:
    longest_s = max(DEADLINE_S, HELLO_S + 2) + SLACK_S  # two seconds to answer a close
    waiting = [
        asyncio.create_task(_closed_after(impatient.port, *pieces, DEADLINE_S / 10))
        for pieces in PIECES.values()
        for _ in range(PER_ADDRESS // 2 // len(PIECES))
    ]
    while not all(task.done() for task in waiting):
        await _is_served(impatient.port)
    took_s = [task.result() for task in waiting]
    assert min(took_s) >= HELLO_S - 0.1
    assert max(took_s) < longest_s


@pytest.mark.slow
async def test_thousand_half_requests_are_closed_within_ten_seconds(
    tmp_path_factory: pytest.TempPathFactory, seeded: Seeded
) -> None:
    """With the default deadlines."""
    directory = tmp_path_factory.mktemp("thousand")
    seeded.copy_to(directory)
    with serving(directory, **UNLIMITED, max_connections_per_address=0) as server:
        sockets = _sockets(server)
        waiting = [
            asyncio.create_task(_closed_after(server.port, *pieces, 0.5))
            for pieces in PIECES.values()
            for _ in range(1 + 1_000 // len(PIECES))
        ]
        assert len(waiting) >= 1_000
        while not all(task.done() for task in waiting):
            await _is_served(server.port)
        assert max(task.result() for task in waiting) <= 10
        await until(lambda: _sockets(server) <= sockets, "no connection is left behind")
        assert "Traceback" not in server.log.read_text()


async def test_flood_of_connections_from_one_address_leaves_room_for_others(
    impatient: Shared,
) -> None:
    sockets = _sockets(impatient.process)
    flood = [await Peer.dial(impatient.port) for _ in range(4 * PER_ADDRESS)]
    with closing(*flood):
        # What is over the bound is closed at once, long before the deadline.
        await _ended(flood[-1])
        assert _sockets(impatient.process) <= sockets + PER_ADDRESS
        await _is_served(impatient.port, near="127.0.0.2")
        await asyncio.gather(*map(_ended, flood))  # the rest, in time
        await _is_served(impatient.port)
    await until(lambda: _sockets(impatient.process) <= sockets, "no connection is left behind")


async def test_flood_of_websockets_leaves_room_for_requests(impatient: Shared) -> None:
    """They are counted apart: a full house can still say so, and be watched."""
    peers = [await Peer.speaking(impatient.port) for _ in range(PER_ADDRESS)]
    with closing(*peers):
        status = await _get(impatient.port, "/healthz")
        assert status.startswith(b"HTTP/1.1 200 ")
        late = await Peer.dial(impatient.port)
        with closing(late):
            await late.send(upgrade(impatient.port))
            assert await late.take(65_536)
            assert late._buffer.startswith(b"HTTP/1.1 503 ")


LONG_PAGE = "/api/v1/rooms/taken/comments?limit=100"


async def test_answer_that_nobody_takes_is_given_up(impatient: Shared) -> None:
    await fill(impatient.port, impatient.all_token, "taken", 100)
    deaf = await Peer.dial(impatient.port, receive_buffer=4_096)
    with closing(deaf):
        await deaf.send(f"GET {LONG_PAGE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert await deaf.take(1)
        assert _holds(impatient.process, deaf)
        await until(lambda: not _holds(impatient.process, deaf), "it is let go of")


async def test_stream_of_events_that_nobody_reads_is_given_up(impatient: Shared) -> None:
    deaf = await Peer.dial(impatient.port, receive_buffer=4_096)
    with closing(deaf):
        await deaf.send(b"GET /api/v1/rooms/streamed/events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await deaf.take(1)
        assert await _streams(impatient.port) == 1
        await fill(impatient.port, impatient.all_token, "streamed", 100)
        async with asyncio.timeout(PATIENCE_S):
            while await _streams(impatient.port):  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.05)


async def _streams(port: int) -> int:
    metrics = await _get(port, "/metrics")
    return int(float(metrics.partition(b'livethread_connections{transport="http"} ')[2].split()[0]))


async def test_answer_that_is_taken_slowly_arrives_whole(impatient: Shared) -> None:
    """For longer than a stall lasts, at 300 KB/s."""
    await fill(impatient.port, impatient.all_token, "taken", 100)
    slow = await Peer.dial(impatient.port, receive_buffer=32_768)
    request = f"GET {LONG_PAGE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with closing(slow):
        await slow.send(request.encode())
        started = time.monotonic()
        while time.monotonic() < started + 3 * STALL_S:
            assert await slow.take(8_192), "the server has closed the connection"
            await asyncio.sleep(0.025)  # its pace
        while await slow.take(65_536):
            pass
        head, _, body = bytes(slow._buffer).partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head.lower()
    assert len(body) > 1_500_000


async def _ended(peer: Peer) -> None:
    with suppress(ConnectionError):
        while await peer.take(65_536):
            pass


async def _is_served(port: int, near: str = "127.0.0.1") -> None:
    """A page over HTTP, and a reader over a websocket."""
    assert (await _get(port, "/healthz", near)).startswith(b"HTTP/1.1 200 ")
    if near == "127.0.0.1":
        peer = await Peer.speaking(port)
        with closing(peer):
            await peer.ping()


async def _get(port: int, path: str, near: str = "127.0.0.1") -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(near, 0))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


def _holds(server: ServerProcess, peer: Peer) -> bool:
    """True while the server has a connection to the peer open."""
    found = psutil.Process(server.process.pid).net_connections("tcp")
    return any(peer.port in connection.raddr[1:] for connection in found)


def _sockets(server: ServerProcess) -> int:
    """Not its files: the Store opens another connection when two read at once, and keeps it."""
    return len(psutil.Process(server.process.pid).net_connections())
