"""A place in a room's feed: which history (epoch), and how far in it (seq)."""

from __future__ import annotations

import re
from typing import NamedTuple

_CURSOR = re.compile(r"([a-z0-9]{1,16})\.(0|[1-9][0-9]{0,17})")

BEGINNING = "0"
"""The ``since`` that asks for the whole feed, whatever its epoch."""


class Cursor(NamedTuple):
    """Everything up to and including ``seq`` of history ``epoch`` has been seen.

    Written ``EPOCH.SEQ``, for example ``k3f9q2.1042``. Comparable only within one epoch.
    """

    epoch: str
    seq: int

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read ``EPOCH.SEQ``; raises ``ValueError`` for anything else."""
        match = _CURSOR.fullmatch(text)
        if match is None:
            raise ValueError("a cursor is written EPOCH.SEQ")
        return cls(match[1], int(match[2]))

    def at(self, seq: int) -> Cursor:
        """The cursor of the same history at ``seq``."""
        return Cursor(self.epoch, seq)

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}"
