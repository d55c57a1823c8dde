"""Some readers stop reading: the others get everything, and the server's memory is safe."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from tests.system.conftest import IMPATIENT, Shared
from tests.system.peer import PATIENCE_S, TEXT, Peer, closing, command, fill, until

KIB = 1024
BODY_CHARS = 15_000
POSTS = 400
"""6 MB: more than the kernel would take for a reader who takes nothing."""

_RANGE = re.compile(rb'\{"type":"changes","room":"[a-z0-9-]+","from":(\d+),"to":(\d+),')


class Follower:
    """A reader that checks that every range follows the one before."""

    def __init__(self, peer: Peer, session: str) -> None:
        self.peer = peer
        self.session = session
        self.seq = 0

    @classmethod
    async def of(cls, server: Shared, room: str, receive_buffer: int | None = None) -> Follower:
        peer = await Peer.open(server.port, receive_buffer=receive_buffer)
        await peer.say(type="hello", version=1)
        session = (await peer.hear("welcome"))["session"]
        await peer.say(type="join", room=room)
        await peer.hear("joined")
        return cls(peer, session)

    async def follow(self, until_seq: int) -> None:
        async with asyncio.timeout(3 * PATIENCE_S):
            while self.seq < until_seq:
                data = (await self.peer.frame()).data
                self.take(data)
                if b"heartbeat" in data[:30]:
                    await self.peer.say(type="ping")

    def take(self, data: bytes) -> None:
        found = _RANGE.match(data)
        if found is not None:
            assert int(found[1]) == self.seq
            self.seq = int(found[2])


@pytest.mark.parametrize(
    ("readers", "stalled", "posts"),
    # Of more bytes for 500, those who read would fall behind in this one process.
    [(20, 5, POSTS), pytest.param(500, 50, POSTS // 4, marks=pytest.mark.slow)],
)
async def test_stalled_readers_cost_little_and_the_others_get_everything(
    impatient: Shared, readers: int, stalled: int, posts: int
) -> None:
    room = f"stalled-{stalled}"
    live = [await Follower.of(impatient, room) for _ in range(readers)]
    deaf = [await Follower.of(impatient, room, 32 * KIB) for _ in range(stalled)]
    with closing(*(follower.peer for follower in (*live, *deaf))):
        following = asyncio.gather(*(follower.follow(posts) for follower in live))
        before = impatient.rss_bytes
        await fill(impatient.port, impatient.all_token, room, posts, BODY_CHARS)
        await following
        # What the room itself holds: the ring, frames, the database's caches.
        assert impatient.rss_bytes - before < stalled * 256 * KIB + 24 * KIB * KIB
        started = time.monotonic()
        for follower in deaf:
            await until(
                lambda follower=follower: impatient.closed_with(follower.session) is not None,  # type: ignore[misc]
                "stalled reader closed",
            )
            assert impatient.closed_with(follower.session) == 4002
        assert time.monotonic() - started < IMPATIENT["stall_s"] + 2 + 1.5
    late = await Follower.of(impatient, room)
    with closing(late.peer):
        await late.peer.ping()


async def test_slow_reader_is_kept_and_loses_nothing(impatient: Shared) -> None:
    """It takes a tenth of what a reader may take who is to be kept, for longer than a stall lasts.

    20 KB/s against the default of 15 s is 300 KB/s against 1 s.
    """
    slow = await Follower.of(impatient, "slow", 32 * KIB)
    with closing(slow.peer):
        posting = asyncio.create_task(
            fill(impatient.port, impatient.all_token, "slow", POSTS, BODY_CHARS)
        )
        started = time.monotonic()
        while time.monotonic() < started + 2.5 * IMPATIENT["stall_s"]:
            assert await slow.peer.take(8 * KIB), "the server has closed the connection"
            await asyncio.sleep(0.025)  # its pace
        await posting
        assert slow.peer.received_bytes < POSTS * BODY_CHARS / 2
        for found in slow.peer.buffered():
            assert found.opcode == TEXT
            slow.take(found.data)
        await slow.follow(POSTS)
        await slow.peer.ping()


async def test_pages_are_not_read_for_who_does_not_take_them(server: Shared) -> None:
    """A hundred of 256 KiB, asked for in one breath, of a server that waits for who stalls."""
    await fill(server.port, server.all_token, "pages", 100, 4_900)
    greedy = await Peer.speaking(server.port, receive_buffer=32 * KIB)
    with closing(greedy):
        before = server.rss_bytes
        asked = [command(type="page", room="pages", limit=100, ref=f"{n}") for n in range(100)]
        joins = [command(type="join", room="pages", limit=100, ref=f"j{n}") for n in range(20)]
        await greedy.send(b"".join(asked + joins))
        most = before
        for _ in range(50):
            other = await Peer.speaking(server.port)
            with closing(other):
                await other.say(type="page", room="pages", limit=1)
                await other.hear("page")
            most = max(most, server.rss_bytes)
        assert most - before < 12 * KIB * KIB
        refs = [(await greedy.hear("page"))["ref"] for _ in range(100)]
        assert refs == [f"{n}" for n in range(100)]
