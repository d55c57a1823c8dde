"""People and bots: each a program with the real Python client, that may be killed and comes back.

What a person keeps over a crash of the program is what a careful program would have on disk: the
token, the cursor with what was read up to it, and the writes that have had no answer yet.
"""

from __future__ import annotations

import asyncio
from asyncio import Task
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from livethread.protocol.commands import Order
from livethread.protocol.errors import LivethreadError
from livethread.protocol.frames import Ack, Change
from livethread_client.live import Live, Options
from livethread_client.room import Room
from tests.simulation.history import History
from tests.simulation.loop import Process
from tests.simulation.truth import Json

URL = "http://127.0.0.1:80"
ROOMS = ("bridge", "harbour")
ORDERS: tuple[Order, ...] = ("newest", "oldest", "best")
MANY = 80
"""Comments in a room after which nobody adds one: a first page has at most a hundred."""


@dataclass(frozen=True)
class Habits:
    """What somebody does, and how often: intervals are means in s, 0 for never."""

    rooms: tuple[str, ...] = ROOMS
    writes_s: float = 0.0
    does: tuple[str, ...] = ()
    leaves_s: float = 0.0
    dawdles_s: float = 0.0
    """Time taken over a change."""
    forgets: bool = False
    """Comes back without a cursor."""
    since: str | None = None
    max_waiting: int = 1024


@dataclass
class Place:
    """A room as somebody's consumer has it."""

    cursor: str | None = None
    comments: dict[int, Json] = field(default_factory=dict)

    def take(self, item: Any) -> None:
        if isinstance(item, Change):
            if item.comment is not None:
                self._keep(item.comment.model_dump(exclude_none=True))
            elif item.reactions is not None and item.reactions.comment in self.comments:
                held = dict(self.comments[item.reactions.comment])
                held.pop("reactions", None)
                counts = {"reactions": item.reactions.counts} if item.reactions.counts else {}
                self._keep(held | counts | {"seq": item.seq})
            return
        assert item.next is None
        assert not item.more
        self.comments = {}
        for comment in item.comments:
            self._keep(comment.model_dump(exclude_none=True))

    def _keep(self, comment: Json) -> None:
        held = self.comments.get(comment["id"])
        if held is None or held["seq"] < comment["seq"]:
            self.comments[comment["id"]] = comment


class Person:
    """``token`` None and ``guest`` None: an anonymous reader."""

    def __init__(
        self,
        name: str,
        history: History,
        random: Random,
        habits: Habits,
        written: dict[str, int],
        *,
        token: str | None = None,
        guest: str | None = None,
    ) -> None:
        self.name = name
        self.token = token
        self.process: Process | None = None
        self.twin: Person | None = None
        self.habits = habits
        self.random = random
        self.places = {room: Place(habits.since) for room in habits.rooms}
        self.outbox: dict[str, Json] = {}
        self.is_quiet = False
        self._guest = guest
        self._written = written
        self._history = history
        self._live: Live | None = None
        self._rooms: dict[str, Room] = {}
        self._tasks: set[Task[None]] = set()
        self._words = 0

    @property
    def is_read(self) -> bool:
        """False for who starts from the whole feed, as no reader does."""
        return self.habits.since is None

    def is_at_rest(self, heads: dict[str, int]) -> bool:
        """Everything answered, everything read."""
        return not self.outbox and all(
            name in self._rooms and self._seq(name) == heads[name] for name in self.places
        )

    def state(self, name: str) -> Json:
        comments = self.places[name].comments
        return {
            "room": name,
            "seq": self._seq(name),
            "is_read": self.is_read,
            "comments": [comments[id] for id in sorted(comments)],
        }

    def _seq(self, name: str) -> int:
        room = self._rooms.get(name)
        cursor = self.places[name].cursor if room is None else room.cursor
        return int((cursor or ".-1").partition(".")[2] or 0)

    # ── a program's life ──

    async def live(self) -> None:
        try:
            await self._connected()
        except Exception as error:  # noqa: BLE001 (whatever it is, it is a fault)
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        if Process.current().is_alive:
            self._history.note("failed", self.name, repr(error))

    async def _connected(self) -> None:
        self._rooms, self._tasks = {}, set()
        options = Options(
            keep_trying=True,
            patience_s=30,
            max_waiting=self.habits.max_waiting,
            silence_s=12,
            random=self.random.uniform,
        )
        async with Live(URL, token=self.token, guest=self._guest, options=options) as live:
            self.token, self._live = live.token, live
            for name in self.places:
                self._do(self._follow(live, name))
            for nonce, what in list(self.outbox.items()):
                self._do(self._write(live, nonce, what))
            if self.habits.writes_s:
                self._do(self._keep_writing(live))
            await asyncio.Event().wait()

    def _do(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    # ── reading ──

    async def _follow(self, live: Live, name: str) -> None:
        place = self.places[name]
        while True:
            room = await live.join(name, place.cursor, limit=100)
            self._rooms[name] = room
            leaves = self.habits.leaves_s and not self.is_quiet
            wait_s = self.random.expovariate(1 / self.habits.leaves_s) if leaves else None
            try:
                async with asyncio.timeout(wait_s):
                    async for item in room.changes():
                        self._took(name, place, room, item)
                        if self.habits.dawdles_s and not self.is_quiet:
                            await asyncio.sleep(self.random.uniform(0, self.habits.dawdles_s))
            except TimeoutError:
                place.cursor = None if self.habits.forgets else room.cursor
                room.leave()
                await asyncio.sleep(self.random.uniform(0, 1))

    def _took(self, name: str, place: Place, room: Room, item: Any) -> None:
        place.take(item)
        place.cursor = room.cursor
        is_change = isinstance(item, Change)
        what = {
            "room": name,
            "cursor": room.cursor,
            "snapshot": None if is_change else item.reason,
            "change": item.model_dump(exclude_none=True) if is_change else None,
        }
        self._history.note("took", self.name, what)

    # ── writing ──

    async def _keep_writing(self, live: Live) -> None:
        while True:
            await asyncio.sleep(self.random.expovariate(1 / self.habits.writes_s))
            for _ in range(self.random.choice((1, 1, 1, 1, 1, 1, 12))):
                if not self.is_quiet:
                    self.think_of_something(live)

    def think_of_something(self, live: Live) -> None:
        name = self.random.choice(self.habits.rooms)
        what: Json = {"room": name, "do": self.random.choice(self.habits.does)}
        known = self.places[name].comments
        if what["do"] == "page":
            self._do(self._turn_pages(live, name))
            return
        if what["do"] in ("post", "reply"):
            self._written[name] += 1
            if self._written[name] > MANY:
                what["do"] = "edit"
        own = [id for id, comment in known.items() if self._is_own(live, comment)]
        targets = own if what["do"] in ("edit", "delete") else list(known)
        if what["do"] != "post" and what["do"] != "configure":
            if not targets:
                return
            what["comment"] = self.random.choice(targets[-6:])
        self._words += 1
        nonce = f"{self.name}-{self._words:06}"
        if what["do"] in ("post", "reply", "edit"):
            padding = "x " * self.random.choice((0, 0, 10, 150))
            what["body"] = f"word-{self.name}-{self._words}- {padding}".strip()
        elif what["do"] == "moderate":
            actions = ("hide", "hide", "restore", "approve", "approve", "reject", "pin", "unpin")
            what["action"] = self.random.choice(actions)
        elif what["do"] == "configure":
            what |= self.random.choice(
                (
                    {"premoderate": True},
                    {"premoderate": False},
                    {"premoderate": False},
                    {"title": f"Title {self._words}"},
                    {"slow_mode_s": 2},
                    {"slow_mode_s": 0},
                )
            )
        elif what["do"] == "react":
            what["on"] = self.random.random() < 0.7
        self._send(live, nonce, what)
        if self.random.random() < 0.1:
            again = self.twin if self.twin is not None else self
            again.repeat(nonce, what)

    async def _turn_pages(self, live: Live, name: str) -> None:
        order, after = self.random.choice(ORDERS), None
        with suppress(LivethreadError):
            for _ in range(3):
                page = await live.room(name).page(after=after, limit=5, order=order)
                after = page.next
                if after is None:
                    return

    def repeat(self, nonce: str, what: Json) -> None:
        """Say the same over this connection, too."""
        if self._live is not None and self.process is not None and self.process.is_alive:
            self.process.soon(self._send, self._live, nonce, what)

    def _send(self, live: Live, nonce: str, what: Json) -> None:
        self.outbox[nonce] = what
        self._do(self._write(live, nonce, what))

    def _is_own(self, live: Live, comment: Json) -> bool:
        author = comment.get("author")
        return author is not None and author["id"] == live.user.id

    async def _write(self, live: Live, nonce: str, what: Json) -> None:
        self._history.note("asked", self.name, {"nonce": nonce, **what})
        answer: Json = {"nonce": nonce, "room": what["room"]}
        try:
            ack = await self._ask(live.room(what["room"]), nonce, what)
        except LivethreadError as error:
            if live._failure is not None:
                return  # the client has ended: that is told elsewhere
            answer["error"] = error.code
        else:
            answer["seq"] = ack.seq
            answer["comment"] = ack.comment.id if ack.comment is not None else None
        self.outbox.pop(nonce, None)
        self._history.note("answered", self.name, answer)

    async def _ask(self, room: Room, nonce: str, what: Json) -> Ack:
        match what["do"]:
            case "post" | "reply":
                return await room.post(what["body"], parent=what.get("comment"), nonce=nonce)
            case "edit":
                return await room.edit(what["comment"], what["body"], nonce=nonce)
            case "delete":
                return await room.delete(what["comment"], nonce=nonce)
            case "react":
                return await room.react(what["comment"], "like", what["on"])
            case "moderate":
                return await room.moderate(what["comment"], what["action"], nonce=nonce)
            case "configure":
                settings = {k: v for k, v in what.items() if k not in ("room", "do")}
                return await room.configure(**settings, nonce=nonce)
        raise AssertionError(what)
