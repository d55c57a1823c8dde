"""A reader as the hub sees it: a sink with a window, and a checker of what came through it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from socket import SocketType
from typing import Any

from livethread.feed import Encoding, Kind
from livethread.following import Subscriber
from livethread.hub import Hub
from tests.protocol.reader import Json, Reader


def payload_of(data: bytes) -> Json:
    """The JSON of a bare payload or of one unmasked text frame, deflated or not."""
    if data[:1] == b"{":
        found: Json = json.loads(data)
        return found
    assert data[0] & 0x8F == 0x81, "one whole text frame"
    length, start = data[1], 2
    if length == 126:
        length, start = int.from_bytes(data[2:4], "big"), 4
    elif length == 127:
        length, start = int.from_bytes(data[2:10], "big"), 10
    payload = data[start:]
    assert len(payload) == length
    if data[0] & 0x40:
        payload = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
    inflated: Json = json.loads(payload)
    return inflated


class Sink:
    """Takes ``room`` more writes, then says stop, as a socket does in the middle of a write."""

    def __init__(self, hub: Hub, seen: Callable[[bytes], None] = lambda _: None) -> None:
        self.hub = hub
        self.is_writable = True
        self.window = 1_000_000
        self.written: list[bytes] = []
        self.subscribers: list[Subscriber] = []
        self.lost: list[Subscriber] = []
        self._seen = seen

    @property
    def socket(self) -> SocketType | None:
        return None

    def write_rest(self, data: bytes, sent: int, /) -> None:
        raise AssertionError("there is no descriptor")

    def write(self, data: bytes, /) -> None:
        self._seen(data)
        self.written.append(data)
        self.window -= 1
        if self.window <= 0 and self.is_writable:
            self.pause()

    def pause(self) -> None:
        self.is_writable = False
        for subscriber in self.subscribers:
            self.hub.pause(subscriber)

    def resume(self, window: int = 1_000_000) -> None:
        self.window = window
        self.is_writable = True
        for subscriber in list(self.subscribers):
            self.hub.resume(subscriber)

    def lost_place(self, subscriber: Subscriber) -> None:
        self.lost.append(subscriber)

    @property
    def frames(self) -> list[Json]:
        return [payload_of(data) for data in self.written]

    @property
    def ranges(self) -> list[tuple[int, int]]:
        return [(frame["from"], frame["to"]) for frame in self.frames]

    @property
    def seqs(self) -> list[int]:
        return [change["seq"] for frame in self.frames for change in frame["changes"]]


class Faulty(AssertionError):
    """A client got what no client may get."""


class Checker:
    """Judges the frames of one connection, one after the other, and keeps the reader's state.

    ``entries`` is shared by all checkers of an audience: whoever gets a seq gets the same.
    ``counts`` says of each seq how many comments everyone could see after it.
    """

    def __init__(self, entries: dict[int, Any], counts: dict[int, int]) -> None:
        self.reader = Reader()
        self._entries = entries
        self._counts = counts
        self._last_seq = -1

    def connected(self) -> str | None:
        """A new connection joins; returns its ``since``."""
        return self.reader.join()

    def take(self, frame: Json) -> None:
        before = self.reader.seq
        if frame["type"] == "joined":
            if self.reader.receive(frame) != "applied":
                raise Faulty(f"a joined frame that can't be: {frame}")
            self._last_seq = self.reader.seq
            return
        if frame["type"] != "changes":
            raise Faulty(f"an unexpected frame: {frame}")
        if frame["from"] != before or frame["to"] <= before:
            raise Faulty(f"({frame['from']}, {frame['to']}] at cursor {before}")
        count = self._counts[frame["to"]]
        if frame.get("comments", count) != count:
            raise Faulty(f"{frame['comments']} comments at {frame['to']}, not {count}")
        for change in frame["changes"]:
            seq = change["seq"]
            if not max(self._last_seq, frame["from"]) < seq <= frame["to"]:
                raise Faulty(f"{seq} after {self._last_seq} in ({frame['from']}, {frame['to']}]")
            self._last_seq = seq
            if "comment" in change:
                words = without_reactions(change["comment"])
                known = self._entries.setdefault(seq, words)
                if known != words:
                    raise Faulty(f"{seq} is {words} here, {known} elsewhere")
                if change["comment"]["seq"] < seq:
                    raise Faulty(f"{seq} brings {change['comment']}")
        if self.reader.receive(frame) != "applied":
            raise Faulty(f"a frame that doesn't apply: {frame}")

    def compare(self, comments: list[Json], room: Json) -> None:
        """Hold the state against a fresh snapshot's."""
        held = {id: without_size(comment) for id, comment in self.reader.comments.items()}
        fresh = {comment["id"]: without_size(comment) for comment in comments}
        if held != fresh:
            wrong = {id for id in held | fresh if held.get(id) != fresh.get(id)}
            raise Faulty(
                f"state and snapshot differ in {sorted(wrong)}: "
                f"{[(held.get(id), fresh.get(id)) for id in sorted(wrong)]}"
            )
        if self.reader.seq != room["seq"]:
            raise Faulty(f"stands at {self.reader.seq}, the room at {room['seq']}")
        counted = {name: self.reader.room[name] for name in ("comments", "seq")}
        if not counted.items() <= room.items():
            raise Faulty(f"has {counted}, the room {room['comments']} at {room['seq']}")
        for name in ("title", "state", "slow_mode_s", "premoderate"):
            if self.reader.room.get(name) != room.get(name):
                raise Faulty(f"{name} is {self.reader.room.get(name)}, not {room.get(name)}")


def without_reactions(comment: Json) -> Json:
    """Whoever is behind gets a comment with its later reactions, and their seq."""
    return {name: value for name, value in comment.items() if name not in ("reactions", "seq")}


def without_size(comment: Json) -> Json:
    """The size of a thread is told in pages only."""
    return {name: value for name, value in comment.items() if name != "replies"}


PUBLIC = Kind(False, Encoding.JSON)
STAFF = Kind(True, Encoding.JSON)
