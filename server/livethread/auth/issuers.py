"""Single sign-on: a site's own tokens (JWT, RFC 7519) say who its readers are.

One algorithm is fixed for each issuer, whatever a token's header says (RFC 8725, section 3.1), its
keys are its own, and a token is only ever tried with the keys of the issuer that it names.
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.util import urlsafe_b64decode
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import from_json

from livethread.auth.identity import Identity
from livethread.auth.keys import ALGORITHMS, Key, KeySets, load_key
from livethread.auth.signing import Signer
from livethread.model import Role
from livethread.protocol.errors import TokenExpired, Unauthorized
from livethread.protocol.text import DisplayName
from livethread.site import Algorithm, Issuer, Person, Site
from livethread.store.base import StandingStore

HEADERS = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})
"""Others name keys, change what is signed, or must be understood: no such token is taken."""
LEEWAY_S = 60
"""How far an issuer's clock may be ahead."""
_INVALID = "This sign-in is not valid here."

Seconds = Annotated[float, Field(ge=0, le=2**43, allow_inf_nan=False)]
Avatar = Annotated[
    str, StringConstraints(max_length=500, pattern=r"^https://[!#-;=?-\[\]_a-z~]+$")
]  # in ASCII, and without what ends an attribute or a CSS url()


class Claims(BaseModel):
    """What a reader's token says. Times are NumericDates, s since 1970."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    iss: str
    sub: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    aud: str | list[str]
    name: DisplayName
    exp: Seconds
    iat: Seconds | None = None
    nbf: Seconds | None = None
    avatar: Avatar | None = None
    role: Literal["reader", "trusted", "moderator", "admin"] = "reader"

    @model_validator(mode="after")
    def _can_be_taken_back(self) -> Claims:
        """A role above a reader's: a newer token must be known for newer."""
        if self.role != "reader" and self.iat is None:
            raise ValueError("a role needs an iat")
        return self


class Unverified(NamedTuple):
    """What a token says of itself before anybody has looked at its signature."""

    header: dict[str, Any]
    issuer: str


def peek(token: str) -> Unverified:
    """A token's header and issuer. Raises ``Unauthorized`` if it is no JWT that could be good."""
    try:
        head, body, _ = token.encode("ascii").split(b".")
        header, claims = (from_json(urlsafe_b64decode(part)) for part in (head, body))
    except ValueError as error:
        raise Unauthorized(_INVALID) from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Unauthorized(_INVALID)
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not header.keys() <= HEADERS:
        raise Unauthorized(_INVALID)
    return Unverified(header, issuer)


class Issuers:
    """Reads the tokens of sites' issuers. ``clock_ms`` is wall time in ms since 1970."""

    def __init__(
        self, store: StandingStore, key_sets: KeySets, signer: Signer, clock_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._key_sets = key_sets
        self._signer = signer
        self._clock_ms = clock_ms

    async def read(self, site: Site, token: str, said: Unverified) -> Identity:
        """Who the issuer says it is, as it said last: a newer ``iat`` refreshes name and role.

        Raises ``Unauthorized``, ``TokenExpired``, and ``Unavailable`` if the Store can't tell.
        """
        issuer = next((one for one in site.issuers if one.name == said.issuer), None)
        if issuer is None or said.header.get("alg") not in ALGORITHMS[issuer.algorithm]:
            raise Unauthorized(_INVALID)
        keys = await self._keys(site, issuer, said.header.get("kid"))
        claims = self._claims(issuer, verified(token, keys, issuer.algorithm))
        mark = self._signer.mark(site.key, issuer.name, claims.sub)
        person = await self._person(site, issuer, claims, mark)
        return Identity(
            person.id,
            person.name,
            person.role,
            person.avatar,
            expires_ms=int(claims.exp * 1000),
            site=site.key,
            credential=issuer.name,
            granted=person.role,
            since_ms=person.since_ms,
            mark=mark,
            issued_s=int(claims.iat or 0),
        )

    async def _keys(self, site: Site, issuer: Issuer, kid: object) -> Sequence[Key]:
        """Those that may have signed it: of its key id, if it has one and they have."""
        wanted = kid if isinstance(kid, str) else None
        if issuer.jwks_url is None:
            keys: Sequence[Key] = _configured(issuer)
        else:
            keys = await self._key_sets.get(
                site.key, issuer.name, issuer.jwks_url, issuer.algorithm, wanted
            )
        return [key for key in keys if wanted is None or key.kid is None or key.kid == wanted]

    def _claims(self, issuer: Issuer, payload: bytes) -> Claims:
        try:
            claims = Claims.model_validate_json(payload)
        except ValidationError as error:
            raise Unauthorized(_INVALID) from error
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if claims.iss != issuer.name or issuer.audience not in audiences:
            raise Unauthorized(_INVALID)
        now_s = self._clock_ms() / 1000
        if claims.exp <= now_s:
            raise TokenExpired
        if max(claims.iat or 0, claims.nbf or 0) > now_s + LEEWAY_S:
            raise Unauthorized(_INVALID)
        return claims

    async def _person(self, site: Site, issuer: Issuer, claims: Claims, mark: str) -> Person:
        person = Person(
            site.key,
            new_person_id(),
            issuer.name,
            claims.sub,
            claims.name,
            claims.avatar,
            Role(claims.role),
            int(claims.iat or 0),
            self._clock_ms(),
        )
        kept = await self._store.person(site.key, issuer.name, claims.sub)
        if kept is None or person.issued_s > kept.issued_s:
            kept = await self._store.remember(person, mark)
        if claims.iat is None:
            return replace(person, id=kept.id, since_ms=kept.since_ms)
        return kept


def new_person_id() -> str:
    """An id as everyone sees it, drawn at random.

    Made of the subject, which may be a mail address, it would tell whoever guesses that right.
    """
    return f"u:{secrets.token_hex(10)}"


@lru_cache(maxsize=256)
def _configured(issuer: Issuer) -> Sequence[Key]:
    return tuple(load_key(issuer.algorithm, from_json(key)) for key in issuer.keys)


def verified(token: str, keys: Sequence[Key], algorithm: Algorithm) -> bytes:
    """The payload, if one of the keys signed it by the algorithm. Raises ``Unauthorized``."""
    algorithms = ALGORITHMS[algorithm]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # that EdDSA has another name now
        for key in keys:
            try:
                signed = jws.deserialize_compact(token, key, algorithms)
            except (JoseError, ValueError):
                continue
            if signed.payload is not None:
                return signed.payload
    raise Unauthorized(_INVALID)
