"""Tokens that this server signs itself: for guests, and for whom it signed in."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Callable
from typing import Any, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic_core import to_json

from livethread.auth.identity import Identity
from livethread.model import Role
from livethread.protocol.errors import TokenExpired, Unauthorized
from livethread.site import DEFAULT, Person

ISSUER = "livethread"
_ALGORITHM = "HS256"
Kind = Literal["guest", "reader"]
_ROLES: dict[str, Role] = {"livethread:guest": Role.GUEST, "livethread:reader": Role.READER}


class Signer:
    """Signs and reads them. ``clock_ms`` is wall time in ms since the Unix epoch."""

    def __init__(self, secret: bytes, clock_ms: Callable[[], int]) -> None:
        self._key = OctKey.import_key(secret)
        self._clock_ms = clock_ms

    def new_guest(self, site: str, name: str, for_s: int) -> tuple[Identity, str]:
        """A guest whom nobody was before, and the token to come back with."""
        who = {"sub": f"g:{secrets.token_hex(8)}", "name": name}
        return self._signed("guest", site, who, for_s)

    def reader(self, person: Person, for_s: int) -> tuple[Identity, str]:
        """A reader who was signed in, and the token to come back with."""
        who: dict[str, Any] = {"sub": person.id, "name": person.name}
        if person.avatar is not None:
            who["avatar"] = person.avatar
        if person.since_ms is not None:
            who["since"] = person.since_ms // 1000
        return self._signed("reader", person.site, who, for_s)

    def seal(self, purpose: str, said: dict[str, Any], for_s: int) -> str:
        """What only :meth:`unseal` for the same purpose reads, and only for so long."""
        expires_s = self._clock_ms() // 1000 + for_s
        claims = {**said, "iss": ISSUER, "aud": f"livethread:{purpose}", "exp": expires_s}
        return jwt.encode({"alg": _ALGORITHM}, claims, self._key, algorithms=[_ALGORITHM])

    def unseal(self, purpose: str, token: str) -> dict[str, Any]:
        """Raises ``Unauthorized`` and ``TokenExpired``."""
        claims = self._claims(token)
        if claims.get("aud") != f"livethread:{purpose}":
            raise Unauthorized("This sign-in is not valid here.")
        return claims

    def mark(self, site: str, issuer: str, subject: str) -> str:
        """What is kept of somebody who was erased, for their tokens to be known by.

        Who has the database and not the key can't even try whether it is a certain one.
        """
        return self.derive(f"erased {to_json([site, issuer, subject]).decode()}")

    def derive(self, label: str) -> str:
        """43 characters that nobody can guess, always the same for a label."""
        mac = hmac.digest(self._key.raw_value, f"derived {label}".encode(), "sha256")
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")

    def _signed(
        self, kind: Kind, site: str, who: dict[str, Any], for_s: int
    ) -> tuple[Identity, str]:
        now_s = self._clock_ms() // 1000
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": f"livethread:{kind}",
            **who,
            "iat": now_s,
            "exp": now_s + for_s,
        }
        if site != DEFAULT:
            claims["site"] = site
        token = jwt.encode({"alg": _ALGORITHM}, claims, self._key, algorithms=[_ALGORITHM])
        return self._identity_of(claims), token

    def read(self, token: str) -> Identity:
        """Whose token it is. Raises ``Unauthorized`` and ``TokenExpired``."""
        claims = self._claims(token)
        if claims.get("aud") not in _ROLES:
            raise Unauthorized("This sign-in is not valid here.")
        return self._identity_of(claims)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError) as error:
            raise Unauthorized("This sign-in is not valid here.") from error
        if claims.get("iss") != ISSUER:
            raise Unauthorized("This sign-in is not valid here.")
        if claims["exp"] * 1000 <= self._clock_ms():
            raise TokenExpired
        return claims

    def _identity_of(self, claims: dict[str, Any]) -> Identity:
        role, id, site = _ROLES[claims["aud"]], claims["sub"], claims.get("site", DEFAULT)
        since_s = claims["iat"] if role is Role.GUEST else claims.get("since")
        return Identity(
            id,
            claims["name"],
            role,
            claims.get("avatar"),
            expires_ms=int(claims["exp"]) * 1000,
            site=site,
            granted=None if role is Role.GUEST else role,
            since_ms=None if since_s is None else int(since_s) * 1000,
            mark=self.mark(site, ISSUER, id),
            issued_s=int(claims["iat"]),
        )
