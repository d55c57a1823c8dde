"""What a stream of bytes says: the text frames in it, however it is cut into pieces."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

HEAD_END = b"\r\n\r\n"
TEXT, CLOSE = 1, 8


class Tap:
    """Reads one direction of a websocket: first the HTTP head, then frames (RFC 6455, RFC 7692)."""

    def __init__(self) -> None:
        self._data = b""
        self._is_open = False

    def read(self, data: bytes) -> Iterator[tuple[str, Any]]:
        """``("text", JSON)`` and ``("close", code)`` for what is complete now."""
        self._data += data
        if not self._is_open:
            _, end, rest = self._data.partition(HEAD_END)
            if not end:
                return
            self._is_open, self._data = True, rest
        while (frame := self._frame()) is not None:
            opcode, payload = frame
            if opcode == TEXT:
                yield "text", json.loads(payload)
            elif opcode == CLOSE:
                yield "close", int.from_bytes(payload[:2], "big") if payload else 1005

    def _frame(self) -> tuple[int, bytes] | None:
        data = self._data
        if len(data) < 2:
            return None
        length, at = data[1] & 0x7F, 2
        if length >= 126:
            size = 2 if length == 126 else 8
            length, at = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
        mask = b""
        if data[1] & 0x80:
            mask, at = data[at : at + 4], at + 4
        if len(data) < at + length:
            return None
        payload, self._data = data[at : at + length], data[at + length :]
        if mask:
            key = int.from_bytes(mask * (length // 4 + 1), "big") >> 8 * (4 - length % 4)
            payload = (int.from_bytes(payload, "big") ^ key).to_bytes(length, "big")
        assert data[0] & 0x80, "nobody cuts frames here"
        if data[0] & 0x40:
            payload = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
        return data[0] & 0x0F, payload
