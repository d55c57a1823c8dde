"""Frames that break RFC 6455: the right close code within a second, and nobody else notices."""

from __future__ import annotations

import asyncio
import random
import struct
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.system.conftest import Shared
from tests.system.peer import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Headers,
    Peer,
    closing,
    command,
    frame,
)

DEFLATE: Headers = [("Sec-WebSocket-Extensions", "permessage-deflate")]
MIB = 1024 * 1024
SOUND = b'{"type":"ping"}'


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, wbits=-15)
    made = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return made.removesuffix(b"\0\0\xff\xff")


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(struct.pack("!H", code) + reason, CLOSE)


BROKEN: dict[str, tuple[bytes, int]] = {
    "length of 2^40": (b"\x81\xff" + struct.pack("!Q", 2**40) + bytes(4), 1009),
    "length of 2^63": (b"\x81\xff" + struct.pack("!Q", 2**63) + bytes(4), 1009),
    "length of 2^64 - 1": (b"\x81\xff" + b"\xff" * 8 + bytes(4), 1009),
    "one byte over four times the bound": (frame(b"x" * (65_536 + 1))[:14], 1009),
    "message too big in fragments": (
        frame(b" " * 40_000, fin=False) + frame(b" " * 40_000, CONT),
        1009,
    ),
    "200,000 empty fragments": (
        frame(b"", fin=False) + frame(b"", CONT, fin=False) * 199_999,
        1009,
    ),
    "200,000 fragments of a byte": (
        frame(b" ", fin=False) + frame(b" ", CONT, fin=False) * 199_999,
        1009,
    ),
    "unmasked": (frame(SOUND, is_masked=False), 1002),
    "unmasked ping": (frame(b"", PING, is_masked=False), 1002),
    "RSV1 without an extension": (frame(SOUND, rsv=4), 1002),
    "RSV2": (frame(SOUND, rsv=2), 1002),
    "RSV3": (frame(SOUND, rsv=1), 1002),
    "RSV1 on a control frame": (frame(b"", PING, rsv=4), 1002),
    **{
        f"opcode {opcode}": (frame(b"", opcode), 1002)
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    },
    "fragmented ping": (frame(b"a", PING, fin=False), 1002),
    "fragmented close": (frame(struct.pack("!H", 1000), CLOSE, fin=False), 1002),
    "ping of 126 bytes": (frame(b"x" * 126, PING), 1002),
    "pong of 2^40 bytes": (b"\x8a\xff" + struct.pack("!Q", 2**40) + bytes(4), 1009),
    "close of 126 bytes": (frame(struct.pack("!H", 1000) + b"x" * 124, CLOSE), 1002),
    "close of one byte": (frame(b"\x03", CLOSE), 1002),
    "close with 999": (close(999), 1002),
    "close with 1004": (close(1004), 1002),
    "close with 1005": (close(1005), 1002),
    "close with 1006": (close(1006), 1002),
    "close with 1015": (close(1015), 1002),
    "close with 1016": (close(1016), 1002),
    "close with 2999": (close(2999), 1002),
    "close with 5000": (close(5000), 1002),
    "close with 65535": (close(65535), 1002),
    "close with a reason that is no UTF-8": (close(1000, b"\xff\xfe"), 1007),
    "close amid a fragmented message": (frame(b"{", fin=False) + close(1000), 1002),
    "continuation without a start": (frame(SOUND, CONT), 1002),
    "continuation after a whole message": (frame(SOUND) + frame(SOUND, CONT), 1002),
    "interleaved messages": (frame(b"{", fin=False) + frame(SOUND), 1002),
    "interleaved binary": (frame(b"{", fin=False) + frame(b"", BINARY), 1002),
    "bad UTF-8": (frame(b'{"type":"\xff"}'), 1007),
    "overlong UTF-8": (frame(b'{"type":"\xc0\x80"}'), 1007),
    "surrogate in UTF-8": (frame(b'{"type":"\xed\xa0\x80"}'), 1007),
    "UTF-8 beyond U+10FFFF": (frame(b'{"type":"\xf4\x90\x80\x80"}'), 1007),
    "UTF-8 cut off": (frame(b'{"type":"\xf0\x9f\x98'), 1007),
    "UTF-8 cut off in fragments": (frame(b'"\xf0\x9f', fin=False) + frame(b'\x98"', CONT), 1007),
    "binary": (frame(SOUND, BINARY), 4501),
    "binary in fragments": (frame(SOUND, BINARY, fin=False) + frame(SOUND, CONT), 4501),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1002),
}

_bomb = deflated(random.Random(1).randbytes(4_000) * 16 + bytes(50_000))
HALVES = _bomb[: len(_bomb) // 2], _bomb[len(_bomb) // 2 :]
BROKEN_DEFLATED: dict[str, tuple[bytes, int]] = {
    "bomb of 50 MiB": (frame(deflated(bytes(50 * MIB)), rsv=4), 1009),
    "bomb one byte over the bound": (frame(deflated(b" " * 65_537), rsv=4), 1009),
    "bomb in fragments": (
        frame(HALVES[0], fin=False, rsv=4) + frame(HALVES[1], CONT),
        1009,
    ),
    "garbage": (frame(b"\xff" * 100, rsv=4), 1002),
    "RSV1 on a continuation": (
        frame(deflated(SOUND)[:4], fin=False, rsv=4) + frame(deflated(SOUND)[4:], CONT, rsv=4),
        1002,
    ),
    "RSV1 on a ping": (frame(b"", PING, rsv=4), 1002),
    "bad UTF-8 inside": (frame(deflated(b'{"type":"\xff"}'), rsv=4), 1007),
}


@pytest.fixture
async def bystander(server: Shared) -> AsyncIterator[Peer]:
    """Someone who is served all the time."""
    peer = await Peer.speaking(server.port)
    with closing(peer):
        await peer.say(type="join", room="bystander")
        await peer.hear("joined")
        yield peer
        await peer.ping()


@pytest.mark.parametrize("phase", ["before hello", "after hello"])
@pytest.mark.parametrize("name", BROKEN)
async def test_broken_frame_is_closed_with_its_code(
    server: Shared, bystander: Peer, name: str, phase: str
) -> None:
    sent, code = BROKEN[name]
    connect = Peer.open if phase == "before hello" else Peer.speaking
    peer = await connect(server.port)
    with closing(peer):
        await _is_closed_with(server, peer, sent, code)


@pytest.mark.parametrize("name", BROKEN_DEFLATED)
async def test_broken_compressed_frame_is_closed_with_its_code(
    server: Shared, bystander: Peer, name: str
) -> None:
    sent, code = BROKEN_DEFLATED[name]
    peer = await Peer.open(server.port, headers=DEFLATE)
    with closing(peer):
        assert "permessage-deflate" in peer.extensions
        await peer.say(type="hello", version=1)
        while (await peer.frame()).opcode != TEXT:
            pass
        await _is_closed_with(server, peer, sent, code)


async def _is_closed_with(server: Shared, peer: Peer, sent: bytes, code: int) -> None:
    before = server.rss_bytes
    started = time.monotonic()

    async def send() -> None:
        with suppress(ConnectionError):  # closed before all of it was sent
            await peer.send(sent)

    sending = asyncio.create_task(send())
    end = await peer.ended()
    took_s = time.monotonic() - started
    await sending
    assert end.code == code
    assert took_s < 1
    assert server.rss_bytes - before < 5 * MIB


@pytest.mark.parametrize(
    "name",
    {
        "pong nobody asked for": frame(b"hi", PONG),
        "empty ping": frame(b"", PING),
        "ping of 125 bytes": frame(b"x" * 125, PING),
        "control frames between fragments": frame(b'{"type":"ping"', fin=False)
        + frame(b"", PING)
        + frame(b"", CONT, fin=False)
        + frame(b"", PONG)
        + frame(b',"t":1}', CONT),
        "64 fragments": frame(b'{"type":"ping"', fin=False)
        + frame(b" ", CONT, fin=False) * 62
        + frame(b',"t":1}', CONT),
        "fragments cut within a character": frame(b'{"type":"ping","x":"\xf0\x9f', fin=False)
        + frame(b'\x98\x80"}', CONT),
        "empty message": frame(b""),
        "longest frame": frame(b'{"type":"ping"}'.ljust(16_384)),
        "too large, but not by far": frame(b'{"type":"ping"}'.ljust(65_536)),
    }.items(),
    ids=lambda item: item[0],
)
async def test_unusual_but_correct_frame_leaves_the_connection_open(
    server: Shared, name: tuple[str, bytes]
) -> None:
    peer = await Peer.speaking(server.port)
    with closing(peer):
        await peer.send(name[1])
        await peer.ping()


async def test_pong_comes_before_the_answer_to_what_followed_the_ping(server: Shared) -> None:
    """All in one piece; the message that the ping stands in has not come to its end, either."""
    peer = await Peer.speaking(server.port)
    with closing(peer):
        start, end = frame(b'{"type":"ping","t"', fin=False), frame(b":1}", CONT)
        await peer.send(start + frame(b"amid", PING) + end + frame(b"", PING))
        got = [(found.opcode, found.data[:7]) for found in [await peer.frame() for _ in range(3)]]
        assert got == [(PONG, b"amid"), (PONG, b""), (TEXT, b'{"type"')]


@pytest.mark.parametrize("text", ["a" * 16_385, "漢" * 6_000])
async def test_frame_over_the_bound_in_bytes_is_refused_and_the_connection_lives(
    server: Shared, text: str
) -> None:
    peer = await Peer.speaking(server.port)
    with closing(peer):
        await peer.send(frame(f'{{"type":"ping","x":"{text}"}}'.encode()))
        assert (await peer.message())["code"] == "too_large"
        await peer.ping()


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1011, 3000, 4000, 4999])
async def test_close_is_answered_with_the_same_code_and_nothing_after_it(
    server: Shared, code: int
) -> None:
    peer = await Peer.speaking(server.port)
    with closing(peer):
        await peer.say(type="join", room="closing")
        await peer.send(close(code, b"bye") + command(type="ping", t=99) + command(type="hello"))
        assert (await peer.ended()).code == code


async def test_close_without_a_code_is_answered(server: Shared) -> None:
    peer = await Peer.speaking(server.port)
    with closing(peer):
        await peer.send(frame(b"", CLOSE))
        assert (await peer.ended()).code == 1005


async def test_frames_in_pieces_of_a_byte_are_read(server: Shared) -> None:
    peer = await Peer.speaking(server.port)
    with closing(peer):
        for byte in command(type="ping", t=5):
            await peer.send(bytes([byte]))
        assert (await peer.message())["t"] == 5


async def test_no_memory_is_kept_for_frames_that_never_end(server: Shared) -> None:
    """300 connections that each announce 64 KiB and send little of it cost little."""
    before = server.rss_bytes
    peers = [await Peer.speaking(server.port) for _ in range(300)]
    with closing(*peers):
        for peer in peers:
            await peer.send(frame(b"x" * 65_000)[:100])
        await peers[0].send(b"x" * 100)
        last = await Peer.speaking(server.port)
        with closing(last):
            await last.ping()
        assert server.rss_bytes - before < 300 * 20 * 1024 + 2 * MIB
