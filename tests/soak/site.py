"""The server that is soaked, as its crowd sees it, and what the crowd has to say against it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.system.peer import Peer

SETTINGS = {
    # Limits work, and are far away.
    "command_rate": 1_000,
    "command_burst": 1_000,
    "post_rate": 1_000,
    "post_burst": 1_000,
    "address_post_rate": 1_000,
    "address_post_burst": 1_000,
    "bot_post_rate": 1_000,
    "bot_post_burst": 1_000,
    "guest_rate": 1_000,
    "guest_burst": 1_000,
    "http_rate": 1_000,
    "http_burst": 1_000,
    "max_connections_per_identity": 0,
    # What is bounded is full, and what is forgotten is gone, long before the warm-up ends.
    "ring_entries": 64,
    "room_idle_s": 0.5,
    "snapshots_bytes": 2**17,
    "hello_deadline_s": 0.5,
    "heartbeat_s": 5,
    "silence_s": 30,
    "presence_s": 2,
    "resume_changes": 100_000,
    "resume_bytes": 2**26,
}


@dataclass
class Site:
    """``heads`` are the seqs of the rooms' last acknowledged posts; ``faults`` what went wrong."""

    port: int
    token: str
    random: random.Random
    rooms: tuple[str, ...]
    is_posting: bool = True
    heads: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    posts: int = 0
    deliveries: int = 0
    resumes: int = 0
    visits: int = 0

    def source(self) -> str:
        """Another address each time, so that what is kept for an address shows."""
        return f"127.0.0.{self.random.randint(2, 250)}"

    async def enter(self, **hello: object) -> Peer:
        """An open websocket that has said hello."""
        peer = await Peer.open(self.port, source=self.source())
        try:
            await peer.say(type="hello", version=1, **hello)
            await peer.hear("welcome")
        except BaseException:
            peer.close()
            raise
        return peer

    def accuse(self, fault: str) -> None:
        if len(self.faults) < 100:
            self.faults.append(fault)
