"""Server-sent events: ``joined``, then ``changes`` and ``presence``, as on the websocket.

Each event's id is the cursor after it, so a browser that reconnects says with ``Last-Event-ID``
where to go on (https://html.spec.whatwg.org/multipage/server-sent-events.html). What is not read
is not queued: the next frame is made when the connection has taken the last one.
"""

from __future__ import annotations

import random
from typing import Annotated

from fastapi import Header, Query
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from livethread.auth.identity import Identity
from livethread.feed import Encoding
from livethread.gateway import Gateway, Stream, presence
from livethread.protocol import commands, frames, text
from livethread.protocol.codec import encode, to_command
from livethread.protocol.cursor import Cursor
from livethread.protocol.errors import LivethreadError, RateLimited, TokenExpired
from livethread.web.api import api_router
from livethread.web.caller import Address, AnyGateway, Reader
from livethread.web.following import Follower, end_when_gone
from livethread.web.problems import CursorLost, problem

KEEPALIVE = b": heartbeat\n\n"

router = api_router()


@router.get(
    "/rooms/{room:path}/events",
    summary="Follow a room by server-sent events",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "model": frames.Joined}},
)
async def follow_room(
    room: text.RoomName,
    gateway: AnyGateway,
    address: Address,
    reader: Reader,
    since: Annotated[
        str | None, Query(description="a cursor, `EPOCH.SEQ`; `0` for the whole feed (bots)")
    ] = None,
    last_event_id: Annotated[str | None, Header(description="a cursor; beats `since`")] = None,
    limit: Annotated[int | None, Query(ge=1, le=100, description="roots at first")] = None,
    order: commands.Order | None = None,
) -> Response:
    """First `joined` (resumed at the cursor, else with a first page), then `changes`.

    Each event's `id` is the cursor behind it. In between, `presence` without an id.
    """
    wanted = {"since": last_event_id or since, "limit": limit, "order": order}
    command = to_command({"type": "join", "room": room, **wanted})
    assert isinstance(command, commands.Join)
    subscribe = reader.join(command)
    start = await gateway.services.joining.start(subscribe, reader.identity, Encoding.JSON)
    feed = await gateway.services.joining.feed(subscribe.room)
    cursor = Cursor(feed.epoch, start.seq)
    follower = Follower(gateway, subscribe.room, cursor, reader.identity)
    return EventStream(gateway, address, reader.identity, follower, b"".join(start.frame))


class EventStream(Response):
    """Runs until the client leaves, its token expires, or the server drains.

    It is one of the connections that are counted by address and by identity.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        gateway: Gateway,
        address: str,
        identity: Identity,
        follower: Follower,
        joined: bytes,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._gateway = gateway
        self._address = address
        self._identity = identity
        self._follower = follower
        self._joined: bytes | None = joined

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = self._gateway.open_stream(self._follower.room, self._address, self._identity)
        if stream is None:
            busy = RateLimited("Too many connections.", retry_after_ms=5_000)
            await problem(busy)(scope, receive, send)
            return
        watching = self._gateway.loop.create_task(end_when_gone(stream, receive))
        stream.nudge = self._follower.nudge
        try:
            await self._run(send, stream)
        finally:
            watching.cancel()
            self._gateway.close_stream(stream)

    async def _run(self, send: Send, stream: Stream) -> None:
        ended, told = stream.ended, (0, 0)

        async def write(data: bytes, *, is_last: bool = False) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": not is_last})

        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        assert self._joined is not None, "a response is sent once"
        first, self._joined = self._event(self._joined), None
        await write(first)
        del first  # 300 KB, perhaps, that a stream of hours would keep
        while not (ended.done() or self._has_expired()):
            try:
                payload = await self._follower.wait(self._patience_s(), ended)
            except CursorLost:
                break  # the client comes back with its cursor and gets a snapshot
            except LivethreadError as error:
                await write(b"retry: %d\n\n" % (error.retry_after_ms or 2_000))
                break
            if payload is not None:
                await write(self._event(payload))
            if (stream.readers, stream.writing) != told:
                told = stream.readers, stream.writing
                await write(self._presence(*told))
            elif payload is None and not ended.done():
                await write(KEEPALIVE)
        await write(self._farewell(), is_last=True)

    def _event(self, payload: bytes) -> bytes:
        return b"id: %b\ndata: %b\n\n" % (str(self._follower.cursor).encode(), payload)

    def _presence(self, readers: int, writing: int) -> bytes:
        """No part of the feed: the client's place stays that of the last event with an id."""
        return b"data: %b\n\n" % encode(presence(self._follower.room, readers, writing))

    def _patience_s(self) -> float:
        """How long to be silent: until a heartbeat is due or the token expires."""
        left_s = self._gateway.settings.heartbeat_s
        if self._identity.expires_ms is not None:
            now_ms = self._gateway.services.rules.clock_ms()
            left_s = min(left_s, max(0.0, (self._identity.expires_ms - now_ms) / 1000))
        return left_s

    def _has_expired(self) -> bool:
        expires_ms = self._identity.expires_ms
        return expires_ms is not None and expires_ms <= self._gateway.services.rules.clock_ms()

    def _farewell(self) -> bytes:
        """What to say at the end: why, and when to come back."""
        if self._has_expired():
            error = TokenExpired()
            told: frames.Wire = frames.Error(
                code=error.code, message=error.message, retryable=error.retryable
            )
            return b"data: %b\n\n" % encode(told)
        if self._gateway.is_draining:
            low, high = self._gateway.settings.reconnect_window_ms
            notice = frames.Notice(
                code="draining",
                message="The server is restarting. You will be back in a moment.",
                reconnect_after_ms=(low, high),
            )
            return b"retry: %d\ndata: %b\n\n" % (random.randint(low, high), encode(notice))
        return b""
