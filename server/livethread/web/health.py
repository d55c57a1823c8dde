"""For those who run the server: is it alive, is it ready, and its figures."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from livethread.auth.proxies import ProxyPolicy
from livethread.gateway import Gateway
from livethread.metrics import CONTENT_TYPE, exposition
from livethread.protocol.errors import Forbidden, Unavailable
from livethread.web.caller import AnyGateway, client_address

_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-real-ip")

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def is_alive() -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


@router.get("/readyz")
async def is_ready(gateway: AnyGateway) -> Response:
    """The database answers, and no restart is under way."""
    if gateway.is_draining:
        raise Unavailable("The server is restarting.", retry_after_ms=1_000)
    await gateway.services.store.ping()
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
