"""The words of the domain as plain values: rooms, comments, changes, and wishes for them."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Literal, NewType, get_args

from livethread.protocol.errors import LivethreadError
from livethread.value import value

RoomName = NewType("RoomName", str)
CommentId = NewType("CommentId", int)
Seq = int
"""Position in a room's feed: 1, 2, 3, … dense, never reused; 0 is before the first change."""


class CommentState(StrEnum):
    VISIBLE = "visible"
    HELD = "held"
    HIDDEN = "hidden"
    DELETED = "deleted"
    REMOVED = "removed"


class Audience(StrEnum):
    """Who may see a frame."""

    PUBLIC = "public"
    STAFF = "staff"


class Role(StrEnum):
    ANONYMOUS = "anonymous"
    GUEST = "guest"
    READER = "reader"
    TRUSTED = "trusted"
    BOT = "bot"
    MODERATOR = "moderator"
    ADMIN = "admin"


RoomState = Literal["open", "closed", "read_only"]
Action = Literal[
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
DECREES = frozenset({*get_args(PersonAction), "filters"})
"""Acts that change how people stand, or what is filtered."""


@value
class Author:
    id: str
    name: str
    avatar: str | None = None
    badge: Literal["bot", "staff"] | None = None


@value
class RoomRules:
    """What holds for those who write; None: nothing is said of it here.

    ``max_depth`` is how deep replies go (0: none), ``edit_window_s`` how long an author may edit.
    """

    state: RoomState | None = None
    slow_mode_s: int | None = None
    max_depth: int | None = None
    edit_window_s: int | None = None


@value
class Room:
    """A room as committed. ``epoch`` names its history, ``seq`` is the head of its feed.

    ``config_seq`` is the seq at which the room itself last changed (0: never). Its ``own`` rules
    are over its ``site``'s, which stand in the room of the empty name.
    """

    name: RoomName
    epoch: str
    seq: Seq = 0
    title: str | None = None
    premoderate: bool = False
    comments: int = 0
    config_seq: Seq = 0
    own: RoomRules = RoomRules()
    site: RoomRules = RoomRules()

    @property
    def state(self) -> RoomState:
        return self.own.state or self.site.state or "open"

    @property
    def slow_mode_s(self) -> int:
        own = self.own.slow_mode_s
        return (self.site.slow_mode_s if own is None else own) or 0

    @property
    def max_depth(self) -> int | None:
        own = self.own.max_depth
        return self.site.max_depth if own is None else own

    @property
    def edit_window_s(self) -> int | None:
        own = self.own.edit_window_s
        return self.site.edit_window_s if own is None else own

    def advanced(self, visible: int) -> Room:
        """The room one change later, with so many visible comments more or fewer.

        Written out because ``dataclasses.replace`` took a third of a commit's time.
        """
        return Room(
            self.name,
            self.epoch,
            self.seq + 1,
            self.title,
            self.premoderate,
            max(0, self.comments + visible),
            self.config_seq,
            self.own,
            self.site,
        )


@value
class Comment:
    """A comment as committed: every column of its row. Times are ms since the Unix epoch, UTC.

    ``root`` is the thread's first comment (its own id for a root). ``was_public`` says that readers
    have seen it, so that taking it away leaves a tombstone. ``rich`` and ``reactions`` are JSON.
    ``depth`` is 0 for a root; ``hold`` says to staff why it is held, ``due_ms`` until when at most;
    ``locked`` is a root's; ``reports`` are those that nobody has answered.
    To a feed a comment is two things: its reactions, which last changed at ``reacted_seq`` (None:
    not since ``seq``), and all of it, which last changed at ``seq``. ``score`` ranks it by them.
    """

    id: CommentId
    seq: Seq
    parent: CommentId | None
    root: CommentId
    author: Author
    body: str
    rich: str | None
    created_ms: int
    edited_ms: int | None
    state: CommentState
    was_public: bool
    pinned: bool
    reactions: str | None
    depth: int = 0
    hold: str | None = None
    featured: bool = False
    locked: bool = False
    reports: int = 0
    due_ms: int | None = None
    reacted_seq: Seq | None = None
    score: int = 0
    replies: int = 0

    @property
    def last_seq(self) -> Seq:
        """The seq of its last change of any kind."""
        return self.seq if self.reacted_seq is None else self.reacted_seq


@value
class Change:
    """One entry of a feed: a comment or (``comment`` is None) the room itself, as it now is."""

    seq: Seq
    comment: Comment | None
    room: Room | None = None

    @property
    def is_of_reactions(self) -> bool:
        """True if nothing else about the comment changed."""
        return self.comment is not None and self.comment.reacted_seq == self.seq


SHADOWED = "shadow ban"
"""Why a comment is held of which its author is not told so."""


@value
class Draft:
    """What is about to be written, as filters look at it; ``trap`` is a field people don't see.

    ``since_ms`` is when its author was first here, ms since 1970; None if that isn't known.
    ``edits`` is the comment whose words these are to be; None: a new one's.
    """

    room: RoomName
    author: str
    role: Role
    since_ms: int | None
    body: str
    trap: str | None
    nonce: str | None
    edits: CommentId | None
    now_ms: int


@value
class Judgement:
    """``hold``: why it is to wait, for moderators; ``first``: so many are to be shown before.

    If nothing else holds it, ``judge_s`` is how long it waits for a bot's judgement; 0: it doesn't.
    """

    hold: str | None = None
    first: int = 0
    judge_s: int = 0


# ── wishes: what a session asks the Store to make true ──────────────────────────────────────────


@value
class PostComment:
    body: str
    rich: str | None
    parent: CommentId | None
    badge: Literal["bot", "staff"] | None = None
    trap: str | None = None
    judgement: Judgement = Judgement()


@value
class EditComment:
    comment: CommentId
    body: str
    rich: str | None
    window_s: int
    judgement: Judgement = Judgement()


@value
class DeleteComment:
    comment: CommentId


@value
class SetReaction:
    """``against`` names the reactions that count against a comment.

    A ``shadowed`` reader's counts for nobody.
    """

    comment: CommentId
    reaction: str
    on: bool
    against: frozenset[str] = frozenset()
    shadowed: bool = False


@value
class ReportComment:
    """``hold_at`` reports hold the comment; a ``shadowed`` reader's is none."""

    comment: CommentId
    reason: str
    text: str | None
    hold_at: int = 0
    shadowed: bool = False


@value
class ModerateComment:
    """``seq`` is that of the comment as it was judged; None: act on it as it now is."""

    comment: CommentId
    action: Action
    reason: str | None
    seq: Seq | None = None


@value
class EndJudgement:
    """Act on a comment whose time to be judged is over, if it still waits."""

    comment: CommentId
    action: Literal["approve", "hold"]
    reason: str


@value
class ConfigureRoom:
    """None stays as it is; ``site`` and -1 are for as the site says.

    Of the room of the empty name: what the site says.
    """

    state: RoomState | Literal["site"] | None
    slow_mode_s: int | None
    premoderate: bool | None
    title: str | None
    max_depth: int | None = None
    edit_window_s: int | None = None
    reason: str | None = None


@value
class TellRoom:
    """Have those who follow a room told of it as it now is: its site has changed."""


@value
class RestrictPerson:
    """Of a site (``mute``: of the room) bar a person, named or by a comment of theirs.

    ``until_ms`` is when that ends, ms since the Unix epoch; None: not by itself. ``spared`` are
    those whom this moderator has no power over.
    """

    person: str | None
    comment: CommentId | None
    action: PersonAction
    reason: str | None
    until_ms: int | None
    spared: frozenset[str] = frozenset()


@value
class SetFilters:
    """Have a room's filters be these, as JSON; a site's stand at ``site.key_of(site, "")``."""

    filters: str
    reason: str | None = None


Wish = (
    PostComment
    | EditComment
    | DeleteComment
    | SetReaction
    | ReportComment
    | ModerateComment
    | EndJudgement
    | ConfigureRoom
    | TellRoom
    | RestrictPerson
    | SetFilters
)


@value
class Write:
    """A wish with who, where, when and (for all but reactions and reports) its nonce.

    ``fingerprint`` tells whether the same nonce was used for the same content before.
    ``is_staff`` lifts closed rooms, slow mode and pre-moderation.
    """

    room: RoomName
    author: Author
    is_staff: bool
    nonce: str | None
    fingerprint: str
    now_ms: int
    wish: Wish


def decreed(room: RoomName, by: Author, now_ms: int, wish: Wish) -> Write:
    """A write that no command asked for: by staff or the server, without a nonce."""
    return Write(room, by, True, None, "", now_ms, wish)


@value
class Act:
    """What someone did as staff, as the audit log keeps it; it is written with the act itself.

    ``detail`` is JSON: what was changed, from what to what. ``person`` is whom it befell.
    """

    room: RoomName
    comment: CommentId | None
    person: str | None
    by: Author
    action: str
    reason: str | None
    detail: str | None
    at_ms: int


@value
class Logged:
    """An entry of the audit log; ``id`` rises with time."""

    id: int
    act: Act


@value
class ActsRequest:
    """The newest of a site's acts older than ``before`` (an id), about what is named."""

    site: str
    room: RoomName | None = None
    comment: CommentId | None = None
    person: str | None = None
    before: int | None = None
    limit: int = 50


@value
class Report:
    """What a reader said against a comment."""

    person: str
    reason: str
    text: str | None
    at_ms: int


@value
class QueueItem:
    """A comment as moderators look at it; ``title`` is its room's, ``place`` for the next page."""

    place: int
    room: RoomName
    title: str | None
    comment: Comment
    reports: tuple[Report, ...] = ()


@value
class QueueRequest:
    """The newest of a site's comments posted before ``before`` (a place), of what is named.

    ``text``: that have it in their words or their author's name, in small or capital letters.
    """

    site: str
    list: Literal["held", "reported", "recent"]
    room: RoomName | None = None
    author: str | None = None
    text: str | None = None
    before: int | None = None
    limit: int = 50


@value
class Queue:
    """``held`` and ``reported`` say how many there are on the site, whatever was asked for."""

    items: tuple[QueueItem, ...]
    held: int
    reported: int


@value
class Restricted:
    """A person's ban, shadow ban or mute that is in force.

    ``room`` and its ``title`` are a mute's. ``name`` is what the person was called last; ``by`` an
    operator or a moderator; ``since_ms`` ms since the Unix epoch, 0 if nobody knows.
    """

    person: str
    name: str | None
    kind: Literal["ban", "shadow", "mute"]
    room: RoomName | None
    title: str | None
    until_ms: int | None
    reason: str | None
    by: Author | None
    since_ms: int


@value
class RestrictedRequest:
    """The newest in force on a site at ``now_ms``, said before ``before`` (ms), of a ``person``.

    Of several from the same ms all or none are listed, so there may be more than ``limit``.
    """

    site: str
    now_ms: int
    person: str | None = None
    before: int | None = None
    limit: int = 50


@value
class Committed:
    """The wish is on disk. ``change`` is None where nothing changed (a repeat, a report).

    ``reported`` is the comment that readers have reported, if it isn't the change.
    """

    room: Room
    seq: Seq
    comment: Comment | None
    change: Change | None
    is_duplicate: bool = False
    act: Act | None = None
    reported: Comment | None = None


Outcome = Committed | LivethreadError


@value
class PageRequest:
    """A page of at most ``limit`` roots, and of some ``max_bytes``.

    With ``parent`` it is of that thread's replies, with ``comment`` of what surrounds that one.
    ``reader`` is whose own reactions it is to tell; a page that many share has none.
    """

    room: RoomName
    parent: CommentId | None = None
    after: str | None = None
    limit: int = 20
    order: Literal["newest", "oldest", "best"] = "oldest"
    replies: int = 20
    audience: Audience = Audience.PUBLIC
    max_bytes: int = 256 * 1024
    comment: CommentId | None = None
    reader: str = ""


@value
class Page:
    """Comments read at one moment. ``more`` maps the root of an unfinished thread to its token.

    ``reacted`` has what the request's ``reader`` gave to which comment.
    """

    room: Room
    comments: tuple[Comment, ...]
    next: str | None
    more: dict[int, str]
    reacted: dict[int, list[str]] = field(default_factory=dict)


@value
class ChangeRange:
    """All changes of a room in (from_seq, to_seq], each comment once, and its reactions once."""

    room: Room
    from_seq: Seq
    to_seq: Seq
    changes: tuple[Change, ...]


@value
class BotToken:
    id: str
    name: str
    digest: str
    scopes: frozenset[str]
    rooms: str
    created_ms: int
    is_revoked: bool = False
    site: str = "default"
