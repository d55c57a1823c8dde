"""Fills a room quickly, as a guest over a plain websocket."""

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


def fill(server_url: str, room: str, posts: Iterable[tuple[str, int | None]]) -> list[int]:
    """Posts bodies, each with the index of the post it answers; returns their ids in order."""
    ids: list[int] = []
    with connect(server_url.replace("http", "ws", 1) + "/ws", origin=_origin(server_url)) as link:
        link.send(json.dumps({"type": "hello", "version": 1, "guest": {"name": "Ines"}}))
        for body, answered in posts:
            post = {"type": "post", "ref": "p", "room": room, "body": body}
            post["nonce"] = secrets.token_hex(8)
            parent = {} if answered is None else {"parent": ids[answered]}
            link.send(json.dumps({**post, **parent}))
            ids.append(_ack(link)["comment"]["id"])
    return ids


def _ack(link: Any) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(link.recv(timeout=10))
        assert frame["type"] != "error", frame
        if frame["type"] == "ack":
            return frame


def _origin(url: str) -> Any:
    return url.rstrip("/")
