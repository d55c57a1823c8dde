"""The HTTP side: the API, pages and files."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from livethread.gateway import Gateway


def create_app(gateway: Gateway, static: Path) -> FastAPI:
    app = FastAPI(title="Livethread")
    app.mount("/static", StaticFiles(directory=static))
    return app
