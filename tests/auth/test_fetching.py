"""A document from an address that may answer anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from livethread.auth import fetching
from livethread.auth.fetching import MAX_BYTES, fetch

OK = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def answering(answer: Callable[[int], bytes]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that says the same to everyone, then waits; its address, and what it was asked."""
    asked: list[bytes] = []
    left: list[asyncio.Event] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left.append(event := asyncio.Event())
        with suppress(OSError, EOFError):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer(port))
            await reader.read()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        event.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"http://127.0.0.1:{port}/keys", asked
        for event in left:
            await event.wait()


async def test_a_document_is_read() -> None:
    async with answering(lambda _: OK + b"Content-Length: 2\r\n\r\n{}") as (url, _):
        assert await fetch(url) == b"{}"


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        lambda _: OK + b"Content-Length: %d\r\n\r\n" % (MAX_BYTES + 1) + bytes(MAX_BYTES + 1),
        lambda _: OK + b"Transfer-Encoding: chunked\r\n\r\n" + 20 * (b"2000\r\n%8192d\r\n" % 0),
        lambda _: b"SSH-2.0\r\n",
        lambda _: OK + b"Content-Length: 10\r\n\r\nhalf",  # and nothing more
        lambda _: b"",
    ],
    ids=["no such page", "too long", "too long in chunks", "no HTTP", "half", "none"],
)
async def test_anything_else_is_an_oserror(
    answer: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT_S", 0.5)
    async with answering(answer) as (url, asked):
        with pytest.raises(OSError, match=r"."):
            await fetch(url)
        assert len(asked) <= 1


async def test_a_redirect_is_not_followed() -> None:
    async with answering(lambda _: OK + b"Content-Length: 2\r\n\r\n{}") as (elsewhere, asked):
        found = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n"
        async with answering(lambda _: found.encode()) as (url, _):
            with pytest.raises(OSError, match="302"):
                await fetch(url)
        assert asked == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://", "nonsense", "file:///etc/passwd"]
)
async def test_an_address_where_nobody_is_is_one_too(url: str) -> None:
    with pytest.raises(OSError, match=r"."):
        await fetch(url)
