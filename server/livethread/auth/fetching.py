"""Asks a configured address: bounded in size and time, no redirects."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import cache

import httpx2

MAX_BYTES = 65_536
TIMEOUT_S = 5.0


async def fetch(url: str) -> bytes:
    """The body of a 200. Raises ``OSError`` for anything else, whatever it was."""
    return await _ask("GET", url, b"", {})


async def post(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """The same, of the answer to a body."""
    return await _ask("POST", url, body, headers)


@cache
def _trusted() -> ssl.SSLContext:
    """Made once: reading the certificates takes 20 ms, in which nobody else is served."""
    return httpx2.create_ssl_context()


async def _ask(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            httpx2.AsyncClient(
                follow_redirects=False, timeout=TIMEOUT_S, verify=_trusted()
            ) as client,
            client.stream(
                method, url, content=body, headers={"Accept": "application/json", **headers}
            ) as answer,
        ):
            if answer.status_code != httpx2.codes.OK:
                raise OSError(f"answered {answer.status_code}")
            read = bytearray()
            async for chunk in answer.aiter_bytes():
                read += chunk
                if len(read) > MAX_BYTES:
                    raise OSError(f"longer than {MAX_BYTES} bytes")
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
        raise OSError(type(error).__name__) from error
    return bytes(read)
