"""What a room's feed is, from what became durable: each change, and each comment's versions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

SHOWN = {False: {"visible"}, True: {"visible", "held", "hidden"}}
"""Whose words who may read: the public, the staff."""


@dataclass(frozen=True)
class Version:
    """A comment as one change left it."""

    id: int
    seq: int
    state: str
    body: str
    was_public: bool
    is_of_reactions: bool = False
    """Nothing else changed."""

    def is_known(self, is_staff: bool) -> bool:
        return self.was_public or is_staff

    def is_shown(self, is_staff: bool) -> bool:
        return self.state in SHOWN[is_staff]

    def says(self, comment: Json, is_staff: bool) -> bool:
        """Whether a frame's comment is this version, as that audience may see it.

        Its reactions, and so its seq, may be later ones.
        """
        state, body = self.state, self.body if self.is_shown(is_staff) else None
        if body is None and state == "held":
            state = "hidden"
        seen = comment["id"], comment["state"], comment.get("body")
        return seen == (self.id, state, body) and comment["seq"] >= self.seq


@dataclass
class Truth:
    """``changes`` by seq: a version, or None where the room itself changed."""

    changes: dict[int, Version | None] = field(default_factory=dict)
    versions: dict[int, list[Version]] = field(default_factory=dict)
    acknowledged: dict[int, int] = field(default_factory=dict)
    """The newest version of each comment whose author has been told, but for its reactions."""

    @property
    def head(self) -> int:
        return len(self.changes)

    def add(self, change: Json) -> None:
        seq = change["seq"]
        comment = change.get("comment")
        version = None if comment is None else Version(**comment)
        self.changes[seq] = version
        if version is not None:
            self.versions.setdefault(version.id, []).append(version)

    def acknowledge(self, seq: int) -> None:
        version = self.changes.get(seq)
        if version is not None and not version.is_of_reactions:
            self.acknowledged[version.id] = max(self.acknowledged.get(version.id, 0), seq)

    def at(self, id: int, seq: int) -> Version | None:
        """The comment as it was at that place of the feed."""
        versions = self.versions.get(id, [])
        found = bisect_right(versions, seq, key=lambda version: version.seq)
        return versions[found - 1] if found else None

    def known(self, seq: int, is_staff: bool) -> dict[int, Version]:
        """The comments an audience knew at that place."""
        found = {id: self.at(id, seq) for id in self.versions}
        return {id: v for id, v in found.items() if v is not None and v.is_known(is_staff)}

    def count(self, seq: int) -> int:
        return sum(version.state == "visible" for version in self.known(seq, True).values())

    def missing(self, since: int, to: int, there: set[int], is_staff: bool) -> Iterator[int]:
        """Changes in (since, to] that had to be there: not superseded by now, and not secret."""
        for seq in range(since + 1, to + 1):
            if seq in there or seq not in self.changes:
                continue
            version = self.changes[seq]
            if version is None:
                if all(self.changes[later] for later in range(seq + 1, self.head + 1)):
                    yield seq
            elif version.is_known(is_staff) and not self._is_superseded(version):
                yield seq

    def _is_superseded(self, version: Version) -> bool:
        """By a later version, unless that is one of reactions only and this isn't."""
        later = [v for v in self.versions[version.id] if v.seq > version.seq]
        return any(version.is_of_reactions or not v.is_of_reactions for v in later)
