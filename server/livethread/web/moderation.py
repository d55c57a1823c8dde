"""Moderating over HTTP: acts on comments and rooms, and the audit log."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import ValidationError
from pydantic_core import from_json, to_json
from starlette.responses import Response

from livethread.model import (
    ActsRequest,
    Audience,
    CommentId,
    ConfigureRoom,
    Logged,
    QueueItem,
    QueueRequest,
    Room,
    SetFilters,
)
from livethread.moderation.filters import Filters
from livethread.protocol import commands, frames, text
from livethread.protocol.codec import bad_frame, encode
from livethread.protocol.errors import BadFrame
from livethread.site import name_of
from livethread.views import comment_json, timestamp
from livethread.web.api import api_router
from livethread.web.caller import AnyGateway, JsonBody, Reader, Speaker
from livethread.web.comments import Key, nonce_of, write
from livethread.web.rooms import answer
from livethread.web.shapes import (
    Acts,
    Moderation,
    PersonModeration,
    QueueReply,
    RoomChanges,
    SiteRuleChanges,
    SiteRules,
    described,
)

router = api_router()


@router.post(
    "/rooms/{room:path}/comments/{comment}/moderation",
    summary="Act on a comment as a moderator",
    response_model=frames.Ack,
    response_model_exclude_none=True,
    openapi_extra=described(Moderation),
)
async def moderate(
    room: text.RoomName,
    comment: commands.CommentId,
    speaker: Speaker,
    body: JsonBody,
    key: Key = None,
) -> Response:
    """Everyone who follows the room sees it at once; the audit log has it."""
    nonce = secrets.token_urlsafe() if key is None else nonce_of(key)
    return answer(
        encode(await write(speaker, "moderate", room, body, comment=comment, nonce=nonce))
    )


@router.post(
    "/rooms/{room:path}/moderation",
    summary="Act on a person as a moderator",
    response_model=frames.Ack,
    response_model_exclude_none=True,
    openapi_extra=described(PersonModeration),
)
async def moderate_person(
    room: text.RoomName, speaker: Speaker, body: JsonBody, key: Key = None
) -> Response:
    """Ban them from the site, have nobody see what they write, or mute them in the room."""
    nonce = secrets.token_urlsafe() if key is None else nonce_of(key)
    return answer(encode(await write(speaker, "moderate", room, body, nonce=nonce)))


@router.patch(
    "/rooms/{room:path}",
    summary="Change a room",
    response_model=frames.Ack,
    response_model_exclude_none=True,
    openapi_extra=described(RoomChanges),
)
async def configure(
    room: text.RoomName, speaker: Speaker, body: JsonBody, key: Key = None
) -> Response:
    """Its state, slow mode, pre-moderation, title and bounds; those not named stay."""
    nonce = secrets.token_urlsafe() if key is None else nonce_of(key)
    return answer(encode(await write(speaker, "configure", room, body, nonce=nonce)))


@router.get(
    "/rules",
    summary="What holds in a site's rooms",
    response_model=SiteRules,
    response_model_exclude_none=True,
)
async def read_rules(gateway: AnyGateway, reader: Reader) -> Response:
    """State, slow mode and bounds of the rooms that say nothing themselves, as they were set."""
    reader.identity.require("moderate", "*")
    return answer(rules_json(await gateway.services.store.room(reader.key_of(""))))


@router.patch(
    "/rules",
    summary="Change what holds in a site's rooms",
    response_model=SiteRules,
    response_model_exclude_none=True,
    openapi_extra=described(SiteRuleChanges),
)
async def set_rules(speaker: Speaker, body: JsonBody) -> Response:
    """Whoever is in one of them sees it at once; what isn't named stays."""
    try:
        said = SiteRuleChanges.model_validate(body)
    except ValidationError as error:
        raise bad_frame(error) from error
    wish = ConfigureRoom(
        said.state, said.slow_mode_s, None, None, said.max_depth, said.edit_window_s, said.reason
    )
    return answer(rules_json((await speaker.decree("", wish)).room))


@router.get("/acts", summary="The audit log", response_model=Acts, response_model_exclude_none=True)
async def read_acts(
    gateway: AnyGateway,
    reader: Reader,
    room: text.RoomName | None = None,
    comment: commands.CommentId | None = None,
    person: Annotated[str | None, Query(max_length=200, description="an author's id")] = None,
    before: Annotated[
        int | None, Query(ge=1, le=2**53 - 1, description="`next` of an earlier answer")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Response:
    """What moderators did, newest first, for those who may moderate: who, when, what, why."""
    reader.identity.require("moderate", room or "*")
    request = ActsRequest(
        reader.identity.site,
        None if room is None else reader.key_of(room),
        None if comment is None else CommentId(comment),
        person,
        before,
        limit,
    )
    found = await gateway.services.store.acts(request)
    value: dict[str, Any] = {"acts": [act_json(logged) for logged in found]}
    if len(found) == limit:
        value["next"] = found[-1].id
    return answer(to_json(value))


@router.get(
    "/queue",
    summary="Comments for moderators",
    response_model=QueueReply,
    response_model_exclude_none=True,
)
async def read_queue(
    gateway: AnyGateway,
    reader: Reader,
    list: Annotated[
        Literal["held", "reported", "recent"], Query(description="which of the three lists")
    ] = "held",
    room: text.RoomName | None = None,
    author: Annotated[str | None, Query(max_length=200, description="an author's id")] = None,
    text: Annotated[
        str | None, Query(max_length=100, description="in a comment's words or its author's name")
    ] = None,
    before: Annotated[
        int | None, Query(ge=1, le=2**53 - 1, description="`next` of an earlier answer")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Response:
    """What is held, reported or recent, newest first, with the reports; for who may moderate."""
    reader.identity.require("moderate", room or "*")
    key = None if room is None else reader.key_of(room)
    request = QueueRequest(reader.identity.site, list, key, author, text, before, limit)
    found = await gateway.services.store.queue(request)
    value: dict[str, Any] = {
        "items": [item_json(item) for item in found.items],
        "held": found.held,
        "reported": found.reported,
    }
    if len(found.items) == limit:
        value["next"] = found.items[-1].place
    return answer(to_json(value))


@router.get("/filters", summary="A site's or room's filters", response_model=Filters)
async def read_filters(
    gateway: AnyGateway, reader: Reader, room: text.RoomName | None = None
) -> Response:
    """As they were set; what a room's leave out is as the site's say."""
    reader.identity.require("moderate", room or "*")
    said = await gateway.services.store.standing()
    return answer(said.filters.get(reader.key_of(room or ""), "{}").encode())


@router.put(
    "/filters",
    summary="Set a site's or room's filters",
    response_model=Filters,
    openapi_extra=described(Filters),
)
async def set_filters(
    speaker: Speaker, body: JsonBody, room: text.RoomName | None = None
) -> Response:
    """All of them at once; they count within a second."""
    try:
        filters = Filters.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        raise BadFrame(f"{field}: {first['msg']}", field=field) from error
    value = filters.model_dump_json(exclude_none=True)
    await speaker.decree(room or "", SetFilters(value))
    return answer(value.encode())


def rules_json(room: Room) -> bytes:
    """A room's own, as ``shapes.SiteRules``."""
    said = {name: getattr(room.own, name) for name in SiteRules.model_fields}
    return to_json({name: value for name, value in said.items() if value is not None})


def item_json(item: QueueItem) -> dict[str, Any]:
    """An item of the queue as ``shapes.Item``."""
    value: dict[str, Any] = {"room": name_of(item.room)}
    if item.title is not None:
        value["title"] = item.title
    value["comment"] = comment_json(item.comment, Audience.STAFF)
    if item.reports:
        value["reports"] = [
            {"person": said.person, "reason": said.reason, "text": said.text}
            | {"at": timestamp(said.at_ms)}
            for said in item.reports
        ]
    return value


def act_json(logged: Logged) -> dict[str, Any]:
    """An entry as ``shapes.Act``."""
    act = logged.act
    value: dict[str, Any] = {
        "id": logged.id,
        "at": timestamp(act.at_ms),
        "by": {"id": act.by.id, "name": act.by.name},
        "action": act.action,
        "room": name_of(act.room),
        "comment": act.comment,
        "person": act.person,
        "reason": act.reason,
        "changed": None if act.detail is None else from_json(act.detail),
    }
    return {name: given for name, given in value.items() if given is not None}
