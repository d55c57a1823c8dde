"""What happened in a simulation, in the one order in which it happened.

Kinds of events, and who they are of:

* a connection: ``received`` and ``sent`` (JSON) where the server reads and writes, ``said`` and
  ``heard`` where its client does; ``closed`` (code) when the server sends a close frame
* a client: ``asked`` and ``answered`` (a write, over all connections), ``took`` (what its consumer
  of a room was given), ``failed``, ``ended`` (what it holds of a room at the end)
* the disk: ``applied`` (an effect became durable)
* the world: what was done to them all, ``final`` (a room as it is at the end), ``wrong`` (what the
  program complained about by itself)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Event(NamedTuple):
    at: float
    kind: str
    who: str
    what: Any

    def __str__(self) -> str:
        what = json.dumps(self.what, ensure_ascii=False, sort_keys=True)
        return f"{self.at:10.4f} {self.kind:8} {self.who:10} {what}"


@dataclass
class History:
    clock: Callable[[], float]
    events: list[Event] = field(default_factory=list)

    def note(self, kind: str, who: str, what: Any) -> None:
        self.events.append(Event(self.clock(), kind, who, what))

    def of(self, *kinds: str) -> Iterator[Event]:
        return (event for event in self.events if event.kind in kinds)

    def __str__(self) -> str:
        return "\n".join(map(str, self.events)) + "\n"
