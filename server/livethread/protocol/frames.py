"""What a server says: one model a frame. The hub sends the same shapes as shared bytes."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from livethread.protocol.commands import Order, Reaction
from livethread.protocol.errors import ErrorCode
from livethread.protocol.rich import Rich

Seq = Annotated[int, Field(ge=0, le=2**53 - 1)]
CommentState = Literal["visible", "held", "hidden", "deleted", "removed"]
RoomName = str  # checked on the way in; a client must not choke on what it receives
Millis = Annotated[int, Field(ge=0)]


def _known_code(code: object) -> object:
    """A later version's code must not make its error unreadable."""
    is_known = not isinstance(code, str) or code in set(ErrorCode)
    return code if is_known else ErrorCode.INTERNAL


Code = Annotated[ErrorCode, Field(strict=False), BeforeValidator(_known_code)]


class Wire(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", populate_by_name=True)


class Author(Wire):
    id: str
    name: str
    avatar: str | None = None
    badge: Literal["bot", "staff"] | None = None


class Comment(Wire):
    """A comment as its reader may see it; one that is gone carries no author, body or rich."""

    id: int = Field(description="the seq of its creation")
    parent: int | None = Field(None, description="the comment it replies to; none for a root")
    author: Author | None = None
    body: str | None = Field(None, description="Markdown source")
    rich: Rich | None = Field(None, description="token tree, only if more than plain paragraphs")
    created: str = Field(description="RFC 3339, UTC, milliseconds")
    edited: str | None = None
    state: CommentState
    reactions: dict[Reaction, int] | None = None
    pinned: bool | None = None
    replies: int | None = Field(None, description="size of the thread below it, in pages")
    seq: Seq = Field(description="the seq of its last change")


class ReactionCounts(Wire):
    comment: int
    counts: dict[Reaction, int]


class Room(Wire):
    name: RoomName
    title: str | None = None
    state: Literal["open", "closed"]
    slow_mode_s: int
    premoderate: bool
    comments: int = Field(description="how many everyone can see")
    seq: Seq = Field(description="head of the feed")


class Change(Wire):
    """One entry of a feed: a comment, a comment's reaction counts, or the room, as it now is."""

    seq: Seq
    comment: Comment | None = None
    reactions: ReactionCounts | None = None
    room: Room | None = None


class User(Wire):
    id: str
    name: str
    role: Literal["anonymous", "guest", "reader", "trusted", "bot", "moderator", "admin"]
    avatar: str | None = None
    scopes: list[str] | None = Field(None, description="what a bot's token allows")


class Limits(Wire):
    body_chars: int
    name_chars: int
    frame_bytes: int
    subscriptions: int
    edit_window_s: int


class Welcome(Wire):
    type: Literal["welcome"] = "welcome"
    ref: str | None = None
    session: str
    user: User
    guest_token: str | None = Field(None, description="keep it: the next `hello`'s token")
    expires: str | None = None
    heartbeat_s: float
    limits: Limits


class Joined(Wire):
    """A subscription has begun at ``cursor``; ``changes`` from there on follow."""

    type: Literal["joined"] = "joined"
    ref: str | None = None
    room: Room
    cursor: str
    mode: Literal["snapshot", "resume"]
    order: Order | None = None
    comments: list[Comment] | None = Field(None, description="first page; parents before children")
    next: str | None = Field(None, description="page token for more roots")
    more: dict[str, str] | None = Field(None, description="root id to page token: rest of thread")
    mine: list[Comment] | None = Field(None, description="the reader's own held comments")


class Changes(Wire):
    """All changes of a room in (from, to]; valid only for a client whose cursor is ``from``."""

    type: Literal["changes"] = "changes"
    room: RoomName
    from_: Seq = Field(alias="from")
    to: Seq
    changes: list[Change]


class Reset(Wire):
    """The subscription has ended. Join again: without ``since`` if it was ``too_far`` behind."""

    type: Literal["reset"] = "reset"
    room: RoomName
    reason: Literal["too_far", "identity"]


class PageReply(Wire):
    type: Literal["page"] = "page"
    ref: str | None = None
    room: RoomName
    comments: list[Comment]
    next: str | None = None
    more: dict[str, str] | None = None
    at: Seq = Field(description="the seq of the reading")


class Left(Wire):
    type: Literal["left"] = "left"
    ref: str | None = None
    room: RoomName


class Ack(Wire):
    """The command's effect is on disk."""

    type: Literal["ack"] = "ack"
    ref: str | None = None
    room: RoomName
    seq: Seq
    comment: Comment | None = None
    duplicate: bool | None = Field(None, description="this nonce was answered before")


class Error(Wire):
    type: Literal["error"] = "error"
    ref: str | None = None
    code: Code = Field(description="see Error codes; an unknown one counts as `internal`")
    message: str = Field(description="for people")
    retryable: bool
    retry_after_ms: Millis | None = None
    field: str | None = None


class Presence(Wire):
    type: Literal["presence"] = "presence"
    room: RoomName
    readers: int
    writing: int | None = None


class Notice(Wire):
    type: Literal["notice"] = "notice"
    code: Literal["draining"]
    message: str
    reconnect_after_ms: Annotated[tuple[Millis, Millis], Field(strict=False)] | None = None


class Heartbeat(Wire):
    type: Literal["heartbeat"] = "heartbeat"
    t: Millis


class Pong(Wire):
    type: Literal["pong"] = "pong"
    t: Millis | None = None


FRAMES: MappingProxyType[str, type[Wire]] = MappingProxyType(
    {
        model.model_fields["type"].default: model
        for model in (
            Welcome,
            Joined,
            Left,
            Changes,
            Reset,
            PageReply,
            Ack,
            Error,
            Presence,
            Notice,
            Heartbeat,
            Pong,
        )
    }
)
"""Every server frame by its ``type``."""
