"""What the API's routers have in common: where they stand, and how they refuse."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from livethread.web.shapes import Problem

PROBLEM = {"content": {"application/problem+json": {}}, "model": Problem}


def api_router() -> APIRouter:
    return APIRouter(prefix="/api/v1", responses={"default": PROBLEM})


async def description_of(request: Request) -> dict[str, Any]:
    """The OpenAPI description, made for the first who asks: elsewhere, it takes 0.1 s."""
    description: dict[str, Any] = await asyncio.to_thread(request.app.openapi)
    return description
