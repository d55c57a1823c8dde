"""The generator notices what a server must not do."""

from __future__ import annotations

import zlib

import pytest

from tests.bench.frames import BODY_CHARS, MESSAGE_BYTES, Broken, body, change, read_chunk


def _frame(payload: bytes, first: int = 0x81) -> bytes:
    return bytes((first, 0x7E)) + len(payload).to_bytes(2, "big") + payload


def test_the_generator_notices_a_gap_between_frames() -> None:
    data = _frame(change(b"a", 1, 7)) + _frame(change(b"a", 3, 8))

    with pytest.raises(Broken, match="after"):
        read_chunk(data)


def test_the_generator_notices_a_range_with_fewer_changes() -> None:
    data = _frame(change(b"a", 1, 7).replace(b'"to":1', b'"to":2'))

    with pytest.raises(Broken, match="lacks"):
        read_chunk(data)


def test_the_generator_keeps_a_frame_that_has_not_come_whole() -> None:
    whole, cut = _frame(change(b"a", 1, 7)), _frame(change(b"a", 2, 8))

    chunk = read_chunk(whole + cut[:100])

    assert chunk.spans == ((b"a", 0, 1),)
    assert chunk.posts == (7,)
    assert chunk.rest == cut[:100]
    assert read_chunk(chunk.rest + cut[100:]).spans == ((b"a", 1, 2),)


def test_compressed_frames_and_events_of_socket_io_hold_the_same() -> None:
    plain = change(b"a", 1, 7)
    deflater = zlib.compressobj(wbits=-15)
    deflated = (deflater.compress(plain) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(
        b"\0\0\xff\xff"
    )

    expected = read_chunk(_frame(plain))

    assert expected.posts == (7,)
    assert read_chunk(_frame(deflated, 0xC1)) == expected
    assert read_chunk(_frame(b'42["frame",%b]' % plain)) == expected


def test_a_damaged_compressed_frame_is_noticed() -> None:
    with pytest.raises(Broken, match="compressed"):
        read_chunk(_frame(b"\xff" * 200, 0xC1))


def test_a_body_says_its_number_and_is_as_long_as_asked() -> None:
    assert body(12).startswith(b"12 ")
    assert len(body(12)) == BODY_CHARS
    assert len(body(12, 4_800)) == 4_800
    assert body(12) == body(12).strip()
    assert len(change(b"room", 1, 12)) == MESSAGE_BYTES
