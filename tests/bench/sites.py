"""How the load generator speaks to a contestant: whom to greet how, and how to post."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from tests.bench.crowd import Plan
from tests.bench.frames import BODY_CHARS, body, change, text_frame
from tests.bench.servers import Server


class Site(Protocol):
    """One of them. ``has_acks``: a post is answered; Livethread's, once it is durable."""

    has_acks: bool

    def reader(self, rooms: Sequence[str], *, is_deflating: bool = False) -> Plan:
        """Someone who is sent the rooms' changes from now on."""

    def latecomer(self, room: str, epoch: str) -> Plan:
        """Someone who is first sent all that the room has had."""

    def poster(self, room: str) -> Plan: ...

    def post(self, room: str, number: int, chars: int = BODY_CHARS) -> bytes:
        """The frame that has a numbered change sent to a room's readers."""


class LivethreadSite:
    """Readers are anonymous, posters are guests: each post is committed before it is delivered."""

    has_acks = True

    def __init__(self, server: Server) -> None:
        self._port = server.port

    def reader(self, rooms: Sequence[str], *, is_deflating: bool = False) -> Plan:
        frames = [_frame(type="hello", version=1)]
        frames += [_frame(type="join", room=room) for room in rooms]
        return Plan(
            self._port, (b"".join(frames),), greetings=len(frames), is_deflating=is_deflating
        )

    def latecomer(self, room: str, epoch: str) -> Plan:
        frames = [
            _frame(type="hello", version=1),
            _frame(type="join", room=room, since=f"{epoch}.0"),
        ]
        return Plan(self._port, (b"".join(frames),), greetings=2)

    def poster(self, room: str) -> Plan:
        return Plan(
            self._port, (_frame(type="hello", version=1, guest={"name": "Ada"}),), greetings=1
        )

    def post(self, room: str, number: int, chars: int = BODY_CHARS) -> bytes:
        form = b'{"type":"post","room":"%b","nonce":"bench-%08d","body":"%b"}'
        return text_frame(form % (room.encode(), number, body(number, chars)))


class RelaySite:
    """A server that sends what it is given, so the change is made here.

    Its first message is ``join ROOM`` or ``post``; a poster's next ones are ``ROOM PAYLOAD``.
    """

    has_acks = False

    def __init__(self, server: Server) -> None:
        self._port = server.port
        self._seqs: Counter[str] = Counter()

    def reader(self, rooms: Sequence[str], *, is_deflating: bool = False) -> Plan:
        (room,) = rooms
        hello = text_frame(b"join " + room.encode())
        return Plan(
            self._port,
            (hello,),
            greetings=1,
            cursors={room.encode(): self._seqs[room]},
            is_deflating=is_deflating,
        )

    def latecomer(self, room: str, epoch: str) -> Plan:
        raise NotImplementedError("a relay keeps nothing")

    def poster(self, room: str) -> Plan:
        return Plan(self._port, (text_frame(b"post"),), greetings=0)

    def post(self, room: str, number: int, chars: int = BODY_CHARS) -> bytes:
        return text_frame(b"%b %b" % (room.encode(), self._change(room, number, chars)))

    def _change(self, room: str, number: int, chars: int) -> bytes:
        self._seqs[room] += 1
        return change(room.encode(), self._seqs[room], number, chars)


class SocketIOSite(RelaySite):
    """Events in text: ``42["name",…]`` (engine.io 4, Socket.IO 5); each step awaits its answer."""

    _path = "/socket.io/?EIO=4&transport=websocket"

    def reader(self, rooms: Sequence[str], *, is_deflating: bool = False) -> Plan:
        (room,) = rooms
        return Plan(
            self._port,
            (b"", text_frame(b"40"), text_frame(b'42["join","%b"]' % room.encode())),
            greetings=3,
            cursors={room.encode(): self._seqs[room]},
            path=self._path,
        )

    def poster(self, room: str) -> Plan:
        return Plan(self._port, (b"", text_frame(b"40")), greetings=2, path=self._path)

    def post(self, room: str, number: int, chars: int = BODY_CHARS) -> bytes:
        return text_frame(
            b'42["post","%b",%b]' % (room.encode(), self._change(room, number, chars))
        )


class NchanSite(RelaySite):
    """A room is a path; who is upgraded has joined. A publisher is told of each message kept."""

    has_acks = True

    def reader(self, rooms: Sequence[str], *, is_deflating: bool = False) -> Plan:
        (room,) = rooms
        cursors = {room.encode(): self._seqs[room]}
        return Plan(self._port, (), greetings=0, cursors=cursors, path=f"/live/{room}")

    def latecomer(self, room: str, epoch: str) -> Plan:
        return Plan(self._port, (), greetings=0, cursors={room.encode(): 0}, path=f"/replay/{room}")

    def poster(self, room: str) -> Plan:
        return Plan(self._port, (), greetings=0, path=f"/post/{room}")

    def post(self, room: str, number: int, chars: int = BODY_CHARS) -> bytes:
        return text_frame(self._change(room, number, chars))


def _frame(**fields: object) -> bytes:
    return text_frame(json.dumps(fields, separators=(",", ":")).encode())
