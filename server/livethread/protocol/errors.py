"""Everything that can go wrong, each with the code that crosses the wire.

One tree under :class:`LivethreadError`. An error carries its facts as attributes; the sentence for
people is made from them. ``retryable`` says whether the same command may succeed unchanged later.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    """The ``code`` of an ``error`` frame and of an HTTP problem document."""

    BAD_JSON = "bad_json"
    BAD_FRAME = "bad_frame"
    UNKNOWN_TYPE = "unknown_type"
    TOO_LARGE = "too_large"
    UNAUTHORIZED = "unauthorized"
    TOKEN_EXPIRED = "token_expired"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    CLOSED = "closed"
    HELD_OFF = "held_off"
    RATE_LIMITED = "rate_limited"
    BANNED = "banned"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class CloseCode(IntEnum):
    """Why the server closed a socket. 4000–4499: come back with your cursor; 4500–4999: do not."""

    NORMAL = 1000
    GOING_AWAY = 1001
    TOO_BIG = 1009
    RESTART = 1012
    OVERLOAD = 1013
    DRAINING = 4001
    TOO_SLOW = 4002
    SILENT = 4003
    TOKEN_EXPIRED = 4004
    BAD_TOKEN = 4500
    PROTOCOL_ERROR = 4501
    NO_HELLO = 4502
    BANNED = 4503
    TOO_MANY_CONNECTIONS = 4504
    VERSION = 4505
    FLOOD = 4506

    @property
    def is_final(self) -> bool:
        """True if a client must not come back as it is."""
        return 4500 <= self <= 4999

    @property
    def meaning(self) -> str:
        """What happened, and what helps, in a sentence for authors of clients."""
        return _MEANINGS[self]


_MEANINGS = {
    CloseCode.NORMAL: "The connection has done its work.",
    CloseCode.GOING_AWAY: "The other end is leaving.",
    CloseCode.TOO_BIG: "A frame, or the number of its fragments, is beyond the server's limit.",
    CloseCode.RESTART: "The server restarts; a `notice` said when to come back.",
    CloseCode.OVERLOAD: "The server can't serve this connection right now.",
    CloseCode.DRAINING: "The server hands its connections over to another.",
    CloseCode.TOO_SLOW: "The client didn't read what was sent to it.",
    CloseCode.SILENT: "Nothing was heard of the client for too long: no `hello`, or no heartbeat's"
    " answer.",
    CloseCode.TOKEN_EXPIRED: "The token has expired: get a new one first, or none.",
    CloseCode.BAD_TOKEN: "The `hello` was refused; the `error` before says why.",
    CloseCode.PROTOCOL_ERROR: "A binary frame, or a second `hello`.",
    CloseCode.NO_HELLO: "The first frame was no `hello`.",
    CloseCode.BANNED: "This identity may not connect.",
    CloseCode.TOO_MANY_CONNECTIONS: "This identity has too many connections: close one.",
    CloseCode.VERSION: "The server doesn't speak that version of the protocol.",
    CloseCode.FLOOD: "Too many commands in a row were refused.",
}


class LivethreadError(Exception):
    """A refusal or failure with a code; the only kind of exception that becomes an ``error`` frame.

    ``retry_after_ms`` is the wait, in milliseconds, after which trying again makes sense;
    ``field`` names the command's field at fault; ``ref`` is the command's own, once known.
    """

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL
    retryable: ClassVar[bool] = False
    sentence: ClassVar[str] = "Something went wrong on the server."

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message or self.sentence
        self.field = field
        self.retry_after_ms = retry_after_ms
        self.ref: str | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class BadJson(LivethreadError):
    """What came is no JSON object, or nested more than eight deep."""

    code = ErrorCode.BAD_JSON
    sentence = "That is not a JSON object."


class BadFrame(LivethreadError):
    """A field is missing or has a value it can't have; `field` names it."""

    code = ErrorCode.BAD_FRAME
    sentence = "A field is missing, or has a value it can't have."


class UnknownType(LivethreadError):
    """The server knows no such command; it may be older than the client."""

    code = ErrorCode.UNKNOWN_TYPE
    sentence = "This server does not know that type of frame."


class TooLarge(LivethreadError):
    """Too many bytes, characters, rooms or unanswered commands."""

    code = ErrorCode.TOO_LARGE
    sentence = "That is more than this server takes at once."


class Unauthorized(LivethreadError):
    """The token is not valid, or there is none where one is needed."""

    code = ErrorCode.UNAUTHORIZED
    sentence = "Say who you are first."


class TokenExpired(LivethreadError):
    """The token was good once; get a new one."""

    code = ErrorCode.TOKEN_EXPIRED
    sentence = "Your sign-in has expired. Sign in again."


class Forbidden(LivethreadError):
    """This identity may not do this, or no longer."""

    code = ErrorCode.FORBIDDEN
    sentence = "You may not do that here."


class NotFound(LivethreadError):
    """The comment is not there, or not for this reader; `field` says which."""

    code = ErrorCode.NOT_FOUND
    sentence = "There is no such comment."


class Conflict(LivethreadError):
    """The nonce was used before for something else: make a new one for a new command.

    Or, with the field `seq`, the comment has changed since it was judged: look at it again.
    """

    code = ErrorCode.CONFLICT
    sentence = "This nonce was used for something else."


class RoomClosed(LivethreadError):
    """The room is closed to all but staff."""

    code = ErrorCode.CLOSED
    sentence = "Comments are closed."


class HeldOff(LivethreadError):
    """Slow mode: too soon after this reader's last comment in the room; see `retry_after_ms`."""

    code = ErrorCode.HELD_OFF
    retryable = True
    sentence = "This room is in slow mode. Wait a moment before the next comment."


class RateLimited(LivethreadError):
    """Too many commands or writes; the connection stays, see `retry_after_ms`."""

    code = ErrorCode.RATE_LIMITED
    retryable = True
    sentence = "That was a lot at once. Wait a moment."


class Banned(LivethreadError):
    """This identity may not write any more."""

    code = ErrorCode.BANNED
    sentence = "You can't comment here."


class Rejected(LivethreadError):
    """A rule of the site refuses the content of `field`."""

    code = ErrorCode.REJECTED
    sentence = "This text can't be posted."


class Unavailable(LivethreadError):
    """The server can't read or save right now; retry with the same nonce."""

    code = ErrorCode.UNAVAILABLE
    retryable = True
    sentence = "The server can't save comments right now. Try again in a moment."


class Internal(LivethreadError):
    """A fault of the server; retry with the same nonce, and not for ever."""

    code = ErrorCode.INTERNAL
    retryable = True


def error_for(code: str) -> type[LivethreadError]:
    """The class of an error code received from a server; unknown codes are ``internal``."""
    for kind in LivethreadError.__subclasses__():
        if kind.code == code:
            return kind
    return Internal
