"""Who does not speak, does not read or does not let go is let go of; who is merely slow is not."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serverprocess import UNLIMITED, serving
from tests.system.conftest import IMPATIENT, Shared
from tests.system.data import Seeded
from tests.system.inside import Inside, serving_inside
from tests.system.peer import BINARY, CLOSE, PING, Ended, Peer, closing, fill, frame, until

HEARTBEAT_S, SILENCE_S = IMPATIENT["heartbeat_s"], IMPATIENT["silence_s"]
GRACE_S = 2
"""For the answer to a close frame."""
SLACK_S = 1.5
"""For the timer's ticks and a busy machine."""


async def test_silence_before_hello_is_closed_with_4003(impatient: Shared) -> None:
    started = time.monotonic()
    peer = await Peer.open(impatient.port)
    with closing(peer):
        assert (await peer.ended()).code == 4003
    took_s = time.monotonic() - started
    assert IMPATIENT["hello_deadline_s"] - 0.1 <= took_s
    assert took_s < IMPATIENT["hello_deadline_s"] + SLACK_S


async def test_pings_and_half_a_hello_do_not_extend_the_hello_deadline(impatient: Shared) -> None:
    peer = await Peer.open(impatient.port)
    with closing(peer):
        await peer.send(frame(b"", PING) + frame(b'{"type":"hello"', fin=False))
        assert (await peer.ended()).code == 4003


async def test_another_first_command_is_closed_with_4502(impatient: Shared) -> None:
    peer = await Peer.open(impatient.port)
    with closing(peer):
        await peer.say(type="join", room="r")
        assert (await peer.ended()).code == 4502


async def test_heartbeats_come_in_their_interval(impatient: Shared) -> None:
    peer = await Peer.speaking(impatient.port)
    with closing(peer):
        await peer.hear("heartbeat")
        started = time.monotonic()
        for _ in range(3):
            await peer.hear("heartbeat")
            await peer.say(type="ping")
        took_s = time.monotonic() - started
    assert 2 * HEARTBEAT_S < took_s < 3 * HEARTBEAT_S + SLACK_S


async def test_silent_client_is_closed_with_4003(impatient: Shared) -> None:
    started = time.monotonic()
    peer = await Peer.speaking(impatient.port)
    with closing(peer):
        end = await peer.ended()
    assert end.code == 4003
    assert SILENCE_S <= time.monotonic() - started < SILENCE_S + HEARTBEAT_S + SLACK_S


async def test_websocket_pings_are_a_sign_of_life(impatient: Shared) -> None:
    peer = await Peer.speaking(impatient.port)
    with closing(peer):
        started = time.monotonic()
        while time.monotonic() < started + SILENCE_S + 2 * HEARTBEAT_S:
            await peer.hear("heartbeat")
            await peer.send(frame(b"", PING))
        await peer.ping()


async def test_nothing_follows_a_close_frame_and_its_answer_is_not_waited_for_long(
    impatient: Shared,
) -> None:
    """No heartbeats, no changes: ``ended`` fails if anything follows."""
    peer = await Peer.speaking(impatient.port)
    with closing(peer):
        await peer.say(type="join", room="left-behind")
        await peer.hear("joined")
        started = time.monotonic()
        await peer.send(frame(b"", BINARY))
        posting = asyncio.create_task(fill(impatient.port, impatient.post_token, "left-behind", 50))
        assert (await peer.ended(is_polite=False)).code == 4501
        assert GRACE_S - 0.5 < time.monotonic() - started < GRACE_S + SLACK_S
        await posting


async def test_client_that_reads_slowly_is_not_silent(impatient: Shared) -> None:
    """While its buffer is full the server reads nothing from it: taking bytes is a sign of life."""
    await fill(impatient.port, impatient.all_token, "slowly", 400)
    reader = await Peer.speaking(impatient.port, token=impatient.all_token, receive_buffer=16_384)
    with closing(reader):
        await reader.say(type="join", room="slowly", since="0")
        started = time.monotonic()
        while time.monotonic() < started + 2 * SILENCE_S:
            assert await reader.take(8_192), "the server has closed the connection"
            await asyncio.sleep(0.02)  # its pace: some 400 KB/s
        seq = 0
        while seq < 400:
            message = await reader.hear("changes")
            assert message["from"] == seq
            seq = message["to"]
        await reader.ping()


async def test_client_whose_buffer_is_full_is_not_silent_nor_just_after(
    tmp_path: Path, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.copy_to(tmp_path)
    async with serving_inside(tmp_path / "data", monkeypatch) as inside:
        peer = await Peer.speaking(inside.port)
        with closing(peer):
            (connection,) = inside.connections
            connection.pause_writing()
            connection.heard_at -= 2 * inside.gateway.settings.silence_s
            _visit_all(inside)
            connection.resume_writing()
            _visit_all(inside)
            await peer.ping()


def _visit_all(inside: Inside) -> None:
    """What the timer does in one heartbeat interval."""
    gateway = inside.gateway
    for _ in range(round(2 * gateway.settings.heartbeat_s)):
        gateway.tick()


async def test_client_that_stops_reading_is_closed_with_4002(impatient: Shared) -> None:
    await fill(impatient.port, impatient.all_token, "stalls", 400)
    reader = await Peer.open(impatient.port, receive_buffer=16_384)
    with closing(reader):
        await reader.say(type="hello", version=1, token=impatient.all_token)
        session = (await reader.hear("welcome"))["session"]
        await reader.say(type="join", room="stalls", since="0")
        started = time.monotonic()
        await until(lambda: impatient.closed_with(session) is not None, "stalled reader closed")
        assert time.monotonic() - started < IMPATIENT["stall_s"] + GRACE_S + SLACK_S
        assert impatient.closed_with(session) == 4002


async def test_client_that_reads_again_in_time_is_told_4002(impatient: Shared) -> None:
    await fill(impatient.port, impatient.all_token, "resumes", 400)
    reader = await Peer.speaking(impatient.port, token=impatient.all_token, receive_buffer=16_384)
    with closing(reader):
        await reader.say(type="join", room="resumes", since="0")
        await asyncio.sleep(IMPATIENT["stall_s"] + GRACE_S / 2)  # not reading is the fault here
        assert (await reader.ended()).code == 4002


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory, seeded: Seeded) -> Iterator[Shared]:
    """So much is buffered that nobody ever counts as stalled."""
    directory = tmp_path_factory.mktemp("roomy")
    seeded.copy_to(directory)
    settings = {"write_buffer_bytes": 2**26, "max_in_flight": 1000, "log_level": "debug"}
    with serving(directory, **UNLIMITED, **settings) as process:
        yield Shared(process, seeded.all_token, seeded.post_token)


class _Full:
    """True once the server's socket holds more than a megabyte and that no longer grows."""

    def __init__(self, server_port: int, client_port: int) -> None:
        self._ends = (f":{server_port:04X}", f":{client_port:04X}")
        self._sizes: deque[int] = deque(maxlen=20)

    def __call__(self) -> bool:
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, near, far, _, queues, *_ = line.split()
            if near.endswith(self._ends[0]) and far.endswith(self._ends[1]):
                self._sizes.append(int(queues.partition(":")[0], 16))
        return len(self._sizes) == 20 and len(set(self._sizes)) == 1 and self._sizes[0] > 2**20


async def test_client_that_leaves_without_reading_is_let_go(roomy: Shared) -> None:
    """Closing waits for what is unsent to be taken, but not forever."""
    await fill(roomy.port, roomy.all_token, "leaves", 20, body_chars=5_000)

    async def leave(how: str) -> None:
        reader = await Peer.open(roomy.port, receive_buffer=4_096)
        with closing(reader):
            await reader.say(type="hello", version=1, token=roomy.all_token)
            session = (await reader.hear("welcome"))["session"]
            for _ in range(100):
                await reader.say(type="page", room="leaves", limit=20)
            await until(_Full(roomy.port, reader.port), "the kernel takes no more for the reader")
            assert roomy.closed_with(session) is None
            match how:
                case "broken frame":
                    await reader.send(frame(b"", 15))
                case "close frame":
                    await reader.send(frame(b"\x03\xe8", CLOSE))
                case _:
                    reader.shutdown()
            await until(lambda: roomy.closed_with(session) is not None, f"let go after a {how}")

    await asyncio.gather(*map(leave, ("broken frame", "close frame", "half-close")))


async def test_reset_connections_are_forgotten(impatient: Shared) -> None:
    for number in range(20):
        peer = await Peer.open(impatient.port)
        await peer.say(type="hello", version=1)
        await peer.say(type="join", room="reset")
        if number % 2:
            await peer.hear("joined")
        peer.reset()
    last = await Peer.speaking(impatient.port)
    with closing(last):
        await last.ping()


async def test_command_behind_a_half_close_does_no_harm(impatient: Shared) -> None:
    peer = await Peer.speaking(impatient.port, token=impatient.post_token)
    with closing(peer):
        await peer.say(type="post", room="half", nonce="half-closed", body="the last word")
        peer.shutdown()
        with pytest.raises(Ended):
            await peer.hear("never")
    again = await Peer.speaking(impatient.port, token=impatient.post_token)
    with closing(again):
        await again.say(type="post", room="half", nonce="half-closed", body="the last word")
        await again.hear("ack")
