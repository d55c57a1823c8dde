"""Who is banned, shadowed or muted, and what moderators do about people on the whole site."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.responses import Response

from livethread.model import Restricted, RestrictedRequest, RestrictPerson
from livethread.protocol import frames
from livethread.protocol.codec import bad_frame, encode
from livethread.site import name_of
from livethread.views import milliseconds, timestamp
from livethread.web.api import api_router
from livethread.web.caller import AnyGateway, JsonBody, Reader, Speaker
from livethread.web.rooms import answer
from livethread.web.shapes import Restrictions, SiteRestriction, described

router = api_router()


@router.get(
    "/restrictions",
    summary="Who is banned, shadowed or muted",
    response_model=Restrictions,
    response_model_exclude_none=True,
)
async def read_restrictions(
    gateway: AnyGateway,
    reader: Reader,
    person: Annotated[str | None, Query(max_length=200, description="an author's id")] = None,
    before: Annotated[
        int | None, Query(ge=1, le=2**53 - 1, description="`next` of an earlier answer")
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=100, description="more are listed only of one millisecond")
    ] = 50,
) -> Response:
    """What is in force on the site, newest first, for those who may moderate all of it."""
    reader.identity.require("moderate", "*")
    now_ms = gateway.services.rules.clock_ms()
    request = RestrictedRequest(reader.identity.site, now_ms, person, before, limit)
    found = await gateway.services.store.restricted(request)
    value: dict[str, Any] = {"restrictions": [restriction_json(one) for one in found]}
    if len(found) >= limit and found[-1].since_ms:
        value["next"] = found[-1].since_ms
    return answer(to_json(value))


@router.post(
    "/moderation",
    summary="Act on a person as a moderator, on the whole site",
    response_model=frames.Restricted,
    openapi_extra=described(SiteRestriction),
)
async def moderate_on_site(speaker: Speaker, body: JsonBody) -> Response:
    """As in a room, for what is not of one room: a ban, a shadow ban, their end."""
    try:
        said = SiteRestriction.model_validate(body)
    except ValidationError as error:
        raise bad_frame(error) from error
    until_ms = milliseconds(said.until)
    await speaker.decree("", RestrictPerson(said.author, None, said.action, said.reason, until_ms))
    by = frames.Author(id=speaker.identity.id, name=speaker.identity.name)
    return answer(encode(frames.Restricted(person=said.author, action=said.action, by=by)))


def restriction_json(one: Restricted) -> dict[str, Any]:
    """As ``shapes.RestrictedPerson``."""
    value: dict[str, Any] = {
        "person": one.person,
        "name": one.name,
        "kind": one.kind,
        "room": None if one.room is None else name_of(one.room),
        "title": one.title,
        "until": None if one.until_ms is None else timestamp(one.until_ms),
        "reason": one.reason,
        "by": None if one.by is None else {"id": one.by.id, "name": one.by.name},
        "since": timestamp(one.since_ms) if one.since_ms else None,
    }
    return {name: given for name, given in value.items() if given is not None}
