"""A server reduced to the rules that a client relies on, for tests without sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json

RESUME_CHANGES = 6


@dataclass
class ReferenceServer:
    """One room, one connection. ``wire`` holds the frames on their way to the client."""

    scopes: list[str] = field(default_factory=lambda: ["read", "post"])
    epoch_number: int = 1
    seq: int = 0
    comments: dict[int, tuple[int, str | None]] = field(default_factory=dict)
    nonces: dict[str, int] = field(default_factory=dict)
    wire: list[dict[str, Any]] = field(default_factory=list)
    sent: int | None = None
    is_connected: bool = False
    posts_received: int = 0

    @property
    def epoch(self) -> str:
        return f"e{self.epoch_number}"

    @property
    def count(self) -> int:
        """How many comments everyone can see."""
        return sum(body is not None for _, body in self.comments.values())

    # ── what others do ──

    def post(self, body: str) -> int:
        self.seq += 1
        self.comments[self.seq] = (self.seq, body)
        return self.seq

    def edit(self, id: int, body: str) -> None:
        self.seq += 1
        self.comments[id] = (self.seq, body)

    def delete(self, id: int) -> None:
        self.seq += 1
        self.comments[id] = (self.seq, None)

    def replace_history(self) -> None:
        """A restore: another epoch, only half of the comments, numbered anew."""
        bodies = [body for _, body in self.comments.values() if body is not None][::2]
        self.epoch_number += 1
        self.seq, self.comments, self.nonces = 0, {}, {}
        for body in bodies:
            self.post(body)

    # ── the connection ──

    def connect(self) -> None:
        self.is_connected, self.wire, self.sent = True, [], None

    def cut(self) -> None:
        self.is_connected, self.wire, self.sent = False, [], None

    def flush(self, *, at_most: int | None = None) -> None:
        """Send the subscriber what it lacks, compacted, in one frame."""
        if self.sent is None or self.sent >= self.seq:
            return
        rows = sorted((seq, id) for id, (seq, _) in self.comments.items() if seq > self.sent)
        to = self.seq
        if at_most is not None and len(rows) > at_most:
            rows = rows[:at_most]
            to = rows[-1][0]
        changes = [{"seq": seq, "comment": self._comment(id)} for seq, id in rows]
        frame: dict[str, Any] = {"type": "changes", "room": "r", "from": self.sent, "to": to}
        if to == self.seq:
            frame["comments"] = self.count
        self.wire.append({**frame, "changes": changes})
        self.sent = to

    def reset(self) -> None:
        """The subscriber was too slow."""
        if self.sent is not None:
            self.sent = None
            self.wire.append({"type": "reset", "room": "r", "reason": "too_far"})

    def receive(self, data: bytes) -> None:
        command = from_json(data)
        getattr(self, f"_{command['type']}")(command)

    def _hello(self, _: dict[str, Any]) -> None:
        user = {"id": "b:1", "name": "Bot", "role": "bot", "scopes": self.scopes}
        limits = {
            "body_chars": 5000,
            "name_chars": 40,
            "frame_bytes": 16384,
            "subscriptions": 64,
            "edit_window_s": 900,
        }
        welcome = {"session": "s", "user": user, "heartbeat_s": 25, "limits": limits}
        self.wire.append({"type": "welcome", **welcome})

    def _join(self, command: dict[str, Any]) -> None:
        joined: dict[str, Any] = {"type": "joined", "ref": command["ref"], "room": self._room()}
        since = command.get("since")
        if since == "0" and "replay" in self.scopes:
            self.sent = 0
            joined |= {"cursor": f"{self.epoch}.0", "mode": "resume"}
        elif since is not None and self._can_resume(since):
            self.sent = int(since.partition(".")[2])
            joined |= {"cursor": since, "mode": "resume"}
        else:
            self.sent = self.seq
            comments = [self._comment(id) for id in sorted(self.comments)]
            cursor = f"{self.epoch}.{self.seq}"
            joined |= {"cursor": cursor, "mode": "snapshot", "comments": comments}
        self.wire.append(joined)

    def _post(self, command: dict[str, Any]) -> None:
        self.posts_received += 1
        id = self.nonces.get(command["nonce"])
        ack: dict[str, Any] = {"type": "ack", "ref": command["ref"], "room": "r"}
        if id is not None:
            self.wire.append({**ack, "seq": id, "duplicate": True})
            return
        id = self.nonces[command["nonce"]] = self.post(command["body"])
        self.wire.append({**ack, "seq": id, "comment": self._comment(id)})

    def _leave(self, command: dict[str, Any]) -> None:
        self.sent = None
        self.wire.append({"type": "left", "ref": command["ref"], "room": "r"})

    def _ping(self, _: dict[str, Any]) -> None:
        self.wire.append({"type": "pong"})

    def _can_resume(self, since: str) -> bool:
        epoch, _, seq = since.partition(".")
        return epoch == self.epoch and 0 <= self.seq - int(seq) <= RESUME_CHANGES

    def _comment(self, id: int) -> dict[str, Any]:
        seq, body = self.comments[id]
        created = "2026-01-01T00:00:00.000Z"
        if body is None:
            return {"id": id, "created": created, "state": "deleted", "seq": seq}
        return {"id": id, "body": body, "created": created, "state": "visible", "seq": seq}

    def _room(self) -> dict[str, Any]:
        settings = {"state": "open", "slow_mode_s": 0, "premoderate": False}
        return {"name": "r", **settings, "comments": self.count, "seq": self.seq}


def encoded(frame: dict[str, Any]) -> bytes:
    return to_json(frame)
