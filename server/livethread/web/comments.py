"""Writing over HTTP: each endpoint is one command of the protocol, answered by its ``ack``."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Header, Request
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.responses import Response

from livethread.protocol import commands, frames, text
from livethread.protocol.codec import bad_frame, encode, to_command
from livethread.protocol.errors import BadFrame
from livethread.session import VERSION
from livethread.web.api import api_router
from livethread.web.caller import Address, AnyGateway, CalledSite, JsonBody, Speaker
from livethread.web.exchange import Exchange, Frame
from livethread.web.layout import room_url
from livethread.web.rooms import answer
from livethread.web.shapes import (
    Draft,
    EditedComment,
    NewComment,
    NewGuest,
    NewReport,
    Preview,
    Reaction,
    described,
)

router = api_router()

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="client-made, 8 to 64 letters, digits, `_`, `-`: the nonce. The same key "
        "again gets the same answer",
    ),
]


async def write(
    speaker: Exchange, kind: str, room: str, body: dict[str, Any] | None = None, **named: Any
) -> Frame:
    """Ask for one command's effect. What path and headers name, the body can't name otherwise."""
    fields = {**(body or {}), **named, "type": kind, "room": room, "ref": None}
    return await speaker.ask(to_command(fields))


def nonce_of(key: str | None) -> str:
    """The header's value, with or without the quotes of a structured field (RFC 9651)."""
    if key is None:
        raise BadFrame("Send an Idempotency-Key header.", field="nonce")
    return key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key


@router.post(
    "/guests",
    summary="Become a guest",
    status_code=HTTPStatus.CREATED,
    response_model=frames.Welcome,
    response_model_exclude_none=True,
    openapi_extra=described(NewGuest),
)
async def become_guest(
    request: Request, gateway: AnyGateway, address: Address, site: CalledSite, body: JsonBody
) -> Response:
    """A new guest of that name; `guest_token` is the token to write with from now on."""
    command = to_command({"type": "hello", "version": VERSION, "guest": body})
    assert isinstance(command, commands.Hello)
    exchange = Exchange(gateway, address, site, has_origin="origin" in request.headers)
    return answer(encode(await exchange.hello(command)), HTTPStatus.CREATED)


@router.post(
    "/preview",
    summary="See what a comment will look like",
    response_model=Preview,
    response_model_exclude_none=True,
    openapi_extra=described(Draft),
)
async def preview(gateway: AnyGateway, speaker: Speaker, body: JsonBody) -> Response:
    """The token tree that a comment with this body would have. Nothing is kept of it."""
    try:
        source: str = Draft.model_validate(body).model_dump()["body"]
    except ValidationError as error:
        raise bad_frame(error) from error
    rich = gateway.services.rules.render(source)
    return answer(encode(Preview(body=source, rich=None if rich is None else from_json(rich))))


@router.post(
    "/rooms/{room:path}/comments/{comment}/reports",
    summary="Report a comment",
    response_model=frames.Ack,
    response_model_exclude_none=True,
    openapi_extra=described(NewReport),
)
async def report_comment(
    room: text.RoomName, comment: commands.CommentId, speaker: Speaker, body: JsonBody
) -> Response:
    """Tell the moderators."""
    return answer(encode(await write(speaker, "report", room, body, comment=comment)))


@router.post(
    "/rooms/{room:path}/comments",
    summary="Post a comment or a reply",
    status_code=HTTPStatus.CREATED,
    response_model=frames.Ack,
    response_model_exclude_none=True,
    responses={200: {"model": frames.Ack, "description": "This key was answered before."}},
    openapi_extra=described(NewComment),
)
async def post_comment(
    room: text.RoomName, speaker: Speaker, body: JsonBody, key: Key = None
) -> Response:
    """Committed when this answers. A held comment's `state` says so."""
    ack = await write(speaker, "post", room, body, nonce=nonce_of(key))
    assert isinstance(ack, dict)
    status = HTTPStatus.OK if "duplicate" in ack else HTTPStatus.CREATED
    comment = ack["comment"]["id"]
    return answer(
        encode(ack), status, Location=f"{room_url(speaker.key_of(room))}#comment-{comment}"
    )


@router.patch(
    "/rooms/{room:path}/comments/{comment}",
    summary="Edit an own comment",
    response_model=frames.Ack,
    response_model_exclude_none=True,
    openapi_extra=described(EditedComment),
)
async def edit_comment(
    room: text.RoomName,
    comment: commands.CommentId,
    speaker: Speaker,
    body: JsonBody,
    key: Key = None,
) -> Response:
    """Replaces its text, for a while after it was posted."""
    nonce = secrets.token_urlsafe() if key is None else nonce_of(key)
    return answer(encode(await write(speaker, "edit", room, body, comment=comment, nonce=nonce)))


@router.delete(
    "/rooms/{room:path}/comments/{comment}",
    summary="Delete an own comment",
    response_model=frames.Ack,
    response_model_exclude_none=True,
)
async def delete_comment(
    room: text.RoomName, comment: commands.CommentId, speaker: Speaker, key: Key = None
) -> Response:
    """Its words and its author's name go; a tombstone stays."""
    nonce = secrets.token_urlsafe() if key is None else nonce_of(key)
    return answer(encode(await write(speaker, "delete", room, comment=comment, nonce=nonce)))


@router.post(
    "/rooms/{room:path}/reactions",
    summary="Give or take back a reaction",
    response_model=frames.Ack,
    response_model_exclude_none=True,
    openapi_extra=described(Reaction),
)
async def react(room: text.RoomName, speaker: Speaker, body: JsonBody) -> Response:
    """Setting what is set already changes nothing."""
    return answer(encode(await write(speaker, "react", room, body)))
