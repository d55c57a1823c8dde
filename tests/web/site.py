"""A site to call over HTTP, composed as the program composes it, on a database of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import uvicorn

from livethread.app import Server, running
from livethread.auth.bots import new_bot
from livethread.gateway import Gateway
from livethread.http import HttpConnection
from livethread.settings import Settings
from livethread.site import DEFAULT
from livethread.web.app import create_app
from tests.emptystore import lay_empty_store

STATIC = Path(__file__).parents[2] / "static"
HOST = "talk.test"
ORIGIN = f"http://{HOST}"
ROOM = "news/2026/bridge"
ROOMS = "/api/v1/rooms"
SEND_BUFFER_BYTES = 16_384  # of the system; left alone it takes some MB from a server
UNLIMITED: dict[str, Any] = {
    "post_rate": 0,
    "address_post_rate": 0,
    "bot_post_rate": 0,
    "guest_rate": 0,
    "http_rate": 0,
}


@dataclass
class Site:
    """``client`` calls as a page of the site's own origin would; ``peer`` makes other callers."""

    gateway: Gateway
    client: httpx.AsyncClient
    peer: Callable[..., httpx.AsyncClient]

    async def guest(self, name: str = "Mara") -> dict[str, str]:
        """The headers of a new guest."""
        answer = await self.client.post("/api/v1/guests", json={"name": name})
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['guest_token']}"}

    async def bot(self, *scopes: str, rooms: str = "*", site: str = DEFAULT) -> dict[str, str]:
        """The headers of a new bot; it sends no Origin."""
        count = len(await self.gateway.services.store.bots())
        bot, token = new_bot(f"bot {count}", frozenset(scopes), rooms, 0, site)
        await self.gateway.services.store.add_bot(bot)
        return {"Authorization": f"Bearer {token}"}

    async def post(
        self, by: dict[str, str], body: str, *, key: str = "", room: str = ROOM, **more: Any
    ) -> dict[str, Any]:
        """The comment posted."""
        key = key or f"key-{abs(hash((body, *by.values()))):x}"
        answer = await self.client.post(
            f"{ROOMS}/{room}/comments",
            json={"body": body, **more},
            headers={**by, "Idempotency-Key": key},
        )
        assert answer.status_code == 201, answer.text
        comment: dict[str, Any] = answer.json()["comment"]
        return comment

    async def up_to_date(self) -> None:
        """Return when the server knows all that was said of sites and people."""
        version = await self.gateway.services.store.standing_version()
        await until(lambda: self.gateway.services.directory.version >= version)

    async def cursor(self, room: str = ROOM) -> str:
        answer = await self.client.get(f"{ROOMS}/{room}")
        return str(answer.json()["cursor"])

    async def waiting(self, readers: int = 1, room: str = ROOM) -> None:
        """Return when so many wait over HTTP for the room's next change."""
        hub = self.gateway.services.hub
        await until(lambda: room in dict(hub.rooms()))
        await until(lambda: len(dict(hub.rooms())[room].wakeups) == readers)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop go on until the condition holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (nothing signals it)
            await asyncio.sleep(0)


@asynccontextmanager
async def a_site(directory: Path, static: Path = STATIC, **settings: Any) -> AsyncIterator[Site]:
    """A site in this loop, called without a network."""
    given: dict[str, Any] = {"data_dir": directory / "data", **UNLIMITED, **settings}
    await lay_empty_store(directory / "data" / "livethread.db")
    async with running(Settings(**given)) as gateway:
        app: Any = create_app(gateway, static)

        def peer(address: str = "192.0.2.1", **headers: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app, client=(address, 4711))
            return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)

        async with peer(Origin=ORIGIN) as client:
            yield Site(gateway, client, peer)


class Started(Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway) -> None:
        super().__init__(config, gateway)
        self.is_listening = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.is_listening.set()

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.servers[0].sockets[0].getsockname()[:2])


@asynccontextmanager
async def a_server(directory: Path, **settings: Any) -> AsyncIterator[tuple[Site, Started]]:
    """A site in this loop behind a real uvicorn; ``server.should_exit`` has it drain."""
    given: dict[str, Any] = {"data_dir": directory / "data", **UNLIMITED, **settings}
    await lay_empty_store(directory / "data" / "livethread.db")
    async with running(Settings(**given)) as gateway:
        app: Any = create_app(gateway, STATIC)
        config = uvicorn.Config(
            app,
            http=cast(Any, partial(HttpConnection, gateway)),
            ws="none",
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=5,
        )
        server = Started(config, gateway)
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        serving = asyncio.get_running_loop().create_task(server.serve([listener]))
        await server.is_listening.wait()

        def peer(**headers: str) -> httpx.AsyncClient:
            return httpx.AsyncClient(base_url=server.url, headers=headers, timeout=20)

        try:
            async with peer(Origin=server.url) as client:
                yield Site(gateway, client, peer), server
        finally:
            server.should_exit = True
            await serving
