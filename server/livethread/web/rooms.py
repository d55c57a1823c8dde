"""Reading over HTTP: a room, its comments page by page, its changes, many rooms' counts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request
from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive

from livethread.gateway import Gateway
from livethread.protocol import commands, frames, text
from livethread.protocol.codec import encode, to_command
from livethread.protocol.cursor import Cursor
from livethread.protocol.errors import RateLimited
from livethread.site import name_of
from livethread.views import comment_json, room_json
from livethread.web.api import api_router
from livethread.web.caller import Address, AnyGateway, Reader
from livethread.web.exchange import Exchange
from livethread.web.following import Follower, end_when_gone
from livethread.web.shapes import ChangesReply, Counts, RoomReply

MAX_COUNTED = 100

router = api_router()


def answer(body: bytes, status: int = 200, **headers: str) -> Response:
    """A JSON answer. No cache keeps it unless told so: it may be this reader's alone."""
    all_headers = {"Cache-Control": "no-store"}
    all_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status, all_headers, media_type="application/json")


@router.get(
    "/rooms/{room:path}/comments",
    summary="A page of comments",
    response_model=frames.PageReply,
    response_model_exclude_none=True,
)
async def read_comments(
    room: text.RoomName,
    reader: Reader,
    after: Annotated[
        commands.PageToken | None, Query(description="`next` or `more` of an earlier page")
    ] = None,
    order: commands.Order | None = None,
    parent: Annotated[
        commands.CommentId | None, Query(description="the root of the thread to continue")
    ] = None,
    comment: Annotated[
        commands.CommentId | None, Query(description="the comment whose place is asked for")
    ] = None,
    limit: Annotated[int | None, Query(ge=1, le=100)] = None,
) -> Response:
    """Roots in the asked order, each followed by its first replies, parents before children.

    With `comment`: its thread's root, its ancestors, itself, replies to it, the thread's first.
    """
    named = {"after": after, "order": order, "parent": parent, "comment": comment, "limit": limit}
    command = to_command({"type": "page", "room": room, **named})
    return answer(encode(await reader.ask(command)))


@router.get(
    "/rooms/{room:path}/changes",
    summary="Changes after a cursor, by long poll",
    response_model=ChangesReply,
    responses={410: {"description": "The cursor can't be continued: `reset`, with the head's."}},
)
async def read_changes(
    room: text.RoomName,
    gateway: AnyGateway,
    address: Address,
    reader: Reader,
    request: Request,
    since: Annotated[
        commands.Since | None,
        Query(
            description="a cursor, `EPOCH.SEQ`; without one, from now on; `0` for the whole feed "
            "(bots)"
        ),
    ] = None,
    wait: Annotated[
        float, Query(ge=0, le=3600, description="seconds to wait if there is nothing new")
    ] = 0,
) -> Response:
    """The room's changes in order of their seqs, each comment once, as it now is."""
    wanted = reader.join(commands.Join(room=room, since=since))
    feed = await gateway.services.joining.feed(wanted.room)
    start = Cursor(feed.epoch, 0 if wanted.is_replay else feed.head or 0)
    follower = Follower(gateway, wanted.room, wanted.since or start, reader.identity)
    feed, cursor = await follower.start(), follower.cursor
    payload: bytes | None = None
    readers = 0
    if (feed.head or 0) > cursor.seq:
        payload = await follower.read()
    elif wait:
        payload, readers = await _long_poll(
            gateway, address, reader, follower, wait, request.receive
        )
    if payload is None:
        payload = feed.payload(cursor.seq, cursor.seq, None, [])
    feed = await gateway.services.joining.feed(wanted.room)
    more = (feed.head or 0) > follower.cursor.seq
    tail = b',"cursor":%b,"more":%b' % (to_json(str(follower.cursor)), to_json(more))
    if readers:
        tail += b',"readers":%d' % readers
    return answer(payload[:-1] + tail + b"}")


async def _long_poll(
    gateway: Gateway,
    address: str,
    reader: Exchange,
    follower: Follower,
    wait_s: float,
    receive: Receive,
) -> tuple[bytes | None, int]:
    """Wait as one of the connections that are counted, until the client has gone at most.

    Returns what came, and how many read the room (0: that was not told).
    """
    stream = gateway.open_stream(follower.room, address, reader.identity)
    if stream is None:
        raise RateLimited("Too many connections.", retry_after_ms=5_000)
    watching = gateway.loop.create_task(end_when_gone(stream, receive))
    try:
        payload = await follower.wait(min(wait_s, gateway.settings.long_poll_s), stream.ended)
        return payload, stream.readers
    finally:
        watching.cancel()
        gateway.close_stream(stream)


@router.get(
    "/me",
    summary="Who you are",
    response_model=frames.Welcome,
    response_model_exclude_none=True,
)
async def who_am_i(reader: Reader) -> Response:
    """The `welcome` that a websocket would have got for this token, and the limits."""
    assert reader.welcome is not None, "who reads has said hello"
    return answer(encode(reader.welcome))


@router.get("/counts", summary="How many comments rooms have", response_model=Counts)
async def read_counts(
    gateway: AnyGateway,
    reader: Reader,
    room: Annotated[list[text.RoomName], Query(max_length=MAX_COUNTED, description="repeated")],
) -> Response:
    """The number of comments that everyone can see, of at most 100 rooms."""
    keys = [reader.key_of(name) for name in dict.fromkeys(room)]
    for key in keys:
        reader.identity.require("read", key)
    found = await gateway.services.store.counts(keys)
    counts = {name_of(key): count for key, count in found.items()}
    return answer(to_json({"counts": counts}), Cache_Control="private, max-age=10")


@router.get(
    "/rooms/{room:path}",
    summary="A room and its cursor",
    response_model=RoomReply,
    response_model_exclude_none=True,
)
async def read_room(room: text.RoomName, gateway: AnyGateway, reader: Reader) -> Response:
    """The room as it is. One that nobody has written in is open and has no comments."""
    identity, store = reader.identity, gateway.services.store
    identity.require("read", room)
    found = await store.room(reader.key_of(room))
    told: dict[str, Any] = {"room": room_json(found), "cursor": f"{found.epoch}.{found.seq}"}
    if identity.id and (held := await store.held_by(found.name, identity.id)):
        told["mine"] = [comment_json(comment, identity.audience, is_own=True) for comment in held]
    return answer(to_json(told))
