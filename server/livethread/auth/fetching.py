"""Reads a small document from a configured address: bounded in size and time, no redirects."""

from __future__ import annotations

import asyncio

import httpx2

MAX_BYTES = 65_536
TIMEOUT_S = 5.0


async def fetch(url: str) -> bytes:
    """The body of a 200. Raises ``OSError`` for anything else, whatever it was."""
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            httpx2.AsyncClient(follow_redirects=False, timeout=TIMEOUT_S) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status_code != httpx2.codes.OK:
                raise OSError(f"answered {answer.status_code}")
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise OSError(f"longer than {MAX_BYTES} bytes")
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
        raise OSError(type(error).__name__) from error
    return bytes(body)
