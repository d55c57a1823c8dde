"""What a session wants done: it decides, the shell around it does.

The shell is ``socket.py`` for websockets and ``web/exchange.py`` for a request.
"""

from __future__ import annotations

from typing import Any

from livethread.model import PageRequest, RoomName, Write
from livethread.protocol import commands, frames
from livethread.protocol.cursor import Cursor
from livethread.protocol.errors import CloseCode
from livethread.value import value


@value
class Send:
    frame: frames.Wire | dict[str, Any]


@value
class Close:
    code: CloseCode
    reason: str


@value
class Identify:
    """Find out who it is; then ``Session.identified`` or ``Session.not_identified``."""

    command: commands.Identify


@value
class Submit:
    """Have it committed; then ``Session.answered``."""

    write: Write
    ref: str | None


@value
class Subscribe:
    """Send ``joined`` and what follows; on failure ``Session.not_joined``.

    ``since`` None asks for a snapshot; ``is_replay`` for the whole feed, without a bound.
    """

    room: RoomName
    ref: str | None
    since: Cursor | None
    is_replay: bool
    page: PageRequest


@value
class Unsubscribe:
    room: RoomName


@value
class Writing:
    """Have the others in the room told that one more is writing, or no longer."""

    room: RoomName
    on: bool


@value
class ReadPage:
    """Read it; then ``Session.page_read`` or ``Session.failed``."""

    request: PageRequest
    ref: str | None


@value
class Watch:
    """Have the session's identity told what comes up for moderators, or no longer.

    ``held``: first of what is held already.
    """

    on: bool
    held: bool = False


Effect = Watch | Send | Close | Identify | Submit | Subscribe | Unsubscribe | Writing | ReadPage
