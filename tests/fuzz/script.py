"""The form of a fuzzer's input: bytes that say what happens to one connection, and in what order.

The first byte chooses the connection, what follows are steps, each introduced by ``SEPARATOR``:
a byte for the kind of step and its data. Every byte string is a script, so nothing that a fuzzer
makes is wasted, and what it copies about stays a step.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

SEPARATOR = b"\xfe\xfd"


class Kind(IntEnum):
    TEXT = 0  # data is the payload of a text frame
    RAW = 1  # data is what the client sends, frames or not
    FRAGMENTS = 2  # a text frame in two, with a ping in between
    PAUSE = 3  # the peer takes no more bytes
    RESUME = 4  # it takes all there are
    WAIT = 5  # as many seconds pass as there are bytes of data, and one more
    SETTLE = 6  # everything happens that takes no time
    EOF = 7


class Opening(NamedTuple):
    """How a connection begins. ``speaker`` is an index into :data:`SPEAKERS`."""

    speaker: int
    has_origin: bool = True
    is_deflating: bool = False
    is_handshake: bool = True
    """Else the first step is all that comes: the request, too, is the script's."""


SPEAKERS = ("", "anonymous", "guest", "bot")
"""What says hello before the script begins; the first of them nothing."""

Step = tuple[Kind, bytes]


def write(opening: Opening, steps: Iterable[Step]) -> bytes:
    """The script for that."""
    head = (
        opening.speaker
        | (not opening.has_origin) << 2
        | opening.is_deflating << 3
        | (not opening.is_handshake) << 4
    )
    return bytes([head]) + b"".join(SEPARATOR + bytes([kind]) + data for kind, data in steps)


def read(script: bytes) -> tuple[Opening, list[Step]]:
    """What any bytes stand for."""
    first, *parts = script.split(SEPARATOR)
    head = first[0] if first else 0
    opening = Opening(head & 3, not head & 4, bool(head & 8), not head & 16)
    return opening, [(Kind(part[0] % len(Kind)), part[1:]) for part in parts if part]
