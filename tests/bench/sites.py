"""How the load generator speaks to a contestant: whom to greet how, and how to post."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from tests.bench.crowd import Plan
from tests.bench.frames import body, change, text_frame
from tests.bench.servers import Server


class Site(Protocol):
    """One of them. ``has_acks``: a post is answered once it is durable."""

    server: Server
    has_acks: bool

    def reader(self, rooms: Sequence[str]) -> Plan: ...

    def poster(self) -> Plan: ...

    def post(self, room: str, number: int) -> bytes:
        """The frame that has a numbered change sent to a room's readers."""


class LivethreadSite:
    """Readers are anonymous, posters are guests: each post is committed before it is delivered."""

    has_acks = True

    def __init__(self, server: Server) -> None:
        self.server = server

    def reader(self, rooms: Sequence[str]) -> Plan:
        frames = [_frame(type="hello", version=1)]
        frames += [_frame(type="join", room=room) for room in rooms]
        return Plan(self.server.port, b"".join(frames), len(frames))

    def poster(self) -> Plan:
        hello = _frame(type="hello", version=1, guest={"name": "Ada"})
        return Plan(self.server.port, hello, 1)

    def post(self, room: str, number: int) -> bytes:
        form = b'{"type":"post","room":"%b","nonce":"bench-%08d","body":"%b"}'
        return text_frame(form % (room.encode(), number, body(number)))


class RelaySite:
    """A server that sends what it is given, so the change is made here."""

    has_acks = False

    def __init__(self, server: Server) -> None:
        self.server = server
        self._seqs: Counter[str] = Counter()

    def reader(self, rooms: Sequence[str]) -> Plan:
        (room,) = rooms
        return Plan(self.server.port, text_frame(b"join " + room.encode()), 1)

    def poster(self) -> Plan:
        return Plan(self.server.port, text_frame(b"post"), 0)

    def post(self, room: str, number: int) -> bytes:
        self._seqs[room] += 1
        name = room.encode()
        return text_frame(b"%b %b" % (name, change(name, self._seqs[room], number)))


def _frame(**fields: object) -> bytes:
    return text_frame(json.dumps(fields, separators=(",", ":")).encode())
