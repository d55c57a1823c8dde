"""Comments that wait for a moderation bot, for so long and no longer.

A bot is told of them as everyone who watches is, and decides with the `moderate` command. When the
time is over the filters' default is done in its place, by whichever server looks first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from livethread.model import Author, EndJudgement, decreed
from livethread.protocol.errors import LivethreadError
from livethread.rules import Judge
from livethread.store.base import ModerationStore
from livethread.writer import Writer

log = structlog.get_logger(__name__)

LOOK_S = 1.0
MOST_AT_ONCE = 100
_CLOCK = Author("s:clock", "Time limit", badge="bot")


class Judging:
    """Looks each second for comments whose time is over."""

    def __init__(
        self, store: ModerationStore, writer: Writer, judge: Judge, clock_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._writer = writer
        self._judge = judge
        self._clock_ms = clock_ms

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except LivethreadError:
                continue  # the Store says so; they wait a little longer
            except Exception:
                log.exception("judging_failed")

    async def look(self) -> None:
        """Do the default to what is due. It is asked for again if it isn't done."""
        now_ms = self._clock_ms()
        for room, comment in await self._store.due(now_ms, limit=MOST_AT_ONCE):
            action = self._judge.default(room)
            wish = EndJudgement(comment, action, "no judgement in time")
            self._writer.submit(decreed(room, _CLOCK, now_ms, wish))
