"""What a client says and hears over any number of connections, without I/O.

Text goes in by :meth:`Conversation.receive_text`, text to send comes out of ``data_to_send``, what
it means out of the events that ``receive_text`` returns. Questions stay until they are answered:
after a lost connection they are asked again, writes with their nonce, so that each has one effect.
Nothing but ``hello`` is sent before ``welcome``: a new guest who got no answer is nobody yet, and
has not posted anything under an identity that can't be taken up again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar

from pydantic import ValidationError

from livethread.protocol import commands, frames
from livethread.protocol.codec import bad_frame, decode_frame, encode
from livethread.protocol.errors import ErrorCode, LivethreadError, error_for
from livethread_client.following import Following, Step

VERSION = 1

C = TypeVar("C", bound=commands.Command)

Question = commands.InRoom
Answer = frames.Ack | frames.PageReply


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The server knows who speaks; everything unanswered is on its way again."""

    welcome: frames.Welcome


@dataclass(frozen=True, slots=True)
class NotWelcome:
    """``hello`` was refused; the server closes now."""

    error: LivethreadError


@dataclass(frozen=True, slots=True)
class Answered:
    ref: str
    answer: Answer | LivethreadError


@dataclass(frozen=True, slots=True)
class Advanced:
    """A room has steps for its consumer; also the sign that it is joined."""

    room: str
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class NotJoined:
    room: str
    error: LivethreadError


@dataclass(frozen=True, slots=True)
class Noticed:
    """The server is about to go; come back within this window, ms."""

    window_ms: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class CameUp:
    """Something came up for moderators."""

    frame: frames.Queued


@dataclass(frozen=True, slots=True)
class Readers:
    room: str
    count: int
    writing: int


@dataclass(frozen=True, slots=True)
class Complained:
    """An error that answers no command: what a close code may need to be understood."""

    error: LivethreadError


Event = (
    Welcomed
    | NotWelcome
    | Answered
    | Advanced
    | NotJoined
    | Noticed
    | CameUp
    | Readers
    | Complained
)


class _Phase(Enum):
    OFFLINE = auto()
    GREETING = auto()
    OPEN = auto()


class Conversation:
    """One identity, its rooms and its open questions.

    ``token`` is a bot's, a reader's or a guest's; ``guest`` the name of a guest to become where
    there is no token or it has expired. Neither: an anonymous reader.
    """

    def __init__(self, token: str | None, guest: str | None, client: str) -> None:
        self.token = token
        self.welcome: frames.Welcome | None = None
        self._guest = guest
        self._client = client
        self._phase = _Phase.OFFLINE
        self._rooms: dict[str, Following] = {}
        self._joining: dict[str, str] = {}
        self._asked: dict[str, Question] = {}
        self._refs = 0
        self._is_watching = False
        self._out: list[bytes] = []

    # ── what the shell says ──

    def opened(self) -> None:
        """A connection is there."""
        self._phase = _Phase.GREETING
        guest = None
        if self.token is None and self._guest is not None:
            guest = checked(commands.GuestName, name=self._guest)
        hello = checked(
            commands.Hello, version=VERSION, token=self.token, guest=guest, client=self._client
        )
        self._out = [encode(hello)]

    def lost(self) -> None:
        """It is gone. Rooms keep their cursors and questions stay open."""
        self._phase = _Phase.OFFLINE
        self._out = []
        self._joining = {}
        for following in self._rooms.values():
            following.lost()

    def follow(self, following: Following) -> None:
        self._rooms[following.room] = following
        self._join_all()

    def unfollow(self, room: str) -> None:
        following = self._rooms.pop(room, None)
        if following is not None and self._phase is _Phase.OPEN:
            self._send(commands.Leave(ref=self._ref(), room=room))

    def rejoin(self, room: str) -> None:
        """Ask again for a room whose join was refused for a while, or which was parked."""
        following = self._rooms.get(room)
        if following is not None:
            following.unpark()
            self._join_all()

    def ask(self, question: Question) -> str:
        """Send now and after every reconnect until there is an answer; returns its ref."""
        ref = self._ref()
        question = question.model_copy(update={"ref": ref})
        self._asked[ref] = question
        if self._phase is _Phase.OPEN:
            self._send(question)
        return ref

    def forget(self, ref: str) -> None:
        """Nobody waits for this answer any more."""
        self._asked.pop(ref, None)

    def watch(self) -> None:
        """Ask to be told what comes up for moderators, now and after every reconnect."""
        self._is_watching = True
        if self._phase is _Phase.OPEN:
            self._send(commands.Watch(on=True, held=True))

    def tell_writing(self, room: str, *, on: bool) -> None:
        """Say that something is being written, or no longer; nothing while not connected."""
        if self._phase is _Phase.OPEN:
            self._send(commands.Writing(room=room, on=on))

    def ping(self) -> None:
        if self._phase is _Phase.OPEN:
            self._send(commands.Ping())

    def data_to_send(self) -> list[bytes]:
        """What has to be sent, in order; empty afterwards."""
        data, self._out = self._out, []
        return data

    @property
    def is_waiting(self) -> bool:
        """True while something asked has no answer yet."""
        return bool(self._asked)

    # ── what the server says ──

    def receive_text(self, data: str | bytes) -> list[Event]:
        """The events of one frame. Raises ``BadFrame`` for what no server may say."""
        frame = decode_frame(data)
        match frame:
            case frames.Changes(room=room):
                return self._changes(room, frame)
            case frames.Heartbeat():
                self.ping()
            case frames.Ack() | frames.PageReply():
                return self._answered(frame.ref, frame)
            case frames.Error():
                return self._error(frame)
            case frames.Joined(ref=ref):
                return self._joined(ref, frame)
            case frames.Reset(room=room):
                following = self._rooms.get(room)
                if following is not None and following.is_joined:
                    following.receive_reset()
                    self._join_all()
            case frames.Welcome():
                return self._welcomed(frame)
            case frames.Notice(reconnect_after_ms=window):
                return [Noticed(window)]
            case frames.Queued():
                return [CameUp(frame)]
            case frames.Presence(room=room, readers=readers, writing=writing):
                return [Readers(room, readers, writing or 0)]
            case _:
                pass  # a pong, or a frame of a newer server
        return []

    def _welcomed(self, welcome: frames.Welcome) -> list[Event]:
        self.welcome = welcome
        if welcome.guest_token is not None:
            self.token = welcome.guest_token
        if self._phase is _Phase.GREETING:
            self._phase = _Phase.OPEN
            self._join_all()
            if self._is_watching:
                self._send(commands.Watch(on=True, held=True))
            for question in self._asked.values():
                self._send(question)
        return [Welcomed(welcome)]

    def _joined(self, ref: str | None, frame: frames.Joined) -> list[Event]:
        room = self._joining.pop(ref or "", None)
        following = self._rooms.get(room or "")
        if room is None or following is None:
            return []  # left meanwhile, or joined anew
        steps = following.receive_joined(frame, may_replay=self._may_replay)
        self._join_all()
        return [Advanced(room, steps)] if following.is_joined else []

    def _changes(self, room: str, frame: frames.Changes) -> list[Event]:
        following = self._rooms.get(room)
        if following is None:
            return []
        steps = following.receive_changes(frame)
        self._join_all()
        return [Advanced(room, steps)] if steps else []

    def _answered(self, ref: str | None, answer: Answer | LivethreadError) -> list[Event]:
        if ref is None or self._asked.pop(ref, None) is None:
            return []
        return [Answered(ref, answer)]

    def _error(self, frame: frames.Error) -> list[Event]:
        kind = error_for(frame.code)
        error = kind(frame.message, field=frame.field, retry_after_ms=frame.retry_after_ms)
        if self._phase is _Phase.GREETING:
            return self._not_welcome(error)
        if frame.ref is None:
            return [Complained(error)]
        room = self._joining.pop(frame.ref, None)
        if room is not None:
            return [NotJoined(room, error)]
        return self._answered(frame.ref, error)

    def _not_welcome(self, error: LivethreadError) -> list[Event]:
        is_expired = error.code is ErrorCode.TOKEN_EXPIRED
        if is_expired and self._guest is not None and self.token is not None:
            self.token = None  # a guest's year is over: the next hello asks for a new one
            return []
        return [NotWelcome(error)]

    @property
    def _may_replay(self) -> bool:
        return self.welcome is not None and "replay" in (self.welcome.user.scopes or ())

    def _join_all(self) -> None:
        if self._phase is not _Phase.OPEN:
            return
        for following in self._rooms.values():
            if following.wants_join:
                ref = self._ref()
                for old, room in list(self._joining.items()):
                    if room == following.room:
                        del self._joining[old]
                self._joining[ref] = following.room
                self._send(following.join(ref))

    def _send(self, command: commands.Command) -> None:
        self._out.append(encode(command))

    def _ref(self) -> str:
        self._refs += 1
        return f"c{self._refs}"


def checked(kind: type[C], **fields: object) -> C:
    """A command of these fields. Raises ``BadFrame`` naming the field that is wrong."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise bad_frame(error) from error
