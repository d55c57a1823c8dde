from __future__ import annotations

import pytest

from livethread.feed import Encoding
from livethread.wire import encode_frame, encode_part, frame_around
from tests.server.readers import payload_of


@pytest.mark.parametrize("size", [0, 100, 115, 116, 117, 5_000, 65_525, 70_000])
@pytest.mark.parametrize("encoding", list(Encoding))
def test_a_payload_arrives_as_it_was(encoding: Encoding, size: int) -> None:
    payload = b'{"text":"%b"}' % (b"x" * size)
    assert payload_of(encode_frame(payload, encoding)) == {"text": "x" * size}


def test_http_gets_the_bare_payload() -> None:
    payload = b'{"t":1}'
    assert encode_frame(payload, Encoding.JSON) is payload


@pytest.mark.parametrize("encoding", [Encoding.TEXT, Encoding.DEFLATED])
def test_a_frame_is_whole_unmasked_and_independent_of_those_before(encoding: Encoding) -> None:
    payload = b'{"text":"the same words, the same words, the same words"}'
    first = encode_frame(payload, encoding)
    encode_frame(b'{"other":1}', encoding)
    assert encode_frame(payload, encoding) == first  # no context is taken over
    fin, rsv1, text = 0x80, 0x40, 0x01
    assert first[0] == fin | text | (rsv1 if encoding is Encoding.DEFLATED else 0)
    assert not first[1] & 0x80
    assert payload_of(first) == payload_of(payload)


def test_repeated_words_are_deflated() -> None:
    payload = b'{"text":"%b"}' % (b"words " * 200)
    assert len(encode_frame(payload, Encoding.DEFLATED)) < len(payload) / 10


@pytest.mark.parametrize("size", [0, 95, 5_000, 65_500, 140_000])
@pytest.mark.parametrize("where", range(3))
@pytest.mark.parametrize("encoding", list(Encoding))
def test_a_part_arrives_as_it_was_whatever_is_around_it(
    encoding: Encoding, where: int, size: int
) -> None:
    texts = ["same", "same", "same"]
    texts[where] += "x" * size
    start, end = (b'{"start":"%b",' % texts[0].encode(), b',"end":"%b"}' % texts[2].encode())
    part = encode_part(b'"part":"%b"' % texts[1].encode(), encoding)
    frame = frame_around(start, part, end, encoding)
    assert frame[1] is part
    assert list(payload_of(b"".join(frame)).values()) == texts
