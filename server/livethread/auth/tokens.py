"""Bearer tokens: signed ones for guests, random ones for bots, kept only as a digest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from livethread.auth.identity import ANONYMOUS, Identity
from livethread.model import BotToken, Role
from livethread.protocol.errors import Rejected, TokenExpired, Unauthorized
from livethread.protocol.lookalikes import skeleton
from livethread.store.base import BotStore

BOT_PREFIX = "ltb_"
_ISSUER = "livethread"
_AUDIENCE = "livethread:guest"
_ALGORITHM = "HS256"

RESERVED_NAMES = ("admin", "administrator", "moderator", "mod", "staff", "livethread", "system")


def new_bot(name: str, scopes: frozenset[str], rooms: str, now_ms: int) -> tuple[BotToken, str]:
    """A bot and its token, which is not kept anywhere: 256 random bits need no slow hash."""
    id = secrets.token_hex(4)
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    token = f"{BOT_PREFIX}{id}_{secret}"
    return BotToken(id, name, _digest(token), scopes, rooms, now_ms), token


class Authenticator:
    """Turns tokens and guest names into identities.

    ``clock_ms`` is wall time in ms since the Unix epoch.
    """

    def __init__(
        self,
        bots: BotStore,
        secret: bytes,
        clock_ms: Callable[[], int],
        *,
        guests: bool,
        guest_token_days: int,
        reserved_names: tuple[str, ...] = (),
    ) -> None:
        self._bots = bots
        self._key = OctKey.import_key(secret)
        self._clock_ms = clock_ms
        self._guests = guests
        self._guest_token_s = guest_token_days * 86_400
        self._reserved = frozenset(map(skeleton, (*RESERVED_NAMES, *reserved_names)))

    async def by_token(self, token: str | None) -> Identity:
        """Whose token it is; without one, the anonymous reader.

        Raises ``Unauthorized``, ``TokenExpired``, and ``Unavailable`` if the Store can't tell.
        """
        if token is None:
            return ANONYMOUS
        if token.startswith(BOT_PREFIX):
            return await self._bot(token)
        return self._guest(token)

    async def new_guest(self, name: str) -> tuple[Identity, str]:
        """A new guest of that name and the token to come back with.

        Raises ``Unauthorized`` where guests aren't allowed, ``Rejected`` for a name that could be
        taken for the staff's or a bot's.
        """
        if not self._guests:
            raise Unauthorized("Guests can't comment here.")
        look = skeleton(name)
        bots = {skeleton(bot.name) for bot in await self._bots.bots()}
        if not look or look in self._reserved or look in bots:
            raise Rejected("Choose another name, please.", field="guest.name")
        now_s = self._clock_ms() // 1000
        claims: dict[str, Any] = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": f"g:{secrets.token_hex(8)}",
            "name": name,
            "iat": now_s,
            "exp": now_s + self._guest_token_s,
        }
        token = jwt.encode({"alg": _ALGORITHM}, claims, self._key, algorithms=[_ALGORITHM])
        return _guest_of(claims), token

    def _guest(self, token: str) -> Identity:
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError) as error:
            raise Unauthorized("This sign-in is not valid here.") from error
        if claims.get("iss") != _ISSUER or claims.get("aud") != _AUDIENCE:
            raise Unauthorized("This sign-in is not valid here.")
        if claims["exp"] * 1000 <= self._clock_ms():
            raise TokenExpired
        return _guest_of(claims)

    async def _bot(self, token: str) -> Identity:
        id, _, secret = token.removeprefix(BOT_PREFIX).partition("_")
        bot = await self._bots.bot(id) if secret else None
        if bot is None or bot.is_revoked or not hmac.compare_digest(bot.digest, _digest(token)):
            raise Unauthorized("This bot's token is not valid.")
        return Identity(f"b:{bot.id}", bot.name, Role.BOT, scopes=bot.scopes, rooms=bot.rooms)


def _guest_of(claims: dict[str, Any]) -> Identity:
    return Identity(claims["sub"], claims["name"], Role.GUEST, expires_ms=int(claims["exp"]) * 1000)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
