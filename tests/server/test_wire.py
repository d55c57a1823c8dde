from __future__ import annotations

import pytest

from livethread.feed import Encoding
from livethread.wire import encode_frame
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
