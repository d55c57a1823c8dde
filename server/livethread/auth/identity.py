"""Who speaks, and what they may do: the same rules for websocket and HTTP, history and live."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from livethread.model import Audience, Author, Role
from livethread.protocol.errors import Forbidden, Unauthorized
from livethread.site import DEFAULT, name_of
from livethread.value import value

Scope = Literal["read", "post", "moderate", "replay", "staff-feed"]
SCOPES: tuple[Scope, ...] = ("read", "post", "moderate", "replay", "staff-feed")

_STAFF = frozenset({Role.MODERATOR, Role.ADMIN})


@value
class Identity:
    """A speaker on a site. ``scopes`` and ``rooms`` (a shell pattern) bound a bot, what and where.

    ``expires_ms`` is when the token stops being valid, ms since the Unix epoch; None: never.
    ``credential`` is what it rests on: the digest of a bot's token, or a reader's issuer. Once the
    site knows it no more, this identity has ended. ``granted`` is the role that the token gave,
    before what was said here; ``since_ms`` is when they first were here, ms since 1970; None if
    that isn't known. ``mark`` is what would be kept of them if they were erased
    (``Signer.mark``), ``issued_s`` when their token was signed, s since 1970; 0: it doesn't say.
    """

    id: str
    name: str
    role: Role
    avatar: str | None = None
    scopes: frozenset[str] = frozenset()
    rooms: str = "*"
    expires_ms: int | None = None
    site: str = DEFAULT
    credential: str = ""
    granted: Role | None = None
    since_ms: int | None = None
    mark: str = ""
    issued_s: int = 0

    @property
    def is_staff(self) -> bool:
        return self.role in _STAFF or (self.role is Role.BOT and "moderate" in self.scopes)

    @property
    def author(self) -> Author:
        badge: Literal["bot", "staff"] | None = None
        if self.role is Role.BOT:
            badge = "bot"
        elif self.role in _STAFF:
            badge = "staff"
        return Author(self.id, self.name, self.avatar, badge)

    @property
    def audience(self) -> Audience:
        sees_all = self.role in _STAFF or "staff-feed" in self.scopes
        return Audience.STAFF if sees_all else Audience.PUBLIC

    def may(self, scope: Scope, room: str) -> bool:
        try:
            self.require(scope, room)
        except (Forbidden, Unauthorized):
            return False
        return True

    def require(self, scope: Scope, room: str) -> None:
        """Return if this identity may in that room of its site, given by its name or its key.

        Raises ``Forbidden`` or ``Unauthorized``.
        """
        if self.role is Role.BOT:
            if scope not in self.scopes or not fnmatchcase(name_of(room), self.rooms):
                raise Forbidden(f"This bot's token does not allow {scope!r} in this room.")
        elif scope == "post":
            if self.role is Role.ANONYMOUS:
                raise Unauthorized("Give a name to comment.")
        elif scope != "read" and self.role not in _STAFF:
            raise Forbidden(f"This is for staff, and for bots whose token has the scope {scope!r}.")


ANONYMOUS = Identity("", "", Role.ANONYMOUS)
"""A reader who has not said who they are."""


def anonymous(site: str) -> Identity:
    return ANONYMOUS if site == DEFAULT else Identity("", "", Role.ANONYMOUS, site=site)
