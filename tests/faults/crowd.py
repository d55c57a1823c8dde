"""Posters and followers of one room that outlive the server; they keep a history of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.faults.history import Ack, Entry, History, Joined, Range
from tests.system.peer import PATIENCE_S, Ended, Peer, closing, until

WINDOW = 32
"""Posts of one poster that are under way at a time."""


@dataclass
class Goodbyes:
    """How the server took its leave, a connection."""

    notices: list[dict[str, Any]] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)


class Crowd:
    """``start``, then ``halt`` and ``go_on`` around restarts, at last ``finish``."""

    def __init__(self, port: int, token: str, room: str, *, posters: int, followers: int) -> None:
        self.history = History(followers=[[] for _ in range(followers)])
        self.goodbyes = Goodbyes()
        self._port = port
        self._token = token
        self._room = room
        self._is_up = asyncio.Event()
        self._is_posting = True
        self._waiting: list[dict[str, str]] = [{} for _ in range(posters)]
        self._tasks: list[asyncio.Task[None]] = []
        self._posts = 0
        self._connected = 0
        self.duplicates = 0  # acks of what an earlier connection sent and had no answer to
        self.connections = 0
        self.refused = 0

    @property
    def acked(self) -> int:
        return len(self.history.acks)

    async def refusals(self, more: int) -> None:
        """Wait until that many more posts are answered ``unavailable``."""
        enough = self.refused + more
        await self._until(lambda: self.refused >= enough, f"{more} more refusals")

    def start(self) -> None:
        self._is_up.set()
        self._tasks = [
            *(asyncio.create_task(self._live(self._post, i)) for i in range(len(self._waiting))),
            *(
                asyncio.create_task(self._live(self._follow, i))
                for i in range(len(self.history.followers))
            ),
        ]

    def expect_down(self) -> None:
        """The server is about to go: whoever loses it waits for :meth:`go_on`."""
        self._is_up.clear()

    def go_on(self) -> None:
        self._is_up.set()

    async def acks(self, more: int) -> None:
        """Wait until that many more posts are acknowledged."""
        enough = self.acked + more
        await self._until(lambda: self.acked >= enough, f"{more} more acks")

    async def all_gone(self) -> None:
        """Wait until everyone has noticed that the server is gone."""
        await self._until(lambda: not self._connected, "all connections ended")

    async def finish(self) -> History:
        """Have everything answered and everyone caught up; the history, with the room as it is."""
        self._is_posting = False
        await self._until(lambda: not any(self._waiting), "all posts answered")
        final = await self._read_all()
        await self._until(
            lambda: all(_cursor(steps) == len(final) for steps in self.history.followers),
            f"all followers at {len(final)}",
        )
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.history.final = final
        return self.history

    async def _until(self, is_true: Callable[[], bool], what: str) -> None:
        def look() -> bool:
            for task in self._tasks:
                if task.done():
                    task.result()
            return is_true()

        await until(look, what, 2 * PATIENCE_S)

    async def _live(self, work: Callable[[int, Peer], Any], number: int) -> None:
        while True:
            await self._is_up.wait()
            with suppress(ConnectionError):
                peer = await Peer.dial(self._port)
                self._connected += 1
                self.connections += 1
                with closing(peer):
                    try:
                        await self._greet(peer)
                        await work(number, peer)
                    except Ended as end:
                        self.goodbyes.codes.append(end.code)
                    finally:
                        self._connected -= 1
            await asyncio.sleep(0)

    async def _greet(self, peer: Peer) -> None:
        await peer.upgrade(self._port)
        await peer.say(type="hello", version=1, token=self._token)

    async def _post(self, number: int, peer: Peer) -> None:
        waiting = self._waiting[number]
        refused: set[str] = set()
        for nonce in list(waiting):  # what the server has not answered: perhaps it is there
            await self._send(peer, nonce)
        while True:
            while self._is_posting and self._is_up.is_set() and len(waiting) < WINDOW:
                self._posts += 1
                nonce = f"{self._room}-{number}-{self._posts:06}"
                waiting[nonce] = nonce
                self.history.sent.add(nonce)
                await self._send(peer, nonce)
            message = await self._message(peer)
            if message["type"] == "ack":
                comment = message["comment"]
                self.history.acks.append(Ack(message["ref"], comment["id"], comment["body"]))
                waiting.pop(message["ref"], None)
                self.duplicates += message.get("duplicate", False)
            elif message["type"] == "error":
                assert message["code"] == "unavailable", message
                assert message["retryable"]
                self.refused += 1
                refused.add(message["ref"])
            # While the server is going, they are kept for the next connection.
            if refused and refused == waiting.keys() and self._is_up.is_set():
                await asyncio.sleep(0.2)  # a client's patience
                for nonce in refused:
                    await self._send(peer, nonce)
                refused.clear()

    async def _send(self, peer: Peer, nonce: str) -> None:
        await peer.say(type="post", room=self._room, nonce=nonce, ref=nonce, body=nonce)

    async def _follow(self, number: int, peer: Peer) -> None:
        steps = self.history.followers[number]
        asked = _cursor(steps)
        wanted: dict[str, Any] = {"room": self._room}
        if asked is not None:
            epoch = next(step.epoch for step in steps if isinstance(step, Joined))
            wanted["since"] = f"{epoch}.{asked}"
        await peer.say(type="join", **wanted)
        while True:
            message = await self._message(peer)
            match message["type"]:
                case "joined":
                    epoch, _, seq = message["cursor"].partition(".")
                    steps.append(Joined(asked, message["mode"], int(seq), epoch))
                case "changes":
                    steps.append(_range(message))
                case "reset":
                    raise AssertionError(message)

    async def _message(self, peer: Peer) -> dict[str, Any]:
        message = await peer.message()
        if message["type"] == "notice":
            self.goodbyes.notices.append(message)
            self._is_up.clear()  # post no more, and come back when told to
        return message

    async def _read_all(self) -> list[Entry]:
        peer = await Peer.speaking(self._port, token=self._token)
        entries: list[Entry] = []
        with closing(peer):
            await peer.say(type="join", room=self._room, since="0")
            head = int((await peer.hear("joined"))["room"]["seq"])
            while not entries or entries[-1].seq < head:
                entries += _range(await peer.hear("changes")).entries
        return entries


def _cursor(steps: list[Joined | Range]) -> int | None:
    if not steps:
        return None
    last = steps[-1]
    return last.to if isinstance(last, Range) else last.seq


def _range(message: dict[str, Any]) -> Range:
    entries = tuple(
        Entry(change["seq"], change["comment"]["id"], change["comment"]["body"])
        for change in message["changes"]
    )
    return Range(message["from"], message["to"], entries)
