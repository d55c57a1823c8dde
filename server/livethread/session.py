"""The protocol's rules for one connection, without I/O.

Frames go in, effects come out: things to send, to have committed, to subscribe to. The shell
(``socket.py`` for websockets, ``web`` for HTTP) carries them out and feeds the results back. Clock,
limits and the rendering of Markdown are handed in, so every rule can be tested without a socket.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from typing import Any

from livethread.auth.identity import Identity, anonymous
from livethread.auth.limits import Bucket
from livethread.effects import (
    Close,
    Effect,
    Identify,
    ReadPage,
    Send,
    Submit,
    Subscribe,
    Unsubscribe,
    Watch,
    Writing,
)
from livethread.model import (
    Audience,
    CommentId,
    DeleteComment,
    Draft,
    EditComment,
    Outcome,
    Page,
    PageRequest,
    PostComment,
    ReportComment,
    RestrictPerson,
    Role,
    RoomName,
    SetReaction,
    Wish,
    Write,
)
from livethread.protocol import commands, frames
from livethread.protocol.codec import decode_command
from livethread.protocol.cursor import BEGINNING, Cursor
from livethread.protocol.errors import (
    BadFrame,
    CloseCode,
    ErrorCode,
    Forbidden,
    LivethreadError,
    TokenExpired,
    TooLarge,
    Unauthorized,
)
from livethread.rules import SessionRules
from livethread.site import DEFAULT, key_of, name_of
from livethread.views import comment_json, page_json, timestamp
from livethread.wishes import fingerprint, wish_of

VERSION = 1
_REFUSALS = {
    ErrorCode.TOKEN_EXPIRED: CloseCode.TOKEN_EXPIRED,
    ErrorCode.BANNED: CloseCode.BANNED,
}


class Phase(Enum):
    AWAITING_HELLO = auto()
    IDENTIFYING = auto()
    OPEN = auto()
    CLOSED = auto()


class Session:
    """One identity speaking over one connection.

    ``has_origin`` is False for a client that sent no Origin: no browser, so only bots may speak.
    ``site`` is the key of the one it speaks on until it says who it is.
    """

    __slots__ = (
        "_address",
        "_bucket",
        "_has_origin",
        "_in_flight",
        "_is_watching",
        "_pending",
        "_refused_in_a_row",
        "_rooms",
        "_rules",
        "id",
        "identity",
        "phase",
    )

    def __init__(
        self,
        id: str,
        rules: SessionRules,
        address: str,
        *,
        has_origin: bool,
        site: str = DEFAULT,
    ) -> None:
        self.id = id
        self.identity: Identity = anonymous(site)
        self.phase = Phase.AWAITING_HELLO
        self._rules = rules
        self._address = address
        self._has_origin = has_origin
        self._rooms: set[RoomName] = set()
        self._in_flight = 0
        self._is_watching = False
        self._pending: list[commands.Command] = []
        self._refused_in_a_row = 0
        self._bucket = Bucket(rules.command_rate, rules.clock())

    # ── what comes in ──

    def receive_text(self, data: bytes | bytearray | str) -> list[Effect]:
        """The effects of one text frame's payload."""
        if self.phase is Phase.CLOSED:
            return []
        try:
            self._bucket.take(self._rules.clock())
            command = decode_command(data, max_bytes=self._rules.limits.frame_bytes)
            self._refused_in_a_row = 0
        except LivethreadError as error:
            return self._refused(error)
        return self.receive(command)

    def receive(self, command: commands.Command) -> list[Effect]:
        """The effects of one command."""
        if self.phase is Phase.CLOSED:
            return []
        if self.phase is Phase.AWAITING_HELLO:
            if not isinstance(command, commands.Hello):
                return self._close(CloseCode.NO_HELLO, "hello comes first")
            return self._hello(command)
        if self.phase is Phase.IDENTIFYING:
            if len(self._pending) >= self._rules.max_in_flight:
                return [self._error(TooLarge("Wait for an answer first."), _ref(command))]
            self._pending.append(command)
            return []
        try:
            return self._handle(command)
        except LivethreadError as error:
            return [self._error(error, _ref(command))]

    def receive_binary(self) -> list[Effect]:
        return self._close(CloseCode.PROTOCOL_ERROR, "text frames only")

    def receive_control(self) -> list[Effect]:
        """The effects of a ping or pong: none, but they count as commands do."""
        try:
            self._bucket.take(self._rules.clock())
        except LivethreadError:
            return self._count_refusal()
        return []

    # ── results that the shell feeds back ──

    def identified(
        self, identity: Identity, command: commands.Identify, guest_token: str | None = None
    ) -> list[Effect]:
        """The token or the guest's name was good."""
        if self.phase is Phase.CLOSED:
            return []
        if not self._has_origin and identity.role is not Role.BOT:
            error = Unauthorized("Without an Origin header only bots may connect.")
            return self.not_identified(error, command)
        self.phase = Phase.OPEN
        return self._become(identity, guest_token, _ref(command)) + self._resume_pending()

    def not_identified(self, error: LivethreadError, command: commands.Identify) -> list[Effect]:
        """It was not: a first hello ends the connection, a renewal leaves things as they were."""
        if self.phase is Phase.CLOSED:
            return []
        effects: list[Effect] = [self._error(error, _ref(command))]
        if isinstance(command, commands.Hello):
            if error.retryable:
                code = CloseCode.OVERLOAD
            else:
                code = _REFUSALS.get(error.code, CloseCode.BAD_TOKEN)
            return effects + self._close(code, error.code.value)
        self.phase = Phase.OPEN
        # The old token may have ended while the new one was looked at.
        return effects + (self.expire() or self._resume_pending())

    def answered(self, write: Write, ref: str | None, outcome: Outcome) -> list[Effect]:
        """The Store has decided a submitted write."""
        self._in_flight -= 1
        if isinstance(outcome, LivethreadError):
            return [self._error(outcome, ref)]
        ack: dict[str, Any] = {"type": "ack"}
        if ref is not None:
            ack["ref"] = ref
        ack |= {"room": name_of(write.room), "seq": outcome.seq}
        if outcome.comment is not None:
            is_own = outcome.comment.author.id == write.author.id
            audience = self.identity.audience
            ack["comment"] = comment_json(outcome.comment, audience, is_own=is_own)
        if outcome.is_duplicate:
            ack["duplicate"] = True
        return [Send(ack)]

    def not_joined(self, room: RoomName, ref: str | None, error: LivethreadError) -> list[Effect]:
        """A join failed: an older subscription to the room ends, too."""
        self._rooms.discard(room)
        return [Unsubscribe(room), self._error(error, ref)]

    def lost_place(self, room: RoomName) -> list[Effect]:
        """The subscription ended: too far behind."""
        self._rooms.discard(room)
        return [Send(frames.Reset(room=name_of(room), reason="too_far"))]

    def page_read(self, page: Page, ref: str | None) -> list[Effect]:
        self._in_flight -= 1
        reply: dict[str, Any] = {"type": "page"}
        if ref is not None:
            reply["ref"] = ref
        reply |= {"room": name_of(page.room.name), **page_json(page, self.identity.audience)}
        return [Send(reply | {"at": page.room.seq})]

    def failed(self, ref: str | None, error: LivethreadError) -> list[Effect]:
        """Reading a page failed."""
        self._in_flight -= 1
        return [self._error(error, ref)]

    def hello_overdue(self) -> list[Effect]:
        if self.phase is not Phase.AWAITING_HELLO:
            return []
        return self._close(CloseCode.SILENT, "no hello in time")

    def expire(self) -> list[Effect]:
        """Close if the identity's token is no longer valid."""
        expires_ms = self.identity.expires_ms
        if self.phase is not Phase.OPEN or expires_ms is None:
            return []
        if expires_ms > self._rules.clock_ms():
            return []
        return [self._error(TokenExpired(), None), *self._close(CloseCode.TOKEN_EXPIRED, "expired")]

    def reviewed(self, verdict: Identity | LivethreadError) -> list[Effect]:
        """Operators have changed something, and that is how the identity stands now."""
        if self.phase in {Phase.AWAITING_HELLO, Phase.CLOSED} or verdict is self.identity:
            return []
        if isinstance(verdict, LivethreadError):
            code = _REFUSALS.get(verdict.code, CloseCode.BAD_TOKEN)
            return [self._error(verdict, None), *self._close(code, verdict.code.value)]
        return self._become(verdict)

    def follows(self, room: RoomName) -> bool:
        return room in self._rooms

    def key_of(self, room: str) -> RoomName:
        """A room of this session's site, as the Store knows it."""
        return key_of(self.identity.site, room)

    def is_idle(self) -> bool:
        """True if every command has been answered."""
        return not self._in_flight and not self._pending

    def is_full(self) -> bool:
        """True while as many commands are unanswered as one socket may have."""
        return self._in_flight + len(self._pending) >= self._rules.max_in_flight

    def _become(
        self, identity: Identity, guest_token: str | None = None, ref: str | None = None
    ) -> list[Effect]:
        """From now on it is this one; what it may not follow, or sees otherwise, ends."""
        before, self.identity = self.identity, identity
        is_same_view = identity.audience is before.audience and identity.site == before.site
        effects: list[Effect] = [Send(self._welcome(guest_token, ref))]
        for room in sorted(self._rooms):
            if not is_same_view or not identity.may("read", room):
                self._rooms.discard(room)
                reset = frames.Reset(room=name_of(room), reason="identity")
                effects += [Unsubscribe(room), Send(reset)]
        if self._is_watching:
            self._is_watching = identity.audience is Audience.STAFF
            effects.append(Watch(self._is_watching))
        return effects

    # ── the commands ──

    def _handle(self, command: commands.Command) -> list[Effect]:
        match command:
            case commands.Ping(t=t):
                return [Send(frames.Pong(t=t))]
            case commands.Join():
                return self._join(command)
            case commands.Leave(room=name, ref=ref):
                room = self.key_of(name)
                self._rooms.discard(room)
                return [Unsubscribe(room), Send(frames.Left(ref=ref, room=name))]
            case commands.Writing(room=name, on=on):
                room = self.key_of(name)
                return [Writing(room, on)] if room in self._rooms else []
            case commands.Page():
                return self._page(command)
            case commands.Watch(ref=ref, on=on, held=held):
                if on and self.identity.audience is not Audience.STAFF:
                    raise Forbidden("This is for staff, and for bots that see the staff's feed.")
                self._is_watching = on
                return [Watch(on, on and bool(held)), Send(frames.Watching(ref=ref, on=on))]
            case commands.Renew():
                return self._identify(command)
            case commands.Hello():
                return self._close(CloseCode.PROTOCOL_ERROR, "hello comes once")
            case commands.InRoom():
                return self._write(command)
        raise BadFrame

    def _hello(self, command: commands.Hello) -> list[Effect]:
        if command.version != VERSION:
            error = BadFrame(f"This server speaks version {VERSION}.", field="version")
            return [self._error(error, None), *self._close(CloseCode.VERSION, error.message)]
        return self._identify(command)

    def _identify(self, command: commands.Identify) -> list[Effect]:
        if isinstance(command, commands.Hello) and command.token is None and command.guest is None:
            return self.identified(self.identity, command)
        if command.guest is not None:
            try:
                self._rules.address_guests.take(self._address)
            except LivethreadError as error:
                return self.not_identified(error, command)
        self.phase = Phase.IDENTIFYING
        return [Identify(command)]

    def _join(self, command: commands.Join) -> list[Effect]:
        room = self.key_of(command.room)
        self.identity.require("read", room)
        is_replay = command.since == BEGINNING
        if is_replay:
            self.identity.require("replay", room)
        since: Cursor | None = None
        if command.since is not None and not is_replay:
            try:
                since = Cursor.parse(command.since)
            except ValueError as error:
                raise BadFrame(f"since: {error}", field="since") from error
        if room not in self._rooms and len(self._rooms) >= self._rules.limits.subscriptions:
            most = self._rules.limits.subscriptions
            raise TooLarge(f"One connection can follow {most} rooms.", field="room")
        self._rooms.add(room)
        page = self._request(room, command.limit, command.order)
        return [Subscribe(room, command.ref, since, is_replay, page)]

    def _page(self, command: commands.Page) -> list[Effect]:
        room = self.key_of(command.room)
        self.identity.require("read", room)
        self._take_place()
        request = replace(
            self._request(room, command.limit, command.order),
            parent=None if command.parent is None else CommentId(command.parent),
            after=command.after,
            comment=None if command.comment is None else CommentId(command.comment),
            reader=self.identity.id,
        )
        return [ReadPage(request, command.ref)]

    def _request(
        self, room: RoomName, limit: int | None, order: commands.Order | None
    ) -> PageRequest:
        """A first page."""
        return PageRequest(
            room=room,
            limit=limit or self._rules.page_roots,
            order=order or "oldest",
            replies=self._rules.page_replies,
            audience=self.identity.audience,
            max_bytes=self._rules.page_bytes,
        )

    def _write(self, command: commands.InRoom) -> list[Effect]:
        """Authorise and limit one write."""
        scope, wish = wish_of(command, self._rules)
        room = self.key_of(command.room)
        identity, rules = self.identity, self._rules
        identity.require(scope, room)
        if identity.role is Role.BOT:
            rules.bot_posts.take(identity.id)
        elif not identity.is_staff:
            rules.identity_posts.take(identity.id)
            rules.address_posts.take(self._address)
        wish = self._judged(wish, room, command)
        self._take_place()
        write = Write(
            room=room,
            author=identity.author,
            is_staff=identity.is_staff,
            nonce=command.nonce if isinstance(command, commands.Write) else None,
            fingerprint=fingerprint(command),
            now_ms=rules.clock_ms(),
            wish=wish,
        )
        return [Submit(write, command.ref)]

    def _judged(self, wish: Wish, room: RoomName, command: commands.InRoom) -> Wish:
        """The wish with what the filters say of it. Raises ``Rejected`` and ``Banned``."""
        judge, me, now_ms = self._rules.judge, self.identity.id, self._rules.clock_ms()
        if not self.identity.is_staff and not isinstance(wish, DeleteComment):
            judge.admit(room, me, now_ms)
        match wish:
            case RestrictPerson():
                return self.within_power(wish)
            case SetReaction() if judge.is_shadowed(room, me, now_ms):
                return replace(wish, shadowed=True)
            case ReportComment():
                shadowed = judge.is_shadowed(room, me, now_ms)
                return replace(wish, hold_at=judge.hold_at(room), shadowed=shadowed)
            case PostComment() | EditComment():
                judgement = judge.judge(self._draft(wish, room, command, now_ms))
                return wish if judgement == wish.judgement else replace(wish, judgement=judgement)
        return wish

    def within_power(self, wish: RestrictPerson) -> RestrictPerson:
        """The wish with whom this identity can't bar."""
        spared = self._rules.judge.spared(self.identity.site, self.identity.role)
        return replace(wish, spared=spared)

    def _draft(
        self, wish: PostComment | EditComment, room: RoomName, command: commands.InRoom, now_ms: int
    ) -> Draft:
        return Draft(
            room=room,
            author=self.identity.id,
            role=self.identity.role,
            since_ms=self.identity.since_ms,
            body=wish.body,
            trap=wish.trap if isinstance(wish, PostComment) else None,
            nonce=command.nonce if isinstance(command, commands.Write) else None,
            edits=wish.comment if isinstance(wish, EditComment) else None,
            now_ms=now_ms,
        )

    def _take_place(self) -> None:
        if self._in_flight >= self._rules.max_in_flight:
            raise TooLarge("Wait for an answer first.")
        self._in_flight += 1

    # ── answers ──

    def _welcome(self, guest_token: str | None, ref: str | None) -> frames.Welcome:
        identity = self.identity
        return frames.Welcome(
            ref=ref,
            session=self.id,
            user=frames.User(
                id=identity.id,
                name=identity.name,
                role=identity.role.value,
                avatar=identity.avatar,
                scopes=sorted(identity.scopes) if identity.role is Role.BOT else None,
            ),
            guest_token=guest_token,
            expires=None if identity.expires_ms is None else timestamp(identity.expires_ms),
            heartbeat_s=self._rules.heartbeat_s,
            limits=self._rules.limits,
        )

    def _resume_pending(self) -> list[Effect]:
        pending, self._pending = self._pending, []
        effects: list[Effect] = []
        for command in pending:
            effects += self.receive(command)
        return effects

    def _refused(self, error: LivethreadError) -> list[Effect]:
        """An unreadable frame or one too many: answered, and closed only in a flood."""
        if flood := self._count_refusal():
            return flood
        if self.phase is Phase.AWAITING_HELLO:
            code = CloseCode.NO_HELLO
            return [self._error(error, error.ref), *self._close(code, "hello comes first")]
        return [self._error(error, error.ref)]

    def _count_refusal(self) -> list[Effect]:
        self._refused_in_a_row += 1
        if self._refused_in_a_row > self._rules.flood_commands:
            return self._close(CloseCode.FLOOD, "too many refused commands")
        return []

    def _error(self, error: LivethreadError, ref: str | None) -> Send:
        return Send(
            frames.Error(
                ref=ref,
                code=error.code,
                message=error.message,
                retryable=error.retryable,
                retry_after_ms=error.retry_after_ms,
                field=error.field,
            )
        )

    def _close(self, code: CloseCode, reason: str) -> list[Effect]:
        self.phase = Phase.CLOSED
        return [Close(code, reason)]


def _ref(command: commands.Command) -> str | None:
    return command.ref if isinstance(command, commands.Referable) else None
