"""Page tokens: where a reading goes on, and a seal that it goes on in the same reading.

A token is URL-safe base64 of a seal of three bytes and the place, some numbers of 64 bits. The seal
is a hash of the room's epoch and of what is read there, so a token of another room, order or
thread, or of a history that was replaced, is refused instead of skipping comments unseen. It is no
secret: whoever forges one reads from a place of their choice what they may read anyway.
"""

from __future__ import annotations

import binascii
import hashlib
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from livethread.model import PageRequest, Room
from livethread.protocol.errors import BadFrame

_SEAL_BYTES = 3


def token_of(room: Room, reading: str, place: Sequence[int]) -> str:
    """The token with which ``reading`` goes on after ``place``."""
    data = _seal(room, reading) + struct.pack(f">{len(place)}q", *place)
    return urlsafe_b64encode(data).decode().rstrip("=")


def place_of(room: Room, reading: str, token: str, length: int) -> tuple[int, ...]:
    """The place in a token, ``length`` numbers. Raises ``BadFrame``: it isn't of this reading."""
    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        place = struct.unpack(f">{length}q", data[_SEAL_BYTES:])
    except (binascii.Error, struct.error, ValueError) as error:
        raise _refused() from error
    if token_of(room, reading, place) != token:
        raise _refused()
    return place


def reading_of(request: PageRequest) -> str:
    """What a request reads: roots in an order, or a thread."""
    return request.order if request.parent is None else thread(request.parent)


def thread(root: int) -> str:
    """The reading of one thread's replies."""
    return f"thread {root}"


def _seal(room: Room, reading: str) -> bytes:
    return hashlib.blake2s(f"{room.epoch} {reading}".encode(), digest_size=_SEAL_BYTES).digest()


def _refused() -> BadFrame:
    return BadFrame("after: not a token of this room and order", field="after")
