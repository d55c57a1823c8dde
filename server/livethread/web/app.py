"""The HTTP side, put together: the API, pages, files, health and metrics, behind gate and shell."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from livethread import __version__
from livethread.gateway import Gateway
from livethread.metrics import Figures, HttpStats, registry_of
from livethread.web import (
    comments,
    desk,
    events,
    health,
    moderation,
    pages,
    restrictions,
    rooms,
    sign_in,
)
from livethread.web.api import description_of
from livethread.web.files import Files
from livethread.web.gate import Gate
from livethread.web.problems import HANDLERS
from livethread.web.shell import Shell


def create_app(gateway: Gateway, static: Path) -> ASGIApp:
    """Everything that is served over HTTP; ``static`` is the folder of the browser's files."""
    stats = HttpStats()
    return Shell(Gate(create_api(gateway, static, stats), gateway), stats)


def create_api(gateway: Gateway, static: Path, stats: HttpStats) -> FastAPI:
    """The application without gate and shell.

    They stand outside of it because Starlette answers unexpected failures outside of middleware.
    """
    app = FastAPI(
        title="Livethread",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers=HANDLERS,
        # FastAPI would give requests, their bodies included, to whatever OpenTelemetry is set up.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    files = Files(static)
    services = gateway.services
    figures = Figures(services.hub, services.writer, gateway, stats)
    app.state.gateway = gateway
    app.state.files = files
    app.state.readiness = health.Readiness(services.store)
    app.state.registry = registry_of(figures)

    # A room's name is a path, too: what lies below a room comes before the room itself. Not by
    # include_router: that makes all anew at the first request, and meanwhile nobody else is served.
    for part in (events, comments, moderation, restrictions, rooms, pages, desk, sign_in, health):
        app.router.routes += part.router.routes
    app.router.routes += [
        Route("/openapi.json", _openapi),
        Route("/ws", _no_upgrade),
        Route("/embed.js", files.embed),
        Route("/static/{path:path}", files.static),
    ]
    return app


async def _no_upgrade(_: Request) -> Response:
    """A plain request for the websocket's address; those that upgrade never get here."""
    raise HTTPException(
        HTTPStatus.UPGRADE_REQUIRED, "This address speaks websocket only.", {"Upgrade": "websocket"}
    )


async def _openapi(request: Request) -> Response:
    return JSONResponse(await description_of(request))
