"""Moderators who watch what comes up for them anywhere on their site, as it is committed.

What they are told is a hint and may be missing (to who takes no bytes): the queue has it all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from livethread.auth.identity import Identity
from livethread.model import Committed
from livethread.protocol.codec import encode
from livethread.site import site_of
from livethread.views import queued_json, restricted_json
from livethread.wire import encode_frame


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

    def __len__(self) -> int:
        return len(self._watching)

    def set(self, watcher: Watcher, identity: Identity | None) -> None:
        """Tell this one what the identity may know; None: nothing more."""
        if identity is None:
            self._watching.pop(watcher, None)
        else:
            self._watching[watcher] = identity

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
                if is_theirs and watcher.unsent_bytes() < self._max_unsent_bytes:
                    watcher.write(frame)
