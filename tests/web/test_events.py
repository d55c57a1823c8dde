"""Server-sent events, over a real server."""

from __future__ import annotations

import asyncio
import gc
import re
import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic_core import from_json

from livethread.auth.limits import Tally
from livethread.protocol import frames
from tests.web.site import ROOM, ROOMS, Site, Started, a_server, until

EVENTS = f"{ROOMS}/{ROOM}/events"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[Site, Started]]:
    async with a_server(tmp_path) as server:
        yield server


class Stream:
    """An EventSource: its frames, and the last event's id."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()
        self.last_id = ""
        self.readers = 0
        self.retry_ms: int | None = None

    async def frame(self) -> dict[str, Any] | None:
        """The next frame but for presence; None at the end."""
        while (frame := await self._next()) is not None and frame["type"] == "presence":
            self.readers = frame["readers"]
        return frame

    async def told(self, readers: int) -> None:
        """Return when that many readers were told of; there are no other frames."""
        while self.readers != readers:
            frame = await self._next()
            assert frame is not None
            frames.Presence.model_validate(frame)
            self.readers = frame["readers"]

    async def _next(self) -> dict[str, Any] | None:
        data = None
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_id = value
            elif name == "retry":
                self.retry_ms = int(value)
            elif name == "data":
                data = value
            elif not line and data is not None:
                frame: dict[str, Any] = from_json(data)
                return frame
        return None

    async def until(self, seq: int) -> list[dict[str, Any]]:
        """The frames of changes up to a seq."""
        found: list[dict[str, Any]] = []
        while not found or found[-1]["to"] < seq:
            frame = await self.frame()
            assert frame is not None
            assert frame["type"] == "changes"
            frames.Changes.model_validate(frame)
            assert self.last_id.endswith(f".{frame['to']}")
            found.append(frame)
        return found


@asynccontextmanager
async def listening(site: Site, **headers: str) -> AsyncIterator[Stream]:
    async with site.client.stream("GET", EVENTS, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        yield Stream(answer)


async def joined(stream: Stream, mode: str) -> dict[str, Any]:
    frame = await stream.frame()
    assert frame is not None
    frames.Joined.model_validate(frame)
    assert (frame["type"], frame["mode"]) == ("joined", mode)
    assert stream.last_id == frame["cursor"]
    return frame


async def test_who_joins_a_room_anew_sees_what_its_site_said_while_nobody_followed_it(
    server: tuple[Site, Started],
) -> None:
    site, _ = server
    await site.post(await site.guest(), "before")
    async with listening(site) as stream:
        first = await joined(stream, "snapshot")
    hub = site.gateway.services.hub

    def is_dropped() -> bool:
        hub.drop_idle(-1)
        return ROOM not in dict(hub.rooms())

    await until(is_dropped)
    staff = await site.bot("moderate")
    await site.client.patch("/api/v1/rules", json={"state": "closed"}, headers=staff)
    opened = await site.client.get(f"{ROOMS}/{ROOM}/changes", params={"since": first["cursor"]})
    assert opened.json()["changes"] == []
    async with listening(site) as stream:
        assert (await joined(stream, "snapshot"))["room"]["state"] == "closed"


async def test_a_reader_gets_a_snapshot_then_each_change(server: tuple[Site, Started]) -> None:
    site, _ = server
    guest = await site.guest()
    await site.post(guest, "before")
    async with listening(site) as stream:
        first = await joined(stream, "snapshot")
        assert [comment["body"] for comment in first["comments"]] == ["before"]
        for seq in (2, 3):
            await site.post(guest, f"comment {seq}")
            (frame,) = await stream.until(seq)
            assert (frame["from"], frame["to"]) == (seq - 1, seq)


async def test_who_comes_back_with_the_last_event_id_misses_and_repeats_nothing(
    server: tuple[Site, Started],
) -> None:
    site, _ = server
    guest = await site.guest()
    seen: list[int] = []
    last_id = ""
    for round in range(4):
        headers = {"Last-Event-ID": last_id} if last_id else {}
        async with listening(site, **headers) as stream:
            first = await joined(stream, "resume" if last_id else "snapshot")
            assert "comments" not in first or not first["comments"]
            end = round * 10 + 5
            for number in range(round * 10, end):
                await site.post(guest, f"comment {number}")
            for frame in await stream.until(end):
                seen += [change["seq"] for change in frame["changes"]]
            last_id = stream.last_id
        for number in range(end, end + 5):  # while nobody listens
            await site.post(guest, f"comment {number}")
    async with listening(site, **{"Last-Event-ID": last_id}) as stream:
        await joined(stream, "resume")
        for frame in await stream.until(40):
            seen += [change["seq"] for change in frame["changes"]]
    assert seen == list(range(1, 41))


async def test_the_last_event_id_beats_since(server: tuple[Site, Started]) -> None:
    site, _ = server
    guest = await site.guest()
    for number in range(3):
        await site.post(guest, f"comment {number}")
    epoch = (await site.cursor()).partition(".")[0]
    params = {"since": f"{epoch}.1"}
    headers = {"Last-Event-ID": f"{epoch}.2"}
    async with site.client.stream("GET", EVENTS, params=params, headers=headers) as answer:
        stream = Stream(answer)
        await joined(stream, "resume")
        (frame,) = await stream.until(3)
        assert frame["from"] == 2


async def test_a_cursor_of_another_history_gets_a_snapshot(server: tuple[Site, Started]) -> None:
    site, _ = server
    await site.post(await site.guest(), "one")
    async with listening(site, **{"Last-Event-ID": "zzzz.1"}) as stream:
        frame = await joined(stream, "snapshot")
        assert len(frame["comments"]) == 1


@asynccontextmanager
async def sluggish(server: Started) -> AsyncIterator[asyncio.StreamReader]:
    """A listener whose system takes few bytes unless it reads."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
        reader, writer = await asyncio.open_connection(sock=sock, limit=4_096)
        request = f"GET {EVENTS} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        try:
            yield reader
        finally:
            writer.close()
            await writer.wait_closed()


async def test_what_happens_while_a_reader_takes_nothing_comes_together(
    server: tuple[Site, Started],
) -> None:
    site, started = server
    guest = await site.guest()
    async with sluggish(started) as reader:
        await site.waiting()
        posts = 100
        for number in range(posts):
            await site.post(guest, f"{number} " + "x" * 4_900)
        await site.waiting(0)  # it asks for no more until it can be written to
        received = b""
        while f'"to":{posts},'.encode() not in received[-100_000:]:
            received += await reader.read(65_536)
    ranges = [
        tuple(map(int, found))
        for found in re.findall(rb'"room":"[^"]*","from":(\d+),"to":(\d+)', received)
    ]
    assert (ranges[0][0], ranges[-1][1]) == (0, posts)
    assert all(a[1] == b[0] for a, b in pairwise(ranges))
    assert len(ranges) < posts / 2


async def test_silence_is_filled_with_comments(tmp_path: Path) -> None:
    async with (
        a_server(tmp_path, heartbeat_s=0.02) as (site, _),
        site.client.stream("GET", EVENTS) as answer,
    ):
        lines = answer.aiter_lines()
        while not (await anext(lines)).startswith(": "):
            pass


async def test_readers_are_told_how_many_they_are_and_keep_their_place(tmp_path: Path) -> None:
    async with a_server(tmp_path, presence_s=0.1) as (site, _):
        guest = await site.guest()
        async with listening(site) as first:
            await first.frame()
            await first.told(1)
            async with listening(site) as second:
                await second.frame()
                await asyncio.gather(first.told(2), second.told(2))
                place = first.last_id
                await site.post(guest, "one")
                assert await first.until(1) == await second.until(1)
                assert first.last_id != place
            place = first.last_id
            await first.told(1)
            assert first.last_id == place
            await site.post(guest, "two")
            await first.until(2)


async def test_who_leaves_is_no_longer_counted(server: tuple[Site, Started]) -> None:
    site, _ = server
    async with listening(site) as stream:
        await joined(stream, "snapshot")
        await site.waiting()
        assert len(site.gateway.streams) == 1
    await until(lambda: len(site.gateway.streams) == 0)
    await site.waiting(0)
    assert site.gateway.addresses.enter("127.0.0.1")


async def test_streams_count_among_an_addresss_connections(tmp_path: Path) -> None:
    async with a_server(tmp_path, max_connections_per_address=1) as (site, _):
        site.gateway.visitors = Tally(0)  # of whom a second one wouldn't be answered at all
        async with listening(site) as stream, site.peer() as other:
            await joined(stream, "snapshot")
            answer = await other.get(EVENTS)
            assert answer.status_code == 429
            assert answer.json()["code"] == "rate_limited"


async def test_streams_count_among_an_identitys_connections(tmp_path: Path) -> None:
    bounds = {"max_connections_per_identity": 1, "max_connections_per_address": 2}
    async with a_server(tmp_path, **bounds) as (site, _):
        site.gateway.visitors = Tally(0)
        guest = await site.guest()
        async with listening(site, **guest) as stream, site.peer() as other:
            await joined(stream, "snapshot")
            for _ in range(3):
                assert (await other.get(EVENTS, headers=guest)).status_code == 429
            async with listening(site) as anonymous:  # the refused ones don't count
                await joined(anonymous, "snapshot")
        await until(lambda: not site.gateway.streams)


async def test_a_draining_server_says_goodbye_and_when_to_come_back(tmp_path: Path) -> None:
    async with (
        a_server(tmp_path, reconnect_window_ms=(700, 900)) as (site, server),
        listening(site) as stream,
    ):
        await joined(stream, "snapshot")
        server.should_exit = True
        frame = await stream.frame()
        assert frame is not None
        frames.Notice.model_validate(frame)
        assert stream.retry_ms is not None
        assert 700 <= stream.retry_ms <= 900
        assert await stream.frame() is None


async def test_an_expired_token_ends_the_stream(
    server: tuple[Site, Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    site, _ = server
    authenticator = site.gateway.services.authenticator
    guest = await site.guest()
    identity = await authenticator.by_token(None, guest["Authorization"].removeprefix("Bearer "))
    soon = replace(identity, expires_ms=site.gateway.services.rules.clock_ms() + 300)

    async def by_token(*_: str | None) -> Any:
        return soon

    monkeypatch.setattr(authenticator, "by_token", by_token)
    async with listening(site, **guest) as stream:
        await joined(stream, "snapshot")
        frame = await stream.frame()
        assert frame is not None
        assert frames.Error.model_validate(frame).code == "token_expired"
        assert await stream.frame() is None


async def test_a_stream_does_not_keep_its_first_page(tmp_path: Path) -> None:
    """It may last for hours."""
    streams = 10
    async with a_server(tmp_path, max_body_chars=20_000, max_frame_bytes=65_536) as (site, server):
        guest = await site.guest()
        for number in range(10):
            await site.post(guest, f"{number}" * 20_000)
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        request = f"GET {EVENTS} HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {server.url}\r\n\r\n"
        writers: list[asyncio.StreamWriter] = []

        async def listen() -> int:
            reader, writer = await asyncio.open_connection(host, port, limit=2**20)
            writers.append(writer)
            writer.write(request.encode())
            await reader.readuntil(b"id: ")
            return len(await reader.readuntil(b"\n\n"))

        await listen()  # what is allocated once is
        tracemalloc.start()
        try:
            sizes = [await listen() for _ in range(streams)]
            await site.waiting(streams + 1)
            gc.collect()
            kept = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
            for writer in writers:
                writer.close()
        assert min(sizes) > 200_000
        assert kept < sum(sizes) / 4
