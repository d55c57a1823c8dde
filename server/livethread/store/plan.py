"""What a batch of writes does, decided without touching a database.

A back-end reads the :class:`BatchState`, :func:`plan` decides every wish in order and says which
rows change, the back-end writes them. So every rule of a room stands here once, for every
database, and can be tested without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pydantic_core import from_json, to_json

from livethread.model import (
    Act,
    Change,
    Comment,
    CommentId,
    CommentState,
    Committed,
    ConfigureRoom,
    DeleteComment,
    EditComment,
    EndJudgement,
    Judgement,
    ModerateComment,
    Outcome,
    PostComment,
    ReportComment,
    RestrictPerson,
    Room,
    RoomName,
    RoomRules,
    SetFilters,
    SetReaction,
    TellRoom,
    Write,
)
from livethread.protocol.errors import (
    BadFrame,
    Conflict,
    Forbidden,
    HeldOff,
    LivethreadError,
    NotFound,
    Rejected,
    RoomClosed,
)
from livethread.ranking import score_of
from livethread.site import site_room_of
from livethread.store.decisions import GONE, decided, difference, emptied

PREMODERATION = "every comment waits here"
AWAITS_JUDGEMENT = "a bot looks at it"
MAX_FIRST = 100


class NonceKey(NamedTuple):
    room: RoomName
    author: str
    nonce: str


class CommentKey(NamedTuple):
    room: RoomName
    id: CommentId


class ReactionKey(NamedTuple):
    room: RoomName
    comment: CommentId
    author: str
    reaction: str


class ReportKey(NamedTuple):
    room: RoomName
    comment: CommentId
    author: str


class Answered(NamedTuple):
    """How a nonce was answered: its content's fingerprint, the ack's seq, the comment, if any."""

    fingerprint: str
    seq: int
    comment: CommentId | None


@dataclass(slots=True)
class BatchState:
    """What the planner needs to know of the database; it is changed as the batch goes on.

    ``comments`` has, with each comment, its thread's root; ``removed`` what rejected ones were.
    ``shown`` is how many comments of an author are shown, up to ``MAX_FIRST``.
    """

    rooms: dict[RoomName, Room]
    nonces: dict[NonceKey, Answered]
    comments: dict[CommentKey, Comment]
    reactions: set[ReactionKey]
    last_post_ms: dict[tuple[RoomName, str], int]
    removed: dict[CommentKey, Comment] = field(default_factory=dict)
    reported: set[ReportKey] = field(default_factory=set)
    shown: dict[str, int] = field(default_factory=dict)


class Inserted(NamedTuple):
    room: RoomName
    comment: CommentId
    write: Write


class Decree(NamedTuple):
    """What is to change of how people stand, and for whom."""

    write: Write
    person: str | None


@dataclass(slots=True)
class Plan:
    """What to write: ``state`` has the rows' final values, the rest says which ones change."""

    state: BatchState
    outcomes: list[Outcome] = field(default_factory=list)
    rooms: set[RoomName] = field(default_factory=set)
    inserted: list[Inserted] = field(default_factory=list)
    updated: set[CommentKey] = field(default_factory=set)
    answered: list[tuple[NonceKey, Answered]] = field(default_factory=list)
    reactions_on: set[ReactionKey] = field(default_factory=set)
    reactions_off: set[ReactionKey] = field(default_factory=set)
    reports: list[Write] = field(default_factory=list)
    removed_on: set[CommentKey] = field(default_factory=set)
    removed_off: set[CommentKey] = field(default_factory=set)
    acts: list[Act] = field(default_factory=list)
    decrees: list[Decree] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """True if nothing needs to be written."""
        changed = self.rooms or self.reactions_on or self.reactions_off
        return not (changed or self.reports or self.decrees)

    @property
    def updated_only(self) -> set[CommentKey]:
        """Rows that exist already and change."""
        return self.updated - {CommentKey(row.room, row.comment) for row in self.inserted}

    def decide(self, write: Write) -> Outcome:
        """The outcome of one write, its effects noted; a refusal notes none."""
        try:
            repeated = self._repeated(write)
            if repeated is not None:
                return repeated
            committed = self._apply(write)
        except LivethreadError as error:
            return error
        if write.nonce is not None:
            key = NonceKey(write.room, write.author.id, write.nonce)
            comment = committed.comment.id if committed.comment else None
            answer = Answered(write.fingerprint, committed.seq, comment)
            self.state.nonces[key] = answer
            if not isinstance(write.wish, PostComment):
                self.answered.append((key, answer))
                self.rooms.add(write.room)
        return committed

    def _repeated(self, write: Write) -> Committed | None:
        if write.nonce is None:
            return None
        answer = self.state.nonces.get(NonceKey(write.room, write.author.id, write.nonce))
        if answer is None:
            return None
        if answer.fingerprint != write.fingerprint:
            raise Conflict(field="nonce")
        comment = answer.comment and self.state.comments.get(CommentKey(write.room, answer.comment))
        return Committed(self.state.rooms[write.room], answer.seq, comment or None, None, True)

    def _apply(self, write: Write) -> Committed:
        match write.wish:
            case PostComment() as wish:
                return self._post(write, wish)
            case EditComment() as wish:
                return self._edit(write, wish)
            case DeleteComment(comment=id):
                return self._delete(write, id)
            case SetReaction() as wish:
                return self._react(write, wish)
            case ReportComment() as wish:
                return self._report(write, wish)
            case ModerateComment() as wish:
                return self._moderate(write, wish)
            case EndJudgement() as wish:
                comment = self._target(write, wish.comment)
                if comment.due_ms is None or comment.due_ms > write.now_ms:
                    room = self.state.rooms[write.room]
                    return Committed(room, comment.last_seq, comment, None)
                return self._moderate(
                    write, ModerateComment(wish.comment, wish.action, wish.reason)
                )
            case ConfigureRoom() as wish:
                return self._configure(write, wish)
            case TellRoom():
                return self._told(self.state.rooms[write.room])
            case RestrictPerson() as wish:
                return self._restrict(write, wish)
            case SetFilters() as wish:
                act = self._note(write, "filters", wish.reason, wish.filters)
                self.decrees.append(Decree(write, None))
                room = self.state.rooms[write.room]
                return Committed(room, room.seq, None, None, act=act)

    def _post(self, write: Write, wish: PostComment) -> Committed:
        room = self._open_room(write)
        parent = None if wish.parent is None else self._parent(write, room, wish.parent)
        if room.slow_mode_s and not write.is_staff:
            self._hold_off(write, room.slow_mode_s)
        seq = room.seq + 1
        hold = self._why_held(write, room, wish.judgement)
        comment = Comment(
            id=CommentId(seq),
            seq=seq,
            parent=wish.parent,
            root=CommentId(seq) if parent is None else parent.root,
            author=write.author,
            body=wish.body,
            rich=wish.rich,
            created_ms=write.now_ms,
            edited_ms=None,
            state=CommentState.VISIBLE if hold is None else CommentState.HELD,
            was_public=hold is None,
            pinned=False,
            reactions=None,
            depth=0 if parent is None else parent.depth + 1,
            hold=hold,
            due_ms=_due_ms(write, hold, wish.judgement),
        )
        posted = (write.room, write.author.id)
        last_ms = self.state.last_post_ms.get(posted, write.now_ms)
        self.state.last_post_ms[posted] = max(last_ms, write.now_ms)
        self.inserted.append(Inserted(write.room, comment.id, write))
        return self._numbered(write.room, comment, visible=_is_visible(comment))

    def _why_held(self, write: Write, room: Room, judgement: Judgement) -> str | None:
        """Why new words wait, for a moderator or a bot; None if they don't."""
        if write.is_staff:
            return None
        if judgement.hold is not None:
            return judgement.hold
        if room.premoderate:
            return PREMODERATION
        shown = self.state.shown.get(write.author.id, 0)
        if shown < judgement.first:
            return f"new author: {shown} of {judgement.first} comments were shown"
        return AWAITS_JUDGEMENT if judgement.judge_s else None

    def _parent(self, write: Write, room: Room, id: CommentId) -> Comment:
        """The comment that is replied to, if it may be."""
        parent = self._target(write, id)
        # Below what the public never saw, even staff's reply would hang in the air.
        is_shown = parent.state is CommentState.VISIBLE
        if not is_shown and not (write.is_staff and parent.was_public):
            raise NotFound("The comment you reply to is no longer there.", field="parent")
        if write.is_staff:
            return parent
        if self.state.comments[CommentKey(write.room, parent.root)].locked:
            raise RoomClosed("This thread is closed to replies.", field="parent")
        if room.max_depth is not None and parent.depth >= room.max_depth:
            raise Rejected("Replies go no deeper here.", field="parent")
        return parent

    def _edit(self, write: Write, wish: EditComment) -> Committed:
        comment = self._target(write, wish.comment)
        if comment.author.id != write.author.id:
            raise Forbidden("Only its author can edit a comment.", field="comment")
        if comment.state in GONE:
            raise NotFound(field="comment")
        room = self._open_room(write)
        window_s = wish.window_s if room.edit_window_s is None else room.edit_window_s
        if write.now_ms - comment.created_ms > window_s * 1000 and not write.is_staff:
            raise Forbidden("It is too late to edit this comment.", field="comment")
        edited = replace(comment, body=wish.body, rich=wish.rich, edited_ms=write.now_ms)
        is_shown = comment.state is CommentState.VISIBLE
        if is_shown or comment.due_ms is not None:
            why = self._why_held(write, room, wish.judgement)
        elif comment.state is CommentState.HELD and not write.is_staff:
            why = wish.judgement.hold  # whatever else it waits for, it does already
        else:
            why = None
        if why is None:
            return self._changed(write.room, edited)
        due_ms = _due_ms(write, why, wish.judgement)
        held = replace(edited, state=CommentState.HELD, hold=why, due_ms=due_ms)
        return self._changed(write.room, held, visible=-_is_visible(comment))

    def _delete(self, write: Write, id: CommentId) -> Committed:
        comment = self._target(write, id)
        if comment.author.id != write.author.id:
            raise Forbidden("Only its author can delete a comment.", field="comment")
        if comment.state in GONE:
            raise NotFound(field="comment")
        return self._changed(
            write.room, emptied(comment, CommentState.DELETED), visible=-_is_visible(comment)
        )

    def _react(self, write: Write, wish: SetReaction) -> Committed:
        comment = self._visible_target(write, wish.comment)
        if self.state.rooms[write.room].state == "read_only" and not write.is_staff:
            raise RoomClosed
        key = ReactionKey(write.room, wish.comment, write.author.id, wish.reaction)
        if (key in self.state.reactions) == wish.on or (wish.shadowed and wish.on):
            return Committed(self.state.rooms[write.room], comment.last_seq, comment, None)
        counts = from_json(comment.reactions) if comment.reactions else {}
        count = counts.pop(wish.reaction, 0) + (1 if wish.on else -1)
        if count > 0:
            counts[wish.reaction] = count
        (self.state.reactions.add if wish.on else self.state.reactions.discard)(key)
        gained, lost = self.reactions_on, self.reactions_off
        if not wish.on:
            gained, lost = lost, gained
        if key in lost:
            lost.discard(key)
        else:
            gained.add(key)
        reacted = replace(
            comment,
            reactions=to_json(dict(sorted(counts.items()))).decode() if counts else None,
            reacted_seq=self.state.rooms[write.room].seq + 1,
            score=score_of(counts, wish.against),
        )
        return self._numbered(write.room, reacted, visible=0)

    def _report(self, write: Write, wish: ReportComment) -> Committed:
        """Count a reader's first report of the comment; so many hold it."""
        comment = self._visible_target(write, wish.comment)
        room, key = self.state.rooms[write.room], CommentKey(write.room, comment.id)
        if wish.shadowed:
            return Committed(room, comment.last_seq, None, None)
        self.reports.append(write)
        report = ReportKey(*key, write.author.id)
        if report in self.state.reported:
            return Committed(room, comment.last_seq, None, None)
        self.state.reported.add(report)
        reported = replace(comment, reports=comment.reports + 1)
        if wish.hold_at and reported.reports >= wish.hold_at:
            why = f"reported by {reported.reports}"
            held = replace(reported, state=CommentState.HELD, hold=why)
            return replace(self._changed(write.room, held, visible=-1), comment=None)
        self.state.comments[key] = reported
        self.updated.add(key)
        return Committed(room, comment.last_seq, None, None, reported=reported)

    def _moderate(self, write: Write, wish: ModerateComment) -> Committed:
        comment = self._target(write, wish.comment)
        if wish.seq is not None and comment.seq > wish.seq:
            raise Conflict("The comment has changed since.", field="seq")
        key = CommentKey(write.room, comment.id)
        was = self.state.removed.get(key)
        changed = decided(comment, was, wish.action, wish.reason)
        if changed == comment and was is None:
            return Committed(self.state.rooms[write.room], comment.last_seq, comment, None)
        if was is not None:
            self._forget_removed(key)
        elif wish.action == "reject":
            self.state.removed[key] = comment
            self.removed_on.add(key)
        detail = difference(comment, changed)
        act = self._note(write, wish.action, wish.reason, detail, comment, comment.author.id)
        visible = _is_visible(changed) - _is_visible(comment)
        return replace(self._changed(write.room, changed, visible=visible), act=act)

    def _forget_removed(self, key: CommentKey) -> None:
        del self.state.removed[key]
        if key in self.removed_on:
            self.removed_on.discard(key)
        else:
            self.removed_off.add(key)

    def _configure(self, write: Write, wish: ConfigureRoom) -> Committed:
        room = self.state.rooms[write.room]
        changed = replace(
            room,
            premoderate=room.premoderate if wish.premoderate is None else wish.premoderate,
            title=room.title if wish.title is None else wish.title or None,
            own=_ruled(room.own, wish),
        )
        if changed == room:
            return Committed(room, room.seq, None, None)
        act = self._note(write, "configure", wish.reason, difference(room, changed))
        if changed.name == site_room_of(changed.name):
            for name, other in self.state.rooms.items():
                if site_room_of(name) == changed.name:
                    self.state.rooms[name] = replace(other, site=changed.own)
            changed = replace(changed, site=RoomRules())
        return replace(self._told(changed), act=act)

    def _told(self, room: Room) -> Committed:
        """Give a room its next seq, for its followers to hear how it now is."""
        room = replace(room, seq=room.seq + 1, config_seq=room.seq + 1)
        self.state.rooms[room.name] = room
        self.rooms.add(room.name)
        return Committed(room, room.seq, None, Change(room.seq, None, room))

    def _restrict(self, write: Write, wish: RestrictPerson) -> Committed:
        comment = None if wish.comment is None else self._target(write, wish.comment)
        person = wish.person if comment is None else comment.author.id
        if not person or person == write.author.id:
            raise BadFrame("Name somebody else.", field="author")
        if person in wish.spared:
            raise Forbidden("They are staff of this site, too.", field="author")
        detail = to_json({"until_ms": wish.until_ms}).decode() if wish.until_ms else None
        act = self._note(write, wish.action, wish.reason, detail, comment, person)
        self.decrees.append(Decree(write, person))
        room = self.state.rooms[write.room]
        return Committed(room, room.seq, None, None, act=act)

    def _note(
        self,
        write: Write,
        action: str,
        reason: str | None,
        detail: str | None,
        comment: Comment | None = None,
        person: str | None = None,
    ) -> Act:
        """Put an act into the audit log."""
        id = None if comment is None else comment.id
        act = Act(write.room, id, person, write.author, action, reason, detail, write.now_ms)
        self.acts.append(act)
        return act

    def _open_room(self, write: Write) -> Room:
        room = self.state.rooms[write.room]
        if room.state != "open" and not write.is_staff:
            raise RoomClosed
        return room

    def _hold_off(self, write: Write, slow_mode_s: int) -> None:
        last = self.state.last_post_ms.get((write.room, write.author.id))
        wait = 0 if last is None else last + slow_mode_s * 1000 - write.now_ms
        if 0 < wait <= slow_mode_s * 1000:  # more than that: the clock was set back
            raise HeldOff(retry_after_ms=wait)

    def _target(self, write: Write, id: CommentId) -> Comment:
        comment = self.state.comments.get(CommentKey(write.room, id))
        is_own = comment is not None and comment.author.id == write.author.id
        if comment is None or (not comment.was_public and not is_own and not write.is_staff):
            field_name = "parent" if isinstance(write.wish, PostComment) else "comment"
            raise NotFound(field=field_name)
        return comment

    def _visible_target(self, write: Write, id: CommentId) -> Comment:
        comment = self._target(write, id)
        if comment.state is not CommentState.VISIBLE:
            raise NotFound(field="comment")
        return comment

    def _changed(self, name: RoomName, comment: Comment, *, visible: int = 0) -> Committed:
        """Give the changed comment the room's next seq; its reactions come with it."""
        comment = replace(comment, seq=self.state.rooms[name].seq + 1, reacted_seq=None)
        return self._numbered(name, comment, visible)

    def _numbered(self, name: RoomName, comment: Comment, visible: int) -> Committed:
        """Note a comment that has the room's next seq."""
        room = self.state.rooms[name].advanced(visible)
        key = CommentKey(name, comment.id)
        self.state.rooms[name] = room
        self.state.comments[key] = comment
        self.rooms.add(name)
        self.updated.add(key)
        return Committed(room, room.seq, comment, Change(room.seq, comment, room))


def plan(state: BatchState, writes: Sequence[Write]) -> Plan:
    """Decide the writes in order; a refused one changes nothing and takes no seq."""
    made = Plan(state)
    for write in writes:
        made.outcomes.append(made.decide(write))
    return made


def _ruled(own: RoomRules, wish: ConfigureRoom) -> RoomRules:
    return RoomRules(
        own.state if wish.state is None else None if wish.state == "site" else wish.state,
        _bound(wish.slow_mode_s, own.slow_mode_s),
        _bound(wish.max_depth, own.max_depth),
        _bound(wish.edit_window_s, own.edit_window_s),
    )


def _bound(wanted: int | None, present: int | None) -> int | None:
    """A bound after a wish for it: None leaves it, -1 takes it away."""
    if wanted is None:
        return present
    return None if wanted < 0 else wanted


def _due_ms(write: Write, hold: str | None, judgement: Judgement) -> int | None:
    """Until when a bot may look; None for what waits for a moderator, or not at all."""
    return write.now_ms + judgement.judge_s * 1000 if hold == AWAITS_JUDGEMENT else None


def _is_visible(comment: Comment) -> int:
    return int(comment.state is CommentState.VISIBLE)
