"""A client's state machine, as small as it can be, to hold feeds and other clients against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Outcome = Literal["applied", "dropped", "rejoin"]


@dataclass
class Reader:
    """One reader of one room: comments by id, a cursor, and the room with its count."""

    epoch: str | None = None
    seq: int = 0
    room: Json = field(default_factory=dict)
    comments: dict[int, Json] = field(default_factory=dict)
    is_joining: bool = False

    @property
    def cursor(self) -> str | None:
        return None if self.epoch is None else f"{self.epoch}.{self.seq}"

    @property
    def count(self) -> int:
        """How many comments everyone can see."""
        found: int = self.room.get("comments", 0)
        return found

    def join(self) -> str | None:
        """The ``since`` of the join that is sent now."""
        self.is_joining = True
        return self.cursor

    def receive(self, frame: Json) -> Outcome:
        match frame["type"]:
            case "joined":
                return self._joined(frame)
            case "changes":
                return self._changes(frame)
            case "page":
                for comment in frame["comments"]:
                    self._keep(comment)
                return "applied"
            case "reset":
                self.epoch, self.seq = None, 0
                return "rejoin"
        return "dropped"

    def shown(self) -> dict[int, Json]:
        """The comments whose ancestors are all here."""

        def is_placed(comment: Json) -> bool:
            parent = comment.get("parent")
            return parent is None or (parent in self.comments and is_placed(self.comments[parent]))

        return {id: c for id, c in sorted(self.comments.items()) if is_placed(c)}

    def _joined(self, frame: Json) -> Outcome:
        epoch, seq = frame["cursor"].split(".")
        if frame["mode"] == "resume":
            if epoch != self.epoch or int(seq) > self.seq:
                self.epoch, self.seq = None, 0
                return "rejoin"
        else:
            self.epoch, self.seq = epoch, int(seq)
            self.comments = {comment["id"]: comment for comment in frame["comments"]}
            self.room = {}
        self.is_joining = False
        self._set_room(frame["room"])
        for comment in frame.get("mine", ()):
            self._keep(comment)
        return "applied"

    def _changes(self, frame: Json) -> Outcome:
        if self.is_joining or self.epoch is None or frame["to"] <= self.seq:
            return "dropped"
        if frame["from"] > self.seq:
            return "rejoin"
        for change in frame["changes"]:
            if "comment" in change:
                self._keep(change["comment"])
            elif "reactions" in change:
                counted = change["reactions"]
                held = self.comments.get(counted["comment"])
                if held is not None:
                    now = {**held, "reactions": counted["counts"], "seq": change["seq"]}
                    if not counted["counts"]:
                        del now["reactions"]
                    self._keep(now)
            elif "room" in change:
                self._set_room(change["room"])
        if "comments" in frame:
            self._set_room({**self.room, "comments": frame["comments"], "seq": frame["to"]})
        self.seq = frame["to"]
        return "applied"

    def _keep(self, comment: Json) -> None:
        held = self.comments.get(comment["id"])
        if held is None or held["seq"] < comment["seq"]:
            self.comments[comment["id"]] = comment

    def _set_room(self, room: Json) -> None:
        """A room says of which seq it is: in a replay that may be later than its entry's."""
        if room["seq"] >= self.room.get("seq", 0):
            self.room = room
