"""Has the Store make comments quickly found, a little at a time, so that posting isn't slowed."""

from __future__ import annotations

import asyncio

import structlog

from livethread.protocol.errors import LivethreadError
from livethread.store.base import SearchStore

log = structlog.get_logger(__name__)

LOOK_S = 1.0
LEAST_PAUSE_S = 0.1
PAUSES = 100
"""Pauses are so many times as long as steps, for nothing is committed meanwhile: a step takes 3 ms,
and many times that on a busy machine, where ten a second took a fifth of the posts. 200,000
comments are taken up in some twenty minutes.
"""
TIDY_S = 86_400.0
"""Merging reads and writes the whole index, 42 MB for 200,000 comments: not for each edit."""


class Indexing:
    """Words that are gone leave the index when the server starts, and each day."""

    def __init__(self, store: SearchStore) -> None:
        self._store = store

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        tidy_at, pause_s = loop.time(), LOOK_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = LOOK_S
            begun = loop.time()
            is_tidying = begun >= tidy_at
            try:
                if await self._store.index(is_tidying=is_tidying):
                    pause_s = max(LEAST_PAUSE_S, PAUSES * (loop.time() - begun))
            except LivethreadError:
                continue  # the Store says so; nothing is lost
            except Exception:
                log.exception("indexing_failed")
                continue
            if is_tidying:
                tidy_at = begun + TIDY_S
