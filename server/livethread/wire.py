"""Payloads to websocket frames: bytes that any number of sockets can share (RFC 6455, RFC 7692)."""

from __future__ import annotations

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import TEXT, Frame

from livethread.feed import Encoding

# Without context takeover a frame deflates the same for every reader. 15 bits on both sides.
_DEFLATE = PerMessageDeflate(True, True, 15, 15, {"level": 6})


def encode_frame(payload: bytes, encoding: Encoding = Encoding.TEXT) -> bytes:
    """The payload as one unfragmented, unmasked text frame, or left bare for HTTP."""
    if encoding is Encoding.JSON:
        return payload
    frame = Frame(TEXT, payload)
    extensions = [_DEFLATE] if encoding is Encoding.DEFLATED else []
    return frame.serialize(mask=False, extensions=extensions)
