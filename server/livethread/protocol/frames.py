"""What a server says: one model a frame. The hub sends the same shapes as shared bytes."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from livethread.protocol.commands import Order, Reaction, RoomState
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
    """A frame or a part of one. Fields of a later version are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", populate_by_name=True)


class Author(Wire):
    """Who wrote a comment, as shown beside it."""

    id: str = Field(description="the same in all comments of one person")
    name: str = Field(description="to be shown isolated (`<bdi>`)")
    avatar: str | None = Field(None, description="URL of a picture")
    badge: Literal["bot", "staff"] | None = Field(None, description="what sets the author apart")


class Comment(Wire):
    """A comment as its reader may see it; one that is gone carries no author, body or rich."""

    id: int = Field(description="the seq of its creation")
    parent: int | None = Field(None, description="the comment it replies to; none for a root")
    author: Author | None = Field(None, description="absent if it is gone")
    body: str | None = Field(None, description="Markdown source")
    rich: Rich | None = Field(None, description="token tree, only if more than plain paragraphs")
    created: str = Field(description="RFC 3339, UTC, milliseconds")
    edited: str | None = Field(None, description="time of the last edit")
    state: CommentState = Field(
        description="`held` waits for a moderator; `hidden` is taken away, perhaps for a while;"
        " `deleted` by its author and `removed` by a moderator are gone for good"
    )
    reactions: dict[Reaction, int] | None = Field(None, description="how many gave each")
    pinned: bool | None = Field(None, description="a moderator wants it on top")
    featured: bool | None = Field(None, description="a moderator recommends it")
    locked: bool | None = Field(None, description="of a root: only staff replies below it")
    hold: str | None = Field(None, description="for staff: why it is held")
    replies: int | None = Field(None, description="size of the thread below it, in pages")
    seq: Seq = Field(description="the seq of its last change")


class ReactionCounts(Wire):
    """A comment's reactions, all of them."""

    comment: int = Field(description="the comment's id")
    counts: dict[Reaction, int] = Field(description="how many gave each; absent means none")


class Room(Wire):
    """A room as it now is."""

    name: RoomName = Field(description="as it was asked for")
    title: str | None = Field(None, description="the article's title")
    state: RoomState = Field(
        description="in a `closed` room only staff writes; a `read_only` one takes no reactions"
        " either"
    )
    slow_mode_s: int = Field(description="seconds between two comments of one reader; 0: none")
    premoderate: bool = Field(description="whether new comments wait for a moderator")
    max_depth: int | None = Field(None, description="how deep replies go; a root's depth is 0")
    edit_window_s: int | None = Field(
        None, description="how long an author may edit here; absent: as `limits` says"
    )
    comments: int = Field(description="how many everyone can see")
    seq: Seq = Field(description="head of the feed")


class Change(Wire):
    """One entry of a feed: a comment, a comment's reaction counts, or the room, as it now is."""

    seq: Seq = Field(description="its number; they rise, but not every number is sent")
    comment: Comment | None = Field(None, description="put it in place of the one with its id")
    reactions: ReactionCounts | None = Field(None, description="put them in place of the old")
    room: Room | None = Field(None, description="put it in place of the old")


class User(Wire):
    """Who the server takes the client for."""

    id: str = Field(description="as in the author of own comments; empty if anonymous")
    name: str = Field(description="as shown beside own comments; empty if anonymous")
    role: Literal["anonymous", "guest", "reader", "trusted", "bot", "moderator", "admin"] = Field(
        description="`anonymous` only reads; `moderator` and `admin` are staff"
    )
    avatar: str | None = Field(None, description="URL of a picture")
    scopes: list[str] | None = Field(None, description="what a bot's token allows")


class Limits(Wire):
    """What this server takes."""

    body_chars: int = Field(description="code points in a body")
    name_chars: int = Field(description="code points in a guest's name")
    frame_bytes: int = Field(description="bytes in a frame from a client")
    subscriptions: int = Field(description="rooms followed over one socket")
    edit_window_s: int = Field(description="how long an author may edit a comment")


class Welcome(Wire):
    """The answer to `hello` and `renew`."""

    type: Literal["welcome"] = "welcome"
    ref: str | None = Field(None, description="the `renew`'s")
    session: str = Field(description="names this connection, for questions to the operator")
    user: User = Field(description="who is speaking")
    guest_token: str | None = Field(None, description="keep it: the next `hello`'s token")
    expires: str | None = Field(
        None, description="when the token does, RFC 3339; send `renew` with a new one before"
    )
    heartbeat_s: float = Field(description="the server is never silent for much longer")
    limits: Limits = Field(description="what this server takes")


class Joined(Wire):
    """A subscription has begun at ``cursor``; ``changes`` from there on follow."""

    type: Literal["joined"] = "joined"
    ref: str | None = Field(None, description="the `join`'s")
    room: Room = Field(description="the room as it now is")
    cursor: str = Field(description="`EPOCH.SEQ`: the client's place from now on")
    mode: Literal["snapshot", "resume"] = Field(
        description="`snapshot`: begin anew with `comments`; `resume`: keep what is there"
    )
    order: Order | None = Field(None, description="order of the roots in `comments`")
    comments: list[Comment] | None = Field(None, description="first page; parents before children")
    next: str | None = Field(None, description="page token for more roots")
    more: dict[str, str] | None = Field(None, description="root id to page token: rest of thread")
    mine: list[Comment] | None = Field(None, description="the reader's own held comments")
    reacted: dict[str, list[Reaction]] | None = Field(
        None, description="the reader's own reactions to these comments: id to names"
    )


class Changes(Wire):
    """All changes of a room in (from, to]; valid only for a client whose cursor is ``from``."""

    type: Literal["changes"] = "changes"
    room: RoomName = Field(description="the room's name")
    from_: Seq = Field(alias="from", description="the seq they follow on; see The gap rule")
    to: Seq = Field(description="the seq of the client's cursor afterwards")
    comments: int | None = Field(
        None,
        description="how many everyone can see at `to`; absent if nothing is new, or if"
        " another frame follows that has it",
    )
    changes: list[Change] = Field(description="in order of seq; may be empty")


class Reset(Wire):
    """The subscription has ended. Join again: without ``since`` if it was ``too_far`` behind."""

    type: Literal["reset"] = "reset"
    room: RoomName = Field(description="the room's name")
    reason: Literal["too_far", "identity"] = Field(
        description="`too_far` behind, or another `identity` that sees something else"
    )


class PageReply(Wire):
    """The answer to `page`; it doesn't move the cursor."""

    type: Literal["page"] = "page"
    ref: str | None = Field(None, description="the command's")
    room: RoomName = Field(description="the room's name")
    comments: list[Comment] = Field(description="parents before children")
    next: str | None = Field(None, description="page token for what follows; absent at the end")
    more: dict[str, str] | None = Field(None, description="root id to page token: rest of thread")
    reacted: dict[str, list[Reaction]] | None = Field(
        None, description="the reader's own reactions to these comments: id to names"
    )
    at: Seq = Field(description="the seq of the reading")


class Left(Wire):
    """The answer to `leave`: no more frames of that room."""

    type: Literal["left"] = "left"
    ref: str | None = Field(None, description="the command's")
    room: RoomName = Field(description="the room's name")


class Ack(Wire):
    """The command's effect is on disk."""

    type: Literal["ack"] = "ack"
    ref: str | None = Field(None, description="the command's")
    room: RoomName = Field(description="the room's name")
    seq: Seq = Field(description="the seq of the change; it doesn't move the cursor")
    comment: Comment | None = Field(None, description="as it now is, also while it is held")
    duplicate: bool | None = Field(None, description="this nonce was answered before")


class Watching(Wire):
    """The answer to `watch`."""

    type: Literal["watching"] = "watching"
    ref: str | None = Field(None, description="the `watch`'s")
    on: bool = Field(description="whether `queued` and `restricted` frames come from now on")


class Queued(Wire):
    """For staff that watches: something came up, or was decided. A hint that may be missing."""

    type: Literal["queued"] = "queued"
    room: RoomName = Field(description="the room's name")
    comment: Comment = Field(description="as it now is, as staff sees it")
    reports: int | None = Field(None, description="how many readers' are unanswered")
    action: str | None = Field(None, description="what a moderator did")
    by: Author | None = Field(None, description="who did it")


class Restricted(Wire):
    """For staff that watches: a person was barred, or let in again. A hint that may be missing."""

    type: Literal["restricted"] = "restricted"
    person: str = Field(description="the person's id")
    action: str = Field(
        description="`ban`, `shadow`, `mute`, or what takes it back: `unban`, `unshadow`, `unmute`"
    )
    room: RoomName | None = Field(None, description="where, of a mute")
    by: Author = Field(description="who did it")


class Moderators(Wire):
    """For staff that watches: which moderators do so just now, whenever that changes."""

    type: Literal["moderators"] = "moderators"
    here: list[Author] = Field(
        description="each once, whatever number of pages is open; at most 100, no bots"
    )


class Error(Wire):
    """A command had no effect; or, without `ref`, what the connection is about to be closed for."""

    type: Literal["error"] = "error"
    ref: str | None = Field(None, description="the command's")
    code: Code = Field(description="see Error codes; an unknown one counts as `internal`")
    message: str = Field(description="for people")
    retryable: bool = Field(description="whether the same command may succeed later")
    retry_after_ms: Millis | None = Field(None, description="no sooner than this")
    field: str | None = Field(None, description="the command's field at fault")


class Presence(Wire):
    """How many are there. It is no part of the feed and may be dropped."""

    type: Literal["presence"] = "presence"
    room: RoomName = Field(description="the room's name")
    readers: int = Field(description="connections that follow the room")
    writing: int | None = Field(
        None, description="how many of them are writing, the receiver left out; absent: none"
    )


class Notice(Wire):
    """News of the server: it will close the connection soon."""

    type: Literal["notice"] = "notice"
    code: Literal["draining"] = Field(description="why")
    message: str = Field(description="for people")
    reconnect_after_ms: Annotated[tuple[Millis, Millis], Field(strict=False)] | None = Field(
        None, description="come back after a random time between these two"
    )


class Heartbeat(Wire):
    """The link is alive. Answer with a `ping`."""

    type: Literal["heartbeat"] = "heartbeat"
    t: Millis = Field(description="the server's clock, ms since 1970")


class Pong(Wire):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"
    t: Millis | None = Field(None, description="the `ping`'s, if it had one")


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
            Watching,
            Queued,
            Restricted,
            Moderators,
            Error,
            Presence,
            Notice,
            Heartbeat,
            Pong,
        )
    }
)
"""Every server frame by its ``type``."""
