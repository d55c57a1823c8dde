"""What a client may ask: one model a command, carrying only what a client may set."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from livethread.protocol.text import Body, DisplayName, Nonce, Reason, Ref, RoomName, clean_body


def _with_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("give it with its zone, such as Z")
    return moment


CommentId = Annotated[int, Field(ge=1, le=2**53 - 1, description="the comment's id")]
Seq = Annotated[int, Field(ge=1, le=2**53 - 1)]
PageToken = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Order = Literal["newest", "oldest", "best"]
Reaction = Annotated[str, StringConstraints(min_length=1, max_length=16, pattern=r"^[a-z0-9_]+$")]
Token = Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[\x21-\x7e]+$")]
ReportReason = Literal["spam", "abuse", "off_topic", "other"]
CommentAction = Literal[
    "approve",
    "hold",
    "reject",
    "hide",
    "restore",
    "delete",
    "pin",
    "unpin",
    "feature",
    "unfeature",
    "lock",
    "unlock",
]
PersonAction = Literal["ban", "unban", "shadow", "unshadow", "mute", "unmute", "delete_all"]
Action = Literal[CommentAction, PersonAction]
RoomState = Literal["open", "closed", "read_only"]
Since = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[\x21-\x7e]+$")]
Moment = Annotated[
    datetime, Field(strict=False, description="RFC 3339, UTC"), AfterValidator(_with_zone)
]
Client = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


def clean_title(text: str) -> str:
    """Returns a title as one line, cleaned as bodies are; an empty one stays empty."""
    return " ".join(clean_body(text).split()) if text else text


Title = Annotated[str, StringConstraints(max_length=200), AfterValidator(clean_title)]


class Command(BaseModel):
    """A frame from a client. Unknown fields are ignored, wrong ones are ``bad_frame``."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Referable(Command):
    """A command whose reply can be told apart by ``ref``."""

    ref: Ref | None = Field(None, description="comes back in the reply")


class InRoom(Referable):
    """A command about one room."""

    room: RoomName = Field(description="the article's room")


class Write(InRoom):
    """A command with one effect, however often it is sent with the same nonce."""

    nonce: Nonce = Field(description="client-made; the same nonce again gets the same answer")


class GuestName(Command):
    """What a new guest wants to be called."""

    name: DisplayName = Field(description="the name shown beside the comments")


class Identify(Command):
    """The two ways of saying who one is; neither of them is an anonymous reader."""

    token: Token | None = Field(None, description="a JWT, bot token or guest token")
    guest: GuestName | None = Field(None, description="asks for a new guest identity of that name")

    @model_validator(mode="after")
    def _one_of_them(self) -> Identify:
        if self.token is not None and self.guest is not None:
            raise ValueError("give a token or a guest name, not both")
        return self


class Hello(Identify):
    """The first frame, due within the hello deadline; others may be pipelined behind it."""

    type: Literal["hello"] = "hello"
    version: int = Field(ge=1, le=2**31, description="protocol version; this is 1")
    client: Client | None = Field(
        None, description="name and version of the client program, for the server's statistics"
    )


class Renew(Identify, Referable):
    """Changes or refreshes who speaks, within the same session."""

    type: Literal["renew"] = "renew"


class Ping(Command):
    """Asks for a `pong`, and shows the server that the client is alive."""

    type: Literal["ping"] = "ping"
    t: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = Field(
        None, description="the client's clock, ms; comes back in the pong"
    )


class Join(InRoom):
    """Follows a room; with ``since`` resumes there, otherwise starts from a snapshot."""

    type: Literal["join"] = "join"
    since: Since | None = Field(
        None, description="the last cursor seen, `EPOCH.SEQ`; `0` for the whole feed (bots)"
    )
    limit: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="roots in the first page; the server's setting if absent"
    )
    order: Order | None = Field(None, description="order of the roots; `oldest` if absent")


class Leave(InRoom):
    """Ends following a room; it may still be written to and read in pages."""

    type: Literal["leave"] = "leave"


class Writing(InRoom):
    """Says that a comment is being written, or no longer. Followers are told how many: `presence`.

    It holds for 10 s: say it again as long as it lasts. There is no answer.
    """

    type: Literal["writing"] = "writing"
    on: bool = Field(description="false when it is sent or given up")


class Post(Write):
    """Writes a comment or a reply."""

    type: Literal["post"] = "post"
    body: Body = Field(description="Markdown source")
    parent: CommentId | None = Field(None, description="makes it a reply")
    website: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="a trap: a field that people don't see; a comment that fills it in waits"
    )


class Edit(Write):
    """Replaces the body of an own comment, as long as the site allows."""

    type: Literal["edit"] = "edit"
    comment: CommentId
    body: Body = Field(description="the new Markdown source")


class Delete(Write):
    """Empties an own comment; its place in the thread stays."""

    type: Literal["delete"] = "delete"
    comment: CommentId


class React(InRoom):
    """Gives or takes back a reaction; saying the same twice changes nothing."""

    type: Literal["react"] = "react"
    comment: CommentId
    reaction: Reaction = Field(description="a name the site allows, such as `like`")
    on: bool = Field(description="true to give it, false to take it back")


class Report(InRoom):
    """Tells the moderators about a comment."""

    type: Literal["report"] = "report"
    comment: CommentId
    reason: ReportReason = Field(description="what is wrong with it")
    text: Reason | None = Field(None, description="more, for the moderators only")


class Page(InRoom):
    """Reads more of a room: roots; with ``parent`` the rest of that thread; or one comment's place.

    With ``comment`` the page has the root of its thread, its ancestors (the nearest, if they don't
    all go in), itself, replies to it, and the thread's first replies.
    """

    type: Literal["page"] = "page"
    parent: CommentId | None = Field(None, description="the root of the thread to continue")
    comment: CommentId | None = Field(
        None, description="the comment whose place is asked for; without `parent` and `after`"
    )
    after: PageToken | None = Field(None, description="`next` or `more` of an earlier page")
    limit: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="how many; the server's setting if absent"
    )
    order: Order | None = Field(
        None, description="order of the roots; `oldest` if absent. Keep it from page to page"
    )

    @model_validator(mode="after")
    def _one_reading(self) -> Page:
        if self.comment is not None and (self.parent is not None or self.after is not None):
            raise ValueError("a comment's place has no parent and no token")
        return self


class Moderate(Write):
    """Decides about a comment or a person; for staff, and bots whose token allows `moderate`."""

    type: Literal["moderate"] = "moderate"
    comment: CommentId | None = Field(None, description="the comment, or one of the person's")
    author: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="the person's id, if no comment names them"
    )
    action: Action = Field(
        description="`approve` shows it and answers its reports, `hold` puts it back into the"
        " queue; `reject` and `hide` take it away, `restore` brings it back; `delete` can't be"
        " undone; `pin` and `feature` mark it, `lock` ends replies below a root. Of a person: `ban`"
        " ends their connections to the site, `mute` their writing in the room, `shadow` has others"
        " not see what they write. `un…` takes each back; `delete_all`"
        " deletes all their comments on the site"
    )
    reason: Reason | None = Field(None, description="why, for the audit log")
    until: Moment | None = Field(None, description="of a person: when it ends; absent: never")
    seq: Seq | None = Field(
        None,
        description="the comment's `seq` as you saw it: if it has changed since, other than by"
        " reactions, the answer is `conflict`; absent: whatever it is now",
    )

    @model_validator(mode="after")
    def _about_one(self) -> Moderate:
        is_of_person = self.action in get_args(PersonAction)
        if (self.comment is None) == (self.author is None):
            raise ValueError("name a comment or an author, and not both")
        if is_of_person and self.seq is not None:
            raise ValueError("only an act on a comment has a `seq`")
        if not is_of_person and (self.comment is None or self.until is not None):
            raise ValueError("this action is about a comment, and for good")
        return self


class Configure(Write):
    """Changes a room's settings; those absent stay. For those who may `moderate`."""

    type: Literal["configure"] = "configure"
    state: Literal["open", "closed", "read_only", "site"] | None = Field(
        None,
        description="in a `closed` room only staff writes; a `read_only` one takes no reactions"
        " either; `site`: as the site says",
    )
    slow_mode_s: Annotated[int, Field(ge=-1, le=86_400)] | None = Field(
        None,
        description="seconds between two comments of one reader; 0 for none, -1: as the site says",
    )
    premoderate: bool | None = Field(
        None, description="whether new comments are held until a moderator approves them"
    )
    title: Title | None = Field(None, description="the article's title; empty to have none")
    max_depth: Annotated[int, Field(ge=-1, le=100)] | None = Field(
        None, description="how deep replies go; 0: no replies, -1: as the site says"
    )
    edit_window_s: Annotated[int, Field(ge=-1, le=31_536_000)] | None = Field(
        None, description="how long an author may edit; 0: not at all, -1: as the site says"
    )
    reason: Reason | None = Field(None, description="why, for the audit log")


class Watch(Referable):
    """Asks to be told of the whole site: what is held, reported, decided, who is barred. For staff.

    Told in `queued` and `restricted` frames; and in `moderators` frames, who else watches.
    """

    type: Literal["watch"] = "watch"
    on: bool = Field(description="false to hear nothing more")
    held: bool | None = Field(
        None, description="true to be told first of what is held already, the newest 100"
    )


COMMANDS: MappingProxyType[str, type[Command]] = MappingProxyType(
    {
        model.model_fields["type"].default: model
        for model in (
            Hello,
            Join,
            Leave,
            Writing,
            Post,
            Edit,
            Delete,
            React,
            Report,
            Page,
            Moderate,
            Configure,
            Watch,
            Renew,
            Ping,
        )
    }
)
"""Every command by its ``type``."""
