"""Moderators who watch what comes up for them anywhere on their site, as it is committed.

What they are told is a hint and may be missing (to who takes no bytes): the queue has it all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from livethread.auth.identity import Identity
from livethread.model import Committed, Role
from livethread.protocol import frames
from livethread.protocol.codec import encode
from livethread.site import site_of
from livethread.views import queued_json, restricted_json
from livethread.wire import encode_frame

MOST_TOLD = 100
"""Of those who watch, so many are told of."""


class Watcher(Protocol):
    """A connection that is told."""

    def __hash__(self) -> int: ...
    def write(self, data: bytes, /) -> None: ...
    def unsent_bytes(self) -> int: ...


class Watchers:
    """Who watches, and as whom. One with ``max_unsent_bytes`` unsent is passed over."""

    def __init__(self, max_unsent_bytes: int) -> None:
        self._max_unsent_bytes = max_unsent_bytes
        self._watching: dict[Watcher, Identity] = {}
        self._here: dict[str, list[tuple[str, str]]] = {}

    def __len__(self) -> int:
        return len(self._watching)

    def set(self, watcher: Watcher, identity: Identity | None) -> None:
        """Tell this one what the identity may know; None: nothing more. All hear who watches."""
        before = self._watching.pop(watcher, None)
        if identity is not None:
            self._watching[watcher] = identity
        for site in {one.site for one in (before, identity) if one is not None}:
            self._tell_who(site, watcher)

    def _tell_who(self, site: str, watcher: Watcher) -> None:
        """Tell a site's watchers who they are, if that is new; and whoever has just begun."""
        watching = {one: who for one, who in self._watching.items() if who.site == site}
        people = {who.id: who.name for who in watching.values() if who.role is not Role.BOT}
        here = sorted(people.items(), key=lambda person: (person[1], person[0]))[:MOST_TOLD]
        is_new = here != self._here.get(site)
        if watching:
            self._here[site] = here
        else:
            self._here.pop(site, None)
        frame = frames.Moderators(here=[frames.Author(id=id, name=name) for id, name in here])
        told = encode_frame(encode(frame))
        for one in watching if is_new else watching.keys() & {watcher}:
            self._write(one, told)

    def _write(self, watcher: Watcher, frame: bytes) -> None:
        if watcher.unsent_bytes() < self._max_unsent_bytes:
            watcher.write(frame)

    def tell(self, committed: Iterable[Committed]) -> None:
        """Tell those who may know of what came up or was decided."""
        if not self._watching:
            return
        for one in committed:
            value = queued_json(one) or restricted_json(one)
            if value is None:
                continue
            frame, key = encode_frame(encode(value)), one.room.name
            for watcher, identity in list(self._watching.items()):
                is_theirs = identity.site == site_of(key) and identity.may("read", key)
                if is_theirs:
                    self._write(watcher, frame)
