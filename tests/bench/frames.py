"""Both sides of the wire as the load generator needs them: cheap to write, cheap to check.

A client's frames are masked with the key 0, which is allowed and costs the client nothing; the
server unmasks them as any others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

MESSAGE_BYTES = 337
"""Payload of one change in a frame of its own, as both servers send it."""

BODY_CHARS = 104
"""Makes Livethread's frame of one change about that long."""

KEY = "bGl2ZXRocmVhZCBiZW5jaA=="
"""Every connection's Sec-WebSocket-Key."""

_CHANGES = re.compile(rb'\{"type":"changes","room":"([^"]*)","from":(\d+),"to":(\d+),')
_JOINED = re.compile(rb'"room":\{"name":"([^"]*)".*?"cursor":"[^".]*\.(\d+)"')
_NUMBER = re.compile(rb'"body":"(\d+) ')
_IGNORED = (b'{"type":"heartbeat"', b'{"type":"presence"')


class Broken(Exception):
    """The server sent what it must not, or nothing: the measurement is worth nothing."""


class Span(NamedTuple):
    """The changes of a room in (first, to]."""

    room: bytes
    first: int
    to: int


class Chunk(NamedTuple):
    """What some received bytes hold. ``posts`` are the numbers that the bodies begin with.

    ``greetings`` counts ``welcome`` and ``joined``; ``joined`` are the cursors to go on from.
    """

    spans: tuple[Span, ...]
    posts: tuple[int, ...]
    acks: int
    greetings: int
    joined: tuple[tuple[bytes, int], ...]
    rest: bytes


def text_frame(payload: bytes) -> bytes:
    """A client's text frame."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81%b\0\0\0\0%b" % (length, payload)


def upgrade(port: int) -> bytes:
    """The request of a browser's kind: with an Origin, without compression."""
    host = f"127.0.0.1:{port}"
    lines = (
        "GET /ws HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Origin: http://{host}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def body(number: int) -> bytes:
    """A comment that says its number."""
    return (b"%d " % number).ljust(BODY_CHARS, b"x")


def change(room: bytes, seq: int, number: int) -> bytes:
    """What Livethread would send for a post, made here for a server that sends what it is given."""
    start = b'{"type":"changes","room":"%b","from":%d,"to":%d,"changes":[{"seq":%d,"body":"%d '
    return (start % (room, seq - 1, seq, seq, number)).ljust(MESSAGE_BYTES - 4, b"x") + b'"}]}'


def payloads(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each complete frame's payload. Raises ``Broken`` for a closing frame."""
    position, size = 0, len(data)
    while size - position >= 2:
        start, length = position + 2, data[position + 1]
        if length == 126:
            start, length = position + 4, int.from_bytes(data[position + 2 : position + 4], "big")
        elif length == 127:
            start, length = position + 10, int.from_bytes(data[position + 2 : position + 10], "big")
        stop = start + length
        if start > size or stop > size:
            return
        if data[position] != 0x81:
            raise Broken(f"not a text frame: {data[position:stop]!r}")
        yield start, stop
        position = stop


def read_chunk(data: bytes) -> Chunk:
    """Take the frames apart without decoding JSON. Raises ``Broken`` on a gap or an error frame.

    A ``changes`` frame must have as many changes as its range says: nothing here is ever edited.
    """
    spans: list[Span] = []
    posts: list[int] = []
    joined: list[tuple[bytes, int]] = []
    acks = greetings = end = 0
    for start, end in payloads(data):
        match = _CHANGES.match(data, start, end)
        if match is not None:
            span = Span(match[1], int(match[2]), int(match[3]))
            if data.count(b'{"seq":', start, end) != span.to - span.first:
                raise Broken(f"{span} lacks changes")
            if spans and spans[-1].room == span.room:
                if spans[-1].to != span.first:
                    raise Broken(f"{span} after {spans[-1]}")
                span = Span(span.room, spans.pop().first, span.to)
            spans.append(span)
            posts += map(int, _NUMBER.findall(data, start, end))
        elif data.startswith(b'{"type":"ack"', start):
            acks += 1
        elif data.startswith(b'{"type":"joined"', start):
            greetings += 1
            found = _JOINED.search(data, start, end)
            if found is None:
                raise Broken("joined without a cursor")
            joined.append((found[1], int(found[2])))
        elif data.startswith(b'{"type":"welcome"', start):
            greetings += 1
        elif not data.startswith(_IGNORED, start):
            raise Broken(data[start:end].decode(errors="replace"))
    return Chunk(tuple(spans), tuple(posts), acks, greetings, tuple(joined), data[end:])


def check_json(data: bytes) -> None:
    """Decode every frame for good. Raises ``Broken`` unless the seqs are those of the range."""
    for start, end in payloads(data):
        frame = json.loads(data[start:end])
        if frame["type"] == "changes":
            seqs = [change["seq"] for change in frame["changes"]]
            if seqs != list(range(frame["from"] + 1, frame["to"] + 1)):
                raise Broken(f"({frame['from']}, {frame['to']}] has {seqs}")
