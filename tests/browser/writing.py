"""Writes to a room quickly, as a guest over a plain websocket."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from websockets.sync.client import connect


def room_of(url: str) -> str:
    """The room of a demo page, which names it by its path."""
    return urlsplit(url).path.strip("/")


class Writer:
    """A guest in one room, who needs no browser."""

    def __init__(self, server_url: str, room: str, name: str) -> None:
        self.room = room
        address = server_url.replace("http", "ws", 1) + "/ws"
        origin: Any = server_url.rstrip("/")
        self._link = connect(address, origin=origin, legacy=True)
        self._send({"type": "hello", "version": 1, "guest": {"name": name}})

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._link.close()

    def post(self, body: str, parent: int | None = None) -> int:
        """Returns the comment's id."""
        place = {} if parent is None else {"parent": parent}
        comment = self.ask("post", body=body, **place)["comment"]
        return int(comment["id"])

    def ask(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Any write, and its ack."""
        nonce = secrets.token_hex(8)
        self._send({"type": type_, "ref": nonce, "nonce": nonce, "room": self.room, **fields})
        while True:
            frame: dict[str, Any] = json.loads(self._link.recv(timeout=10))
            assert frame["type"] != "error", frame
            if frame.get("ref") == nonce:
                return frame

    def _send(self, frame: dict[str, Any]) -> None:
        self._link.send(json.dumps(frame))


def fill(server_url: str, room: str, posts: Iterable[tuple[str, int | None]]) -> list[int]:
    """Posts bodies, each with the index of the post it answers; returns their ids in order."""
    ids: list[int] = []
    with Writer(server_url, room, "Ines") as writer:
        for body, answered in posts:
            ids.append(writer.post(body, None if answered is None else ids[answered]))
    return ids
