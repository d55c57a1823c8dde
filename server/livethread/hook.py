"""Asks a site's address, or the server's, what to do with comments that wait for a judgement.

Whatever else but a decision comes back, or nothing, leaves the comment to its time limit, as it is
left by a bot that is away.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Literal

import structlog
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from livethread.model import (
    Audience,
    Author,
    Comment,
    CommentId,
    Committed,
    ModerateComment,
    RoomName,
    decreed,
)
from livethread.site import Endpoint, name_of, site_of
from livethread.views import comment_json, timestamp
from livethread.webhook import key_of_secret, signed
from livethread.writer import Writer

log = structlog.get_logger(__name__)

Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[bytes]]
"""Sends a body with headers to an address; returns the answer's, or raises ``OSError``."""

AT_ONCE = 4
MOST_WAITING = 1_000
HOOK = Author("s:hook", "Hook", badge="bot")


class Decision(BaseModel):
    """What the hook answers; None: it leaves the comment to others."""

    action: Literal["approve", "hold", "reject"] | None = None
    reason: str | None = None


Place = tuple[RoomName, CommentId]


class Hook:
    """Asks ``AT_ONCE`` times at a time for a site, whatever others' addresses do.

    Beyond ``MOST_WAITING`` a site's comments wait for nobody here. ``endpoint_of`` a site is None
    where nobody is to be asked; ``clock_ms`` is wall time, ms since 1970.
    """

    def __init__(
        self,
        endpoint_of: Callable[[str], Endpoint | None],
        post: Post,
        writer: Writer,
        clock_ms: Callable[[], int],
    ) -> None:
        self._endpoint_of = endpoint_of
        self._post = post
        self._writer = writer
        self._clock_ms = clock_ms
        self._newest: dict[Place, Comment] = {}
        self._waiting: dict[str, asyncio.Queue[Place]] = {}
        self._unattended: asyncio.Queue[str] = asyncio.Queue()
        self._failing: set[str] = set()

    def tell(self, committed: Iterable[Committed]) -> None:
        """Ask about what has come to wait for a judgement."""
        for one in committed:
            comment = one.comment
            if comment is None or one.is_duplicate:
                continue
            place = one.room.name, comment.id
            if comment.due_ms is None:  # decided, or gone: none of the hook's business any more
                self._newest.pop(place, None)
                continue
            if place not in self._newest:
                site = site_of(one.room.name)
                if self._endpoint_of(site) is None or self._queue(site).full():
                    continue
                self._queue(site).put_nowait(place)
            self._newest[place] = comment

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                site = await self._unattended.get()
                for _ in range(AT_ONCE):
                    group.create_task(self._work(site))

    def _queue(self, site: str) -> asyncio.Queue[Place]:
        if site not in self._waiting:
            self._waiting[site] = asyncio.Queue(MOST_WAITING)
            self._unattended.put_nowait(site)
        return self._waiting[site]

    async def _work(self, site: str) -> None:
        while True:
            place = await self._waiting[site].get()
            comment, endpoint = self._newest.pop(place, None), self._endpoint_of(site)
            if comment is None or endpoint is None:
                continue
            try:
                await self._judge(endpoint, place[0], comment)
            except Exception:
                log.exception("hook_broke", site=site)

    async def _judge(self, endpoint: Endpoint, room: RoomName, comment: Comment) -> None:
        left_s, site = ((comment.due_ms or 0) - self._clock_ms()) / 1000, site_of(room)
        try:
            async with asyncio.timeout(left_s):
                decision = await self._ask(endpoint, room, comment)
        except (OSError, TimeoutError, ValidationError) as error:
            if site not in self._failing:
                log.warning("hook_failed", site=site, error=str(error) or type(error).__name__)
            self._failing.add(site)
            return
        if site in self._failing:
            log.info("hook_answers_again", site=site)
        self._failing.discard(site)
        if decision.action is not None:
            # By its seq: what its author has changed since was not judged.
            wish = ModerateComment(comment.id, decision.action, decision.reason, comment.seq)
            self._writer.submit(decreed(room, HOOK, self._clock_ms(), wish))

    async def _ask(self, endpoint: Endpoint, room: RoomName, comment: Comment) -> Decision:
        asked = {
            "type": "comment.waiting",
            "site": site_of(room),
            "room": name_of(room),
            "until": timestamp(comment.due_ms or 0),
            "comment": comment_json(comment, Audience.STAFF),
        }
        body = to_json(asked)
        id = hashlib.blake2s(f"{room}\0{comment.seq}".encode(), digest_size=16).hexdigest()
        key = key_of_secret(endpoint.secret)
        headers = signed(key, f"msg_{id}", self._clock_ms() // 1000, body)
        return Decision.model_validate_json(await self._post(endpoint.url, body, headers))
