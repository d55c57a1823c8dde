"""Payloads to websocket frames: bytes that any number of sockets can share (RFC 6455, RFC 7692)."""

from __future__ import annotations

import struct
import zlib

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import TEXT, Frame

from livethread.feed import Encoding

# Without context takeover a frame deflates the same for every reader. 15 bits on both sides.
_DEFLATE = PerMessageDeflate(True, True, 15, 15, {"level": 6})
_TEXT, _DEFLATED_TEXT = 0x81, 0xC1
_LARGEST_STORED = 0xFFFF

Pieces = tuple[bytes, ...]
"""One frame, cut so that the large piece in it is shared by frames that differ around it."""


def encode_frame(payload: bytes, encoding: Encoding = Encoding.TEXT) -> bytes:
    """The payload as one unfragmented, unmasked text frame, or left bare for HTTP."""
    if encoding is Encoding.JSON:
        return payload
    if encoding is Encoding.DEFLATED:
        return Frame(TEXT, payload).serialize(mask=False, extensions=[_DEFLATE])
    return _head(_TEXT, len(payload)) + payload  # half of what Frame takes, for every answer


def encode_part(payload: bytes, encoding: Encoding) -> bytes:
    """What :func:`frame_around` takes as the shared middle of a frame.

    Deflated it is blocks that end on a byte and look back to nothing before them (RFC 1951 3.2):
    they stay what they are, whatever blocks they stand between.
    """
    if encoding is not Encoding.DEFLATED:
        return payload
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    return deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)


def frame_around(start: bytes, middle: bytes, end: bytes, encoding: Encoding) -> Pieces:
    """The frame of ``start``, an encoded part and ``end``; the part is in it as it is, uncopied."""
    if encoding is Encoding.JSON:
        return start, middle, end
    first = _TEXT
    if encoding is Encoding.DEFLATED:
        first = _DEFLATED_TEXT
        # The last byte begins the empty block whose rest RFC 7692 7.2.1 leaves out.
        start, end = _stored(start), _stored(end) + b"\x00"
    return _head(first, len(start) + len(middle) + len(end)) + start, middle, end


def _head(first: int, size: int) -> bytes:
    """RFC 6455 5.2, unmasked."""
    if size < 126:
        return struct.pack("!BB", first, size)
    if size < 65_536:
        return struct.pack("!BBH", first, 126, size)
    return struct.pack("!BBQ", first, 127, size)


def _stored(data: bytes) -> bytes:
    """Blocks without compression (RFC 1951 3.2.4), for what is short or nobody shares."""
    blocks: list[bytes] = []
    for at in range(0, len(data), _LARGEST_STORED):
        block = data[at : at + _LARGEST_STORED]
        blocks += (struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF), block)
    return b"".join(blocks)
