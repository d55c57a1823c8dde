"""What was said in one place and holds in others: who follows those hears of it, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from livethread.hub import Hub
from livethread.model import Act, Committed, RoomName, TellRoom, decreed
from livethread.site import name_of, site_room_of
from livethread.snapshots import Snapshots
from livethread.writer import Writer

AT_ONCE = 100
"""So many rooms are told in one go, for the queue to have place for what people write meanwhile."""


class Consequences:
    def __init__(self, hub: Hub, snapshots: Snapshots, writer: Writer) -> None:
        self._hub = hub
        self._snapshots = snapshots
        self._writer = writer

    def see_to(self, committed: Iterable[Committed]) -> None:
        acts = [one.act for one in committed if one.act is not None]
        if any(act.action == "delete_all" for act in acts):
            for name, _ in self._hub.rooms():
                self._hub.recheck(name)
        for act in acts:
            if act.action == "configure" and not name_of(act.room):
                self._snapshots.forget()  # also of rooms that nobody follows just now
                rooms = [name for name, _ in self._hub.rooms() if site_room_of(name) == act.room]
                self._tell(act, rooms)

    def _tell(self, act: Act, rooms: Sequence[str]) -> None:
        """Have the rooms of a site that was configured told, some at a time."""
        now, later = rooms[:AT_ONCE], rooms[AT_ONCE:]
        writes = [decreed(RoomName(name), act.by, act.at_ms, TellRoom()) for name in now]
        for write in writes[:-1]:
            self._writer.submit(write)
        for write in writes[-1:]:
            self._writer.submit(write, lambda _: self._tell(act, later))
