"""What survives a crash: the tables in memory, reached through a store that is slow and fails.

A commit happens at one moment, a reading is of one moment; request and answer take their time
before and after it. So a server that is killed meanwhile has committed or not, and never knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from livethread.model import (
    BotToken,
    ChangeRange,
    Comment,
    CommentId,
    Committed,
    Outcome,
    Page,
    PageRequest,
    Room,
    RoomName,
    Write,
)
from livethread.protocol.errors import Unavailable
from livethread.site import Link, Person, Standing
from tests.contract.memory_store import MemoryStore

T = TypeVar("T")

Applied = Callable[[Write, Committed], None]
"""Told of each effect at the moment it is durable."""


@dataclass
class Mood:
    """Delays in s, and how often out of one something fails."""

    commit_s: tuple[float, float] = (0.0005, 0.01)
    read_s: tuple[float, float] = (0.0, 0.01)
    failed_commits: float = 0.0
    doubtful_commits: float = 0.0
    """Done, but the answer is an error."""
    failed_reads: float = 0.0


class Disk:
    """The tables. Each server opens a store of its own on it."""

    def __init__(self, random: Random, applied: Applied) -> None:
        self.tables = MemoryStore()
        self.mood = Mood()
        self.random = random
        self.applied = applied

    def open(self) -> DiskStore:
        return DiskStore(self)


class DiskStore:
    """See ``store.base``; on the tables of a :class:`Disk`."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._tables = disk.tables

    async def commit(self, writes: Sequence[Write]) -> list[Outcome]:
        disk, mood = self._disk, self._disk.mood
        await self._pass_time(mood.commit_s)
        if disk.random.random() < mood.failed_commits:
            raise Unavailable
        outcomes = self._tables.apply(writes)  # one moment
        for write, outcome in zip(writes, outcomes, strict=True):
            if isinstance(outcome, Committed):
                disk.applied(write, outcome)
        is_lost = disk.random.random() < mood.doubtful_commits
        await self._pass_time(mood.commit_s)
        if is_lost:
            raise Unavailable
        return outcomes

    async def room(self, name: RoomName) -> Room:
        return await self._read(lambda: self._tables.room(name))

    async def changes(self, room: RoomName, since: int, *, limit: int) -> ChangeRange:
        return await self._read(lambda: self._tables.changes(room, since, limit=limit))

    async def size_since(self, room: RoomName, since: int) -> int:
        return await self._read(lambda: self._tables.size_since(room, since))

    async def page(self, request: PageRequest) -> Page:
        return await self._read(lambda: self._tables.page(request))

    async def reacted_by(
        self, room: RoomName, author: str, comments: Sequence[int]
    ) -> dict[int, list[str]]:
        return await self._read(lambda: self._tables.reacted_by(room, author, comments))

    async def held_by(self, room: RoomName, author: str) -> Sequence[Comment]:
        return await self._read(lambda: self._tables.held_by(room, author))

    async def counts(self, rooms: Sequence[RoomName]) -> dict[RoomName, int]:
        return await self._read(lambda: self._tables.counts(rooms))

    async def add_bot(self, token: BotToken) -> None:
        await self._tables.add_bot(token)

    async def bot(self, id: str) -> BotToken | None:
        return await self._read(lambda: self._tables.bot(id))

    async def bots(self) -> Sequence[BotToken]:
        return await self._read(self._tables.bots)

    async def revoke_bot(self, name: str) -> bool:
        return await self._tables.revoke_bot(name)

    async def standing_version(self) -> int:
        """It and ``standing`` are read at the start, too, and who can't read then doesn't start."""
        return await self._tables.standing_version()

    async def standing(self) -> Standing:
        return await self._tables.standing()

    async def person(self, site: str, issuer: str, subject: str) -> Person | None:
        return await self._read(lambda: self._tables.person(site, issuer, subject))

    async def is_registered(self, site: str, name: str, *, but_for: str | None = None) -> bool:
        return await self._read(lambda: self._tables.is_registered(site, name, but_for=but_for))

    async def add_link(self, link: Link) -> None:
        await self._tables.add_link(link)

    async def link(self, digest: str) -> Link | None:
        return await self._read(lambda: self._tables.link(digest))

    async def take_link(self, digest: str) -> bool:
        return await self._tables.take_link(digest)

    async def forget_links(self, now_ms: int) -> None:
        await self._tables.forget_links(now_ms)

    async def remember(self, person: Person, mark: str = "") -> Person:
        return await self._tables.remember(person, mark)

    async def ping(self) -> None:
        pass

    async def due(self, now_ms: int, *, limit: int) -> Sequence[tuple[RoomName, CommentId]]:
        return []

    async def index(self, *, is_tidying: bool) -> bool:
        return False

    async def scrub(self) -> bool:
        return True

    async def close(self) -> None:
        pass

    async def _read(self, reading: Callable[[], Coroutine[Any, Any, T]]) -> T:
        disk, mood = self._disk, self._disk.mood
        await self._pass_time(mood.read_s)
        if disk.random.random() < mood.failed_reads:
            raise Unavailable
        found = await reading()  # awaits nothing: one moment
        await self._pass_time(mood.read_s)
        return found

    async def _pass_time(self, between: tuple[float, float]) -> None:
        delay_s = self._disk.random.uniform(*between)
        if delay_s:
            await asyncio.sleep(delay_s)
