"""Those who stay a while: bots that post, readers who follow, go, and come back where they were."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.soak.site import Site
from tests.system.peer import CLOSE, Peer, closing, frame

STAY_S = 45.0
"""How long a regular stays, on average."""


class Poster:
    """Posts to one room, which nobody else does: so each acknowledged seq is the next one."""

    def __init__(self, site: Site, room: str, posts_per_s: float) -> None:
        self._site = site
        self._room = room
        self._pause_s = 1 / posts_per_s

    async def live(self) -> None:
        random = self._site.random
        while self._site.is_posting:
            peer = await self._site.enter(token=self._site.token)
            with closing(peer):
                left = round(random.expovariate(self._pause_s / STAY_S))
                while left >= 0 and self._site.is_posting:
                    await self._post(peer)
                    await asyncio.sleep(random.expovariate(1 / self._pause_s))
                    left -= 1

    async def _post(self, peer: Peer) -> None:
        site, room = self._site, self._room
        site.posts += 1
        nonce = f"soak-{site.posts:08}"
        body = f"{nonce} **x** " + "y" * site.random.randint(0, 400)
        await peer.say(type="post", room=room, nonce=nonce, ref=nonce, body=body)
        seq = (await peer.hear("ack", ref=nonce))["seq"]
        if seq != site.heads.get(room, 0) + 1:
            site.accuse(f"{room}: post {seq} came after {site.heads.get(room, 0)}")
        site.heads[room] = seq


class Reader:
    """Follows rooms and accuses the site of each gap, repetition and broken resumption."""

    def __init__(self, site: Site, rooms: list[str]) -> None:
        self._site = site
        self._rooms = rooms
        self._epochs: dict[str, str] = {}
        self.cursors: dict[str, int] = {}

    @property
    def is_up_to_date(self) -> bool:
        return all(
            self.cursors.get(room, 0) == self._site.heads.get(room, 0) for room in self._rooms
        )

    async def live(self) -> None:
        loop, random = asyncio.get_running_loop(), self._site.random
        while True:
            peer = await self._site.enter()
            with closing(peer):
                for room in self._rooms:
                    await self._join(peer, room)
                end = loop.time() + random.expovariate(1 / STAY_S)
                while loop.time() < end:
                    message = await peer.message()
                    if message["type"] == "heartbeat":
                        await peer.say(type="ping")
                    self.take(message)
                await _go(peer, random.randrange(3))
            await asyncio.sleep(random.uniform(0, 2))

    async def _join(self, peer: Peer, room: str) -> None:
        since = f"{self._epochs[room]}.{self.cursors[room]}" if room in self.cursors else None
        await peer.say(type="join", room=room, **({"since": since} if since else {}))

    def take(self, message: dict[str, Any]) -> None:
        """Move the cursor, or say why that is wrong."""
        match message["type"]:
            case "joined":
                self._joined(message["room"]["name"], message["mode"], message["cursor"])
            case "changes":
                self._changed(message)
            case "reset" | "error" | "notice":
                self._site.accuse(f"a reader was told: {message}")

    def _joined(self, room: str, mode: str, cursor: str) -> None:
        epoch, _, seq = cursor.partition(".")
        if room in self.cursors:
            self._site.resumes += 1
            was = (self._epochs[room], self.cursors[room])
            if mode != "resume" or was != (epoch, int(seq)):
                self._site.accuse(f"{room}: back at {was}, got {mode} at {cursor}")
        self._epochs[room], self.cursors[room] = epoch, int(seq)

    def _changed(self, message: dict[str, Any]) -> None:
        room, since, to = message["room"], message["from"], message["to"]
        seqs = [change["seq"] for change in message["changes"]]
        if since != self.cursors.get(room) or seqs != list(range(since + 1, to + 1)):
            self._site.accuse(f"{room}: {since}–{to} with {seqs} came at {self.cursors.get(room)}")
        self._site.deliveries += len(seqs)
        self.cursors[room] = to


async def _go(peer: Peer, how: int) -> None:
    """With a closing handshake, with a FIN, or with a RST."""
    if how == 0:
        await peer.send(frame(b"\x03\xe8", CLOSE))
        await peer.ended()
    elif how == 1:
        peer.reset()
