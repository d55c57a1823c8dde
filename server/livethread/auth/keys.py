"""Keys that issuers sign with: what is fit for an algorithm, and sets fetched from an address."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Any

import structlog
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from pydantic_core import from_json

from livethread.site import Algorithm

log = structlog.get_logger(__name__)

Key = OctKey | RSAKey | ECKey | OKPKey
ALGORITHMS: Mapping[Algorithm, tuple[str, ...]] = MappingProxyType(
    {
        "HS256": ("HS256",),
        "RS256": ("RS256",),
        "ES256": ("ES256",),
        "EdDSA": ("EdDSA", "Ed25519"),  # one algorithm, by its names of RFC 8037 and RFC 9864
    }
)
"""What a token's header may call each."""
_KINDS: Mapping[Algorithm, type[Key]] = MappingProxyType(
    {"HS256": OctKey, "RS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey}
)
_CURVES: Mapping[Algorithm, str] = MappingProxyType({"ES256": "P-256", "EdDSA": "Ed25519"})
MIN_SECRET_BYTES = 32
MIN_RSA_BITS = 2048

MAX_KEYS = 32
REFRESH_S = 300.0
RETRY_S = 30.0
MAX_AGE_S = 86_400.0


def load_key(algorithm: Algorithm, material: Mapping[str, Any] | bytes) -> Key:
    """A key to verify with, of a JWK or of a PEM (a secret, for HS256). Raises ``ValueError``."""
    kind = _KINDS[algorithm]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # its bounds are lower than these
            if isinstance(material, bytes):
                key: Key = kind.import_key(material)
            else:
                key = kind.import_key({**material})
        jwk = key.as_dict(private=algorithm == "HS256")
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"this is no key for {algorithm}") from error
    if jwk.get("kty") != kind.key_type or jwk.get("crv") != _CURVES.get(algorithm):
        raise ValueError(f"this is no key for {algorithm}")
    if isinstance(key, OctKey) and len(key.raw_value) < MIN_SECRET_BYTES:
        raise ValueError(f"a secret of fewer than {MIN_SECRET_BYTES} bytes could be guessed")
    if isinstance(key, RSAKey) and key.raw_value.key_size < MIN_RSA_BITS:
        raise ValueError(f"an RSA key of fewer than {MIN_RSA_BITS} bits is too weak")
    return kind.import_key(jwk)


def load_key_set(algorithm: Algorithm, data: bytes) -> list[Key]:
    """The keys of a JWK Set (RFC 7517) that are fit for the algorithm; at most 32.

    Raises ``ValueError`` if it is no key set.
    """
    found = from_json(data)
    listed = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise ValueError("this is no JWK Set")
    keys = []
    for jwk in listed[:MAX_KEYS]:
        if isinstance(jwk, dict) and _is_for(algorithm, jwk):
            try:
                keys.append(load_key(algorithm, jwk))
            except ValueError:
                continue
    return keys


def _is_for(algorithm: Algorithm, jwk: Mapping[str, Any]) -> bool:
    operations = jwk.get("key_ops")
    return (
        jwk.get("kty") == _KINDS[algorithm].key_type
        and jwk.get("use") in (None, "sig")
        and jwk.get("alg") in (None, *ALGORITHMS[algorithm])
        and (not isinstance(operations, list) or "verify" in operations)
    )


@dataclass(slots=True)
class _Fetched:
    keys: Sequence[Key] = ()
    at: float = -inf
    tried_at: float = -inf
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class KeySets:
    """Key sets by issuer, fetched when a token needs one. ``clock`` is monotonic, s.

    Again after 5 minutes, or for a key id that isn't in it, but no oftener than each 30 s, whatever
    tokens come. One that can't be fetched any more counts for a day.
    """

    def __init__(
        self, fetch: Callable[[str], Awaitable[bytes]], clock: Callable[[], float]
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._sets: dict[tuple[str, str, str], _Fetched] = {}

    async def get(
        self, site: str, issuer: str, url: str, algorithm: Algorithm, kid: str | None
    ) -> Sequence[Key]:
        known = self._sets.setdefault((site, issuer, url), _Fetched())
        if self._is_due(known, kid):
            async with known.turn:
                if self._is_due(known, kid):  # else who was before has done it
                    await self._refresh(known, url, algorithm)
        return known.keys if self._clock() - known.at <= MAX_AGE_S else ()

    def _is_due(self, known: _Fetched, kid: str | None) -> bool:
        now = self._clock()
        if now - known.tried_at < RETRY_S:
            return False
        is_missing = kid is not None and all(key.kid != kid for key in known.keys)
        return now - known.at >= REFRESH_S or is_missing

    async def _refresh(self, known: _Fetched, url: str, algorithm: Algorithm) -> None:
        try:
            known.keys = load_key_set(algorithm, await self._fetch(url))
            known.at = self._clock()
        except (OSError, ValueError) as error:
            log.warning("keys_not_fetched", reason=type(error).__name__)
        known.tried_at = self._clock()
