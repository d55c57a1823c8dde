"""A reader over HTTP, waiting."""

from __future__ import annotations

import asyncio
from typing import Any

from livethread.auth.identity import ANONYMOUS
from livethread.model import RoomName
from livethread.protocol.cursor import Cursor
from livethread.web.following import Follower
from tests.web.site import Site


class Lingering(Follower):
    """Lets go of what it reads in some steps, and is told to end meanwhile."""

    ended: asyncio.Future[None]

    async def read(self) -> bytes:
        loop = asyncio.get_running_loop()
        assert self._deadline is not None
        loop.call_at(self._deadline.when() or 0, self.ended.set_result, None)
        try:
            await loop.create_future()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
        raise AssertionError


async def test_a_server_that_drains_as_a_wait_runs_out_fails_nothing(site: Site) -> None:
    loop = asyncio.get_running_loop()
    failures: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: failures.append(context))
    follower = Lingering(site.gateway, RoomName("a"), Cursor("e", 0), ANONYMOUS)
    follower.ended = loop.create_future()
    assert await follower.wait(0.01, follower.ended) is None
    assert follower.ended.done()
    assert failures == []
