"""A whole server inside the test, where its parts can be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from livethread import app
from livethread.gateway import Gateway
from livethread.settings import Settings
from tests.serverprocess import UNLIMITED


@dataclass(frozen=True)
class Inside:
    server: app.Server
    gateway: Gateway
    port: int

    @property
    def connections(self) -> set[Any]:
        """What uvicorn counts: HTTP and websockets."""
        return self.server.server_state.connections


@asynccontextmanager
async def serving_inside(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, **values: Any
) -> AsyncIterator[Inside]:
    """``app.serve`` as a task on this loop; at the end it is asked to exit, and has."""
    given: dict[str, Any] = {**UNLIMITED, "port": 0, "data_dir": data_dir, **values}
    started: asyncio.Future[app.Server] = asyncio.get_running_loop().create_future()

    class Reporting(app.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set_result(self)

    with monkeypatch.context() as patch:
        patch.setattr(app, "Server", Reporting)
        serving = asyncio.create_task(app.serve(Settings(**given)))
        serving.add_done_callback(lambda _: started.cancel())
        try:
            server = await started
        except asyncio.CancelledError:
            serving.result()
            raise
    try:
        yield Inside(server, server._gateway, server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        async with asyncio.timeout(30):
            await serving
