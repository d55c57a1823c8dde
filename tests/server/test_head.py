from __future__ import annotations

import gc
import weakref

import pytest
from websockets.http11 import Request

from livethread.head import MAX_HEAD_BYTES, BadHead, Head
from tests.system.peer import command, upgrade

MANY = [("Cookie", "a=b"), ("X-Empty", ""), ("X-Space", " \t in between \t "), ("X-Höhe", "1 m²")]
WHOLE = upgrade(80, MANY, path="/ws?site=a%20b")
REST = command(type="hello", version=1)


def read(*pieces: bytes) -> tuple[Request | None, bytes]:
    head = Head()
    behind = b""
    for piece in pieces:
        behind += head.receive_data(piece)
    return head.request, behind


def test_request_is_read_with_all_it_says() -> None:
    request, behind = read(upgrade(80, MANY[:3], path="/ws?site=a%20b"))
    assert request is not None
    assert (request.method, request.path, request.protocol) == ("GET", "/ws?site=a%20b", "HTTP/1.1")
    assert request.headers["host"] == "127.0.0.1:80"
    assert request.headers["X-Empty"] == ""
    assert request.headers["X-Space"] == "in between"
    assert request.headers.get_all("Connection") == ["Upgrade"]
    assert behind == b""


@pytest.mark.parametrize("size", [1, 2, 7, 40, 1000])
@pytest.mark.parametrize("rest", [b"", REST])
def test_request_in_pieces_is_the_same_and_what_comes_behind_is_given_back(
    size: int, rest: bytes
) -> None:
    whole = upgrade(80, MANY[:3], path="/ws?site=a%20b")
    head = Head()
    data, behind = whole + rest, b""
    while head.request is None:
        piece, data = data[:size], data[size:]
        behind += head.receive_data(piece)
    assert head.request == read(whole)[0]
    assert behind + data == rest


def test_request_that_asks_for_no_upgrade_is_one_all_the_same() -> None:
    request, _ = read(b"POST /ws HTTP/1.0\r\n\r\n")
    assert request is not None
    assert (request.method, request.protocol) == ("POST", "HTTP/1.0")


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01",  # TLS
        b"GET /ws HTTP/9.9\r\n\r\n",
        b"GET /ws\xff HTTP/1.1\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nX\x01: y\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nX: y\x00\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nX: y\r\n folded\r\n\r\n",
        WHOLE,  # a name of non-ASCII letters
    ],
)
@pytest.mark.parametrize("is_whole", [True, False])
def test_what_is_no_request_is_bad(data: bytes, is_whole: bool) -> None:
    pieces = [data] if is_whole else [bytes([byte]) for byte in data]
    with pytest.raises(BadHead):
        read(*pieces)


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
@pytest.mark.parametrize("header", [b"X: y\r\n", b"X: " + b"y" * 1000 + b"\r\n"])
def test_request_without_an_end_is_bad(header: bytes, end: bytes) -> None:
    start = b"GET /ws HTTP/1.1\r\n"
    count = MAX_HEAD_BYTES // len(header)
    assert read(start + header * (count - 9))[0] is None
    with pytest.raises(BadHead):
        read(start, *[header] * (count + 1), end)
    with pytest.raises(BadHead):
        read(start + header * (count + 1) + end)


def test_nothing_is_left_to_the_garbage_collector() -> None:
    """A crowd's requests would have it look through all connections again and again."""
    head = Head()
    head.receive_data(upgrade(80))
    left = weakref.ref(head.request)
    gc.disable()
    try:
        del head
        assert left() is None
    finally:
        gc.enable()
