"""Why a connection could not be made or was lost, and whether to come back."""

from __future__ import annotations

from dataclasses import dataclass
from ssl import SSLCertVerificationError

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    WebSocketException,
)

from livethread.protocol.errors import (
    BadFrame,
    Banned,
    CloseCode,
    ErrorCode,
    Forbidden,
    LivethreadError,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthorized,
    Unavailable,
)

_FINAL: dict[int, tuple[type[LivethreadError], str]] = {
    CloseCode.BAD_TOKEN: (Unauthorized, "The server does not know this token."),
    CloseCode.PROTOCOL_ERROR: (BadFrame, "The server did not understand this client."),
    CloseCode.NO_HELLO: (BadFrame, "The server missed this client's hello."),
    CloseCode.BANNED: (Banned, "You have been banned here."),
    CloseCode.TOO_MANY_CONNECTIONS: (TooLarge, "Too many connections of one identity."),
    CloseCode.VERSION: (BadFrame, "The server speaks another version of the protocol."),
    CloseCode.FLOOD: (RateLimited, "The server closed a connection that sent too much."),
}
_COME_BACK = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Loss:
    """``is_final``: coming back as we are makes no sense."""

    error: LivethreadError
    is_final: bool = False


def loss_of_closing(closed: ConnectionClosed, said: LivethreadError | None) -> Loss:
    """What a close code means; ``said`` is the error that the server sent before it."""
    if closed.sent is not None and closed.rcvd is None and closed.sent.code == CloseCode.TOO_BIG:
        return Loss(TooLarge("The server sent a frame that is too large."), is_final=True)
    code = CloseCode.GOING_AWAY.value if closed.rcvd is None else closed.rcvd.code
    if 4500 <= code <= 4999:
        reason = closed.rcvd.reason if closed.rcvd is not None else ""
        kind, sentence = _FINAL.get(code, (Forbidden, f"The server closed with {code} {reason}."))
        return Loss(said or kind(sentence), is_final=True)
    is_expired = said is not None and said.code is ErrorCode.TOKEN_EXPIRED
    return Loss(said or Unavailable("The connection was lost."), is_final=is_expired)


def loss_of_opening(url: str, error: OSError | TimeoutError | WebSocketException) -> Loss:
    """What a failed attempt to connect means."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status in _COME_BACK or status >= 500:
            return Loss(Unavailable(f"{url} answered {status}."))
        if status == 403:
            return Loss(Forbidden(f"{url} refuses connections from here."), is_final=True)
        return Loss(NotFound(f"There is no Livethread server at {url} ({status})."), is_final=True)
    if isinstance(error, SSLCertVerificationError):
        text = f"{url}: its certificate can't be verified ({_reason(error)})."
        return Loss(Unavailable(text), is_final=True)
    if isinstance(error, TimeoutError):
        return Loss(Unavailable(f"{url} does not answer."))
    if isinstance(error, OSError):
        return Loss(Unavailable(f"{url} can't be reached ({_reason(error)})."))
    is_final = not isinstance(error, InvalidHandshake)
    return Loss(Unavailable(f"{url}: {error}."), is_final=is_final)


def _reason(error: OSError) -> str:
    """In words; asyncio packs several attempts (IPv6, IPv4) into one nested message."""
    if "Connect call failed" in str(error) or "Connection refused" in str(error):
        return "connection refused"
    return error.strerror or str(error)
