"""For those who run the server: is it alive, is it ready, and its figures."""

from __future__ import annotations

import asyncio
from asyncio import Task

from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from livethread.auth.proxies import ProxyPolicy
from livethread.gateway import Gateway
from livethread.metrics import CONTENT_TYPE, exposition
from livethread.protocol.errors import Forbidden, Unavailable
from livethread.store.base import Store
from livethread.web.caller import AnyGateway, client_address

_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-real-ip")

router = APIRouter(include_in_schema=False)


class Readiness:
    """Asks the database once for all who wait: /readyz has no rate, and must not cost one each."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asking: Task[None] | None = None

    async def check(self) -> None:
        """Return if the database answers; raises ``Unavailable``."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._store.ping())
        await asyncio.shield(self._asking)


@router.get("/healthz")
async def is_alive() -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


@router.get("/readyz")
async def is_ready(request: Request, gateway: AnyGateway) -> Response:
    """The database answers, and no restart is under way."""
    if gateway.is_draining:
        raise Unavailable("The server is restarting.", retry_after_ms=1_000)
    readiness: Readiness = request.app.state.readiness
    await readiness.check()
    return PlainTextResponse("ready\n", headers={"Cache-Control": "no-store"})


@router.get("/metrics")
async def read_metrics(request: Request, gateway: AnyGateway) -> Response:
    """Only for the networks that are named in the settings."""
    if not _may_read_metrics(request, gateway):
        raise Forbidden("The metrics are not for this address.")
    registry: CollectorRegistry = request.app.state.registry
    headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
    return Response(exposition(registry), headers=headers)


def _may_read_metrics(request: Request, gateway: Gateway) -> bool:
    """By the client's address. What an unknown proxy brings is not from the proxy's own address."""
    headers = Headers(scope=request.scope)
    peer = request.client.host if request.client else ""
    if any(name in headers for name in _FORWARDED) and not gateway.services.proxies.is_trusted(
        peer
    ):
        return False
    networks = ProxyPolicy(gateway.settings.metrics_networks)
    return networks.is_trusted(client_address(gateway, request.scope))
