"""The bodies that HTTP has of its own; all others are ``protocol.frames`` as they are.

What a request may carry is made from the commands: their fields but those that stand in the path
or in a header.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, StringConstraints, create_model

from livethread.protocol import commands, frames, text
from livethread.protocol.rich import Rich

_ELSEWHERE = frozenset({"type", "ref", "room", "nonce"})


class RoomReply(frames.Wire):
    """A room as it is, and the cursor to follow it from."""

    room: frames.Room
    cursor: str = Field(description="`EPOCH.SEQ`: the head of the feed")
    mine: list[frames.Comment] | None = Field(
        None, description="the reader's own comments that are held"
    )


class ChangesReply(frames.Changes):
    """A ``changes`` frame, and where to ask next."""

    cursor: str = Field(description="the next request's `since`")
    more: bool = Field(description="whether there is more already")
    readers: int | None = Field(
        None, description="how many read the room, as far as the wait was long enough to be told"
    )


class Preview(frames.Wire):
    """What a comment's body will look like."""

    body: str = Field(description="as it would be kept")
    rich: Rich | None = Field(None, description="token tree, only if more than plain paragraphs")


class Counts(frames.Wire):
    counts: dict[str, int] = Field(description="room to the number of comments everyone can see")


class Staff(frames.Wire):
    """Who did something as staff."""

    id: str
    name: str


class Act(frames.Wire):
    """An entry of the audit log."""

    id: int
    at: str = Field(description="RFC 3339, UTC, milliseconds")
    by: Staff
    action: str = Field(description="as in `moderate`, or `configure`, or `filters`")
    room: str = Field(description="empty: of the whole site")
    comment: int | None = None
    person: str | None = Field(None, description="the id of whom it befell")
    reason: str | None = None
    changed: dict[str, Any] | None = Field(
        None, description="field to its values before and after; the filters as they are set"
    )


class Acts(frames.Wire):
    acts: list[Act] = Field(description="newest first")
    next: int | None = Field(None, description="the next request's `before`")


class ReportSaid(frames.Wire):
    """What a reader said against a comment."""

    person: str = Field(description="the reader's id")
    reason: str
    text: str | None = None
    at: str


class Item(frames.Wire):
    """A comment as moderators look at it."""

    room: str
    title: str | None = Field(None, description="the room's")
    comment: frames.Comment
    reports: list[ReportSaid] | None = None


class QueueReply(frames.Wire):
    items: list[Item] = Field(description="newest first")
    next: int | None = Field(None, description="the next request's `before`")
    held: int = Field(description="how many wait on the site")
    reported: int = Field(description="how many more have reports that nobody has answered")


class RestrictedPerson(frames.Wire):
    """A ban, a shadow ban or a mute that is in force."""

    person: str = Field(description="the person's id")
    name: str | None = Field(None, description="what they were called last, where that is kept")
    kind: Literal["ban", "shadow", "mute"]
    room: str | None = Field(None, description="where, of a mute; the rest are of the whole site")
    title: str | None = Field(None, description="that room's")
    until: str | None = Field(None, description="when it ends; absent: not by itself")
    reason: str | None = None
    by: Staff | None = Field(None, description="who said so: a moderator, or `operator`")
    since: str | None = Field(None, description="RFC 3339, UTC, milliseconds")


class Restrictions(frames.Wire):
    restrictions: list[RestrictedPerson] = Field(description="newest first")
    next: int | None = Field(None, description="the next request's `before`")


class SiteRestriction(commands.Command):
    """A moderator's act on a person that is of the whole site."""

    author: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="the person's id"
    )
    action: Literal["ban", "unban", "shadow", "unshadow"]
    reason: text.Reason | None = Field(None, description="why, for the audit log")
    until: commands.Moment | None = Field(None, description="when it ends; absent: never")


class Problem(frames.Wire):
    """A problem document (RFC 9457)."""

    type: str = Field(description="where the code is explained")
    title: str
    status: int
    detail: str = Field(description="for people")
    code: str = Field(description="the same as in an `error` frame, or `reset`")
    retry_after_ms: int | None = None
    field: str | None = Field(None, description="the field at fault")
    cursor: str | None = Field(None, description="with `reset`: the head of the feed")


def _body_of(name: str, command: type[commands.Command], *without: str) -> type[BaseModel]:
    fields: dict[str, Any] = {
        field: (info.annotation, info)
        for field, info in command.model_fields.items()
        if field not in _ELSEWHERE and field not in without
    }
    made: type[BaseModel] = create_model(name, **fields)
    return made


NewGuest: Final = commands.GuestName
NewComment: Final = _body_of("NewComment", commands.Post)
Draft: Final = _body_of("Draft", commands.Post, "parent", "website")
EditedComment: Final = _body_of("EditedComment", commands.Edit, "comment")
Reaction: Final = _body_of("Reaction", commands.React)
NewReport: Final = _body_of("NewReport", commands.Report, "comment")
Moderation: Final = _body_of("Moderation", commands.Moderate, "comment", "author")
PersonModeration: Final = _body_of("PersonModeration", commands.Moderate, "comment", "seq")
RoomChanges: Final = _body_of("RoomChanges", commands.Configure)


class SiteRuleChanges(commands.Command):
    """What is to hold in a site's rooms, where they say nothing; those absent stay."""

    state: commands.RoomState | None = None
    slow_mode_s: Annotated[int, Field(ge=-1, le=86_400)] | None = Field(
        None, description="seconds between two comments of one reader; 0 or -1 for none"
    )
    max_depth: Annotated[int, Field(ge=-1, le=100)] | None = Field(
        None, description="how deep replies go; 0: no replies, -1: no bound"
    )
    edit_window_s: Annotated[int, Field(ge=-1, le=31_536_000)] | None = Field(
        None, description="how long an author may edit; 0: not at all, -1: as the server's setting"
    )
    reason: text.Reason | None = Field(None, description="why, for the audit log")


class SiteRules(frames.Wire):
    """What a site's rooms have where they say nothing themselves; absent: as the server has it."""

    state: commands.RoomState | None = None
    slow_mode_s: int | None = None
    max_depth: int | None = None
    edit_window_s: int | None = None


def described(model: type[BaseModel]) -> dict[str, Any]:
    """``openapi_extra`` for an endpoint whose body is read by ``caller.json_body``."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}
