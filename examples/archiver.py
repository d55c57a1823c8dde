"""Appends every comment of some rooms to a file, a JSON line each, and never one twice.

    python examples/archiver.py http://127.0.0.1:8080 comments.jsonl news/bridge news/tunnel

The token (a bot's, with the scopes ``read`` and ``replay``) is taken from LIVETHREAD_TOKEN.

The archive is its own memory: each line carries the cursor it was written at. At a start, the last
line may be torn (kill -9, power loss); it is cut off, and each room is continued at the cursor of
its last whole line. A comment is known by its id, so one that was edited, or that waited for a
moderator, is not missed and not repeated.
"""
# ruff: noqa: INP001

from __future__ import annotations

import argparse
import asyncio
import json
import os
from pathlib import Path
from typing import BinaryIO

from livethread_client import Comment, LivethreadError, Room, Snapshot, connect


class Archive:
    """The file, what is in it, and where each room is to be continued."""

    def __init__(self, path: Path) -> None:
        self.cursors: dict[str, str] = {}
        self.ids: dict[str, set[int]] = {}
        self._file: BinaryIO = path.open("a+b")
        self._read()

    def add(self, room: str, cursor: str, comment: Comment | None) -> None:
        """One line; on disk when this returns."""
        known = self.ids.setdefault(room, set())
        line: dict[str, object] = {"room": room, "cursor": cursor}
        if comment is not None:
            if comment.id in known:
                return
            known.add(comment.id)
            line["comment"] = comment.model_dump(mode="json", exclude_none=True)
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def _read(self) -> None:
        self._file.seek(0)
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            entry = json.loads(line)
            self.cursors[entry["room"]] = entry["cursor"]
            ids = self.ids.setdefault(entry["room"], set())
            if "comment" in entry:
                ids.add(entry["comment"]["id"])
            else:
                ids.clear()  # a new history began here
            end += len(line)
        self._file.truncate(end)


async def follow(archive: Archive, room: Room) -> None:
    async for item in room.changes():
        cursor = room.cursor or ""
        if isinstance(item, Snapshot):
            archive.ids.pop(room.name, None)  # the server was restored: its ids start anew
            archive.add(room.name, cursor, None)
        elif item.comment is not None and item.comment.author is not None:
            archive.add(room.name, cursor, item.comment)


async def main(url: str, path: Path, rooms: list[str], token: str) -> None:
    archive = Archive(path)
    try:
        async with (
            connect(url, token=token, keep_trying=True) as live,
            asyncio.TaskGroup() as group,
        ):
            for name in rooms:
                room = await live.join(name, archive.cursors.get(name, "0"))
                group.create_task(follow(archive, room))
    finally:
        archive.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Append every comment to a file, as JSON lines.")
    parser.add_argument("url", help="the server, such as http://127.0.0.1:8080")
    parser.add_argument("file", type=Path)
    parser.add_argument("rooms", nargs="+", metavar="room")
    options = parser.parse_args()
    token = os.environ.get("LIVETHREAD_TOKEN") or parser.error("set LIVETHREAD_TOKEN")
    try:
        asyncio.run(main(options.url, options.file, options.rooms, token))
    except* (LivethreadError, OSError, ValueError) as failures:
        parser.error(str(failures.exceptions[0]))
    except* KeyboardInterrupt:
        pass
