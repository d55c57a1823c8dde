"""Both sides of the wire as the load generator needs them: cheap to write, cheap to check.

A client's frames are masked with the key 0, which is allowed and costs the client nothing; the
server unmasks them as any others.
"""

from __future__ import annotations

import json
import random
import re
import zlib
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

MESSAGE_BYTES = 337
"""Payload of one change in a frame of its own, as both servers send it."""

BODY_CHARS = 104
"""Makes Livethread's frame of one change about that long."""

KEY = "bGl2ZXRocmVhZCBiZW5jaA=="
"""Every connection's Sec-WebSocket-Key."""

_CHANGES = re.compile(rb'\{"type":"changes","room":"([^"]*)","from":(\d+),"to":(\d+),')
_JOINED = re.compile(rb'"room":\{"name":"([^"]*)".*?"cursor":"([^".]*)\.(\d+)"')
_NUMBER = re.compile(rb'"body":"(\d+) ')
_IGNORED = (b'{"type":"heartbeat"', b'{"type":"presence"')
_TEXT, _DEFLATED_TEXT = 0x81, 0xC1
_EVENT = b'42["frame",'
"""Before the payload of a Socket.IO event; a bracket closes it."""


class Broken(Exception):
    """The server sent what it must not, or nothing: the measurement is worth nothing."""


class Span(NamedTuple):
    """The changes of a room in (first, to]."""

    room: bytes
    first: int
    to: int


class Chunk(NamedTuple):
    """What some received bytes hold. ``posts`` are the numbers that the bodies begin with.

    ``greetings`` counts ``welcome`` and ``joined``; ``joined`` are the rooms, epochs and cursors to
    go on from.
    """

    spans: tuple[Span, ...]
    posts: tuple[int, ...]
    acks: int
    greetings: int
    joined: tuple[tuple[bytes, bytes, int], ...]
    rest: bytes


def text_frame(payload: bytes) -> bytes:
    """A client's text frame."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81%b\0\0\0\0%b" % (length, payload)


def upgrade(port: int, path: str, *, is_deflating: bool) -> bytes:
    """The request of a browser's kind: with an Origin; it offers compression only if asked to."""
    host = f"127.0.0.1:{port}"
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Origin: http://{host}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
    ]
    if is_deflating:
        lines.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def body(number: int, chars: int = BODY_CHARS) -> bytes:
    """A comment that says its number, in words that compress as English does."""
    return _numbered(number, chars)


def change(room: bytes, seq: int, number: int, chars: int = BODY_CHARS) -> bytes:
    """What Livethread would send for a post, made here for a server that sends what it is given."""
    start = b'{"type":"changes","room":"%b","from":%d,"to":%d,"changes":[{"seq":%d,"body":"' % (
        room,
        seq - 1,
        seq,
        seq,
    )
    return b'%b%b"}]}' % (
        start,
        _numbered(number, MESSAGE_BYTES + chars - BODY_CHARS - len(start) - 4),
    )


def _numbered(number: int, size: int) -> bytes:
    texts = _texts()
    start = b"%d " % number
    while len(start) < size:
        start += texts[(number + len(start)) % len(texts)]
    return start[: size - 1] + b"."


@cache
def _texts() -> tuple[bytes, ...]:
    """Enough different ones that those of a frame have little in common but their words."""
    words = (Path(__file__).parent / "words.txt").read_text().split()
    chance = random.Random(1)
    return tuple(" ".join(chance.choices(words, k=90)).encode() for _ in range(997))


def payloads(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Each complete frame's payload, and where it ends. Raises ``Broken`` for a closing frame."""
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
        payload = data[start:stop]
        if data[position] == _DEFLATED_TEXT:  # RFC 7692, without context takeover
            try:
                payload = zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")
            except zlib.error as error:
                raise Broken(f"a compressed frame can't be read: {error}") from error
        elif data[position] != _TEXT:
            raise Broken(f"not a text frame: {data[position:stop]!r}")
        if payload.startswith(_EVENT):
            payload = payload[len(_EVENT) : -1]
        yield payload, stop
        position = stop


def read_chunk(data: bytes) -> Chunk:
    """Take the frames apart without decoding JSON. Raises ``Broken`` on a gap or an error frame."""
    spans: list[Span] = []
    posts: list[int] = []
    joined: list[tuple[bytes, bytes, int]] = []
    acks = greetings = end = 0
    for payload, end in payloads(data):  # noqa: B007 (the last one is where the rest begins)
        found = _read_changes(payload)
        if found is not None:
            span, numbers = found
            if spans and spans[-1].room == span.room:
                if spans[-1].to != span.first:
                    raise Broken(f"{span} after {spans[-1]}")
                span = Span(span.room, spans.pop().first, span.to)
            spans.append(span)
            posts += numbers
        elif payload.startswith((b'{"type":"ack"', b"queued messages: ")):  # the latter is Nchan's
            acks += 1
        elif payload.startswith(b'{"type":"joined"'):
            greetings += 1
            match = _JOINED.search(payload)
            if match is None:
                raise Broken("joined without a cursor")
            joined.append((match[1], match[2], int(match[3])))
        elif payload.startswith((b'{"type":"welcome"', b"0{", b"40{")):  # the latter Socket.IO's
            greetings += 1
        elif not payload.startswith(_IGNORED):
            raise Broken(payload.decode(errors="replace"))
    return Chunk(tuple(spans), tuple(posts), acks, greetings, tuple(joined), data[end:])


@lru_cache(maxsize=256)
def _read_changes(payload: bytes) -> tuple[Span, tuple[int, ...]] | None:
    """A frame must have as many changes as its range says: nothing here is ever edited."""
    match = _CHANGES.match(payload)
    if match is None:
        return None
    span = Span(match[1], int(match[2]), int(match[3]))
    if payload.count(b'{"seq":') != span.to - span.first:
        raise Broken(f"{span} lacks changes")
    return span, tuple(map(int, _NUMBER.findall(payload)))


def check_json(data: bytes) -> None:
    """Decode every frame for good. Raises ``Broken`` unless the seqs are those of the range."""
    for payload, _ in payloads(data):
        if not payload.startswith(b'{"type":"changes"'):
            continue
        frame = json.loads(payload)
        seqs = [change["seq"] for change in frame["changes"]]
        if seqs != list(range(frame["from"] + 1, frame["to"] + 1)):
            raise Broken(f"({frame['from']}, {frame['to']}] has {seqs}")
