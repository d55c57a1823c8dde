"""Tokens of issuers: good ones, and all the ways in which one may not be."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from livethread.auth.keys import Key
from livethread.site import Algorithm, Issuer

AUDIENCE = "livethread"
WRONG_CURVE = ECKey.generate_key("P-384")


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass(frozen=True)
class Signing:
    """An issuer's name, algorithm and private keys, the newest last."""

    name: str
    algorithm: Algorithm
    keys: tuple[Key, ...]

    def token(
        self,
        claims: dict[str, Any],
        *,
        key: Key | None = None,
        alg: str | None = None,
        **header: Any,
    ) -> str:
        key = key or self.keys[-1]
        alg = alg or self.algorithm
        given = {"alg": alg} | ({"kid": key.kid} if key.kid else {}) | header
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            return jwt.encode(given, {"iss": self.name, **claims}, key, algorithms=[alg])

    @property
    def public(self) -> tuple[str, ...]:
        is_secret = self.algorithm == "HS256"
        return tuple(json.dumps(key.as_dict(private=is_secret)) for key in self.keys)

    @property
    def issuer(self) -> Issuer:
        return Issuer(self.name, AUDIENCE, self.algorithm, self.public)


@dataclass(frozen=True)
class Issuing:
    """The issuers of one site; two of them call their keys the same."""

    hs: Signing = field(
        default_factory=lambda: Signing(
            "https://hs.example",
            "HS256",
            (OctKey.import_key("s" * 40), OctKey.import_key("t" * 40)),
        )
    )
    rs: Signing = field(
        default_factory=lambda: Signing(
            "https://rs.example", "RS256", (RSAKey.generate_key(2048, {"kid": "k1"}),)
        )
    )
    es: Signing = field(
        default_factory=lambda: Signing(
            "https://es.example", "ES256", (ECKey.generate_key("P-256", {"kid": "k1"}),)
        )
    )
    ed: Signing = field(
        default_factory=lambda: Signing(
            "https://ed.example", "EdDSA", (OKPKey.generate_key("Ed25519", {"kid": "k2"}),)
        )
    )

    @property
    def all(self) -> tuple[Signing, ...]:
        return self.hs, self.rs, self.es, self.ed


def claims(now_s: int, **changed: Any) -> dict[str, Any]:
    """Those of a good token; None leaves one out."""
    all_claims = {
        "sub": "reader-1",
        "aud": AUDIENCE,
        "name": "Mara Lind",
        "iat": now_s,
        "exp": now_s + 600,
        **changed,
    }
    return {name: value for name, value in all_claims.items() if value is not None}


def good(by: Issuing, now_s: int) -> dict[str, str]:
    plain = claims(now_s)
    return {
        **{signing.algorithm: signing.token(plain) for signing in by.all},
        "Ed25519 by its other name": by.ed.token(plain, alg="Ed25519"),
        "the older of two keys": by.hs.token(plain, key=by.hs.keys[0]),
        "no kid": _without_kid(by.rs, plain),
        "one of several audiences": by.es.token(claims(now_s, aud=["x", AUDIENCE])),
        "without iat": by.es.token(claims(now_s, iat=None)),
        "all that may be said": by.es.token(
            claims(now_s, avatar="https://a.example/m.png", role="trusted", nbf=now_s, more=[1])
        ),
    }


def _without_kid(by: Signing, plain: dict[str, Any]) -> str:
    data = {**by.keys[-1].as_dict(private=True)}
    del data["kid"]
    return by.token(plain, key=RSAKey.import_key(data))


def hmac_signed(header: dict[str, Any], body: dict[str, Any], secret: bytes) -> str:
    """By hand: the library refuses to make such tokens."""
    head = f"{part(header)}.{part(body)}"
    return f"{head}.{part(hmac.digest(secret, head.encode(), hashlib.sha256))}"


def bad(by: Issuing, now_s: int) -> dict[str, str]:
    """None of them may be taken."""
    plain = claims(now_s)
    hs, rs, es, ed = by.all
    full = {"iss": hs.name, **plain}
    of_rs = {"iss": rs.name, **plain}
    head, body, signature = hs.token(plain).split(".")
    assert isinstance(rs.keys[0], RSAKey)
    pem = rs.keys[0].as_pem(private=False)
    jwk = rs.keys[0].as_dict(private=False)
    stranger = OctKey.import_key("x" * 40)
    own = ECKey.generate_key("P-256", {"kid": "k1"})
    return {
        # the algorithm
        "none": f"{part({'alg': 'none'})}.{part(full)}.",
        "None": f"{part({'alg': 'None'})}.{part(full)}.",
        "nOnE, signed": f"{part({'alg': 'nOnE'})}.{body}.{signature}",
        "no alg": f"{part({'typ': 'JWT'})}.{body}.{signature}",
        "alg null": f"{part({'alg': None})}.{body}.{signature}",
        "alg a list": f"{part({'alg': ['HS256']})}.{body}.{signature}",
        "HMAC with the public RSA key": hmac_signed({"alg": "HS256", "kid": "k1"}, of_rs, pem),
        "HMAC with the public JWK": hmac_signed(
            {"alg": "HS256", "kid": "k1"}, of_rs, json.dumps(jwk).encode()
        ),
        "HMAC with the modulus": hmac_signed({"alg": "HS256"}, of_rs, str(jwk["n"]).encode()),
        "HMAC with an empty key": hmac_signed({"alg": "HS256"}, full, b""),
        "HMAC with the kid as key": hmac_signed({"alg": "HS256", "kid": "k1"}, of_rs, b"k1"),
        "RS256 for an HS256 issuer": rs.token(full),
        "ES256 for an RS256 issuer": es.token(of_rs),
        "HS512": hs.token(plain, alg="HS512"),
        "RS512": rs.token(plain, alg="RS512"),
        "PS256": rs.token(plain, alg="PS256"),
        "another curve": f"{part({'alg': 'ES256'})}."
        + jwt.encode(
            {"alg": "ES384"}, {"iss": es.name, **plain}, WRONG_CURVE, algorithms=["ES384"]
        ).partition(".")[2],
        # the header
        "crit": hmac_signed({"alg": "HS256", "crit": ["exp"]}, full, b"t" * 40),
        "crit b64": hmac_signed({"alg": "HS256", "crit": ["b64"], "b64": True}, full, b"t" * 40),
        "b64 false": hmac_signed({"alg": "HS256", "b64": False}, full, b"t" * 40),
        "a key of its own": own_key(own, {"iss": es.name, **plain}),
        "the address of a key": hmac_signed(
            {"alg": "HS256", "jku": "https://evil.example/keys"}, full, b"t" * 40
        ),
        "a certificate of its own": hmac_signed({"alg": "HS256", "x5c": ["AA"]}, full, b"t" * 40),
        "a nested token": hmac_signed({"alg": "HS256", "cty": "JWT"}, full, b"t" * 40),
        "kid of nobody": rs.token(plain, kid="k9"),
        "kid a number": f"{part({'alg': 'RS256', 'kid': 1})}." + rs.token(plain).partition(".")[2],
        # whose it is
        "a stranger's key": hs.token(plain, key=stranger),
        "the same kid, of another issuer": es.token({**plain, "iss": rs.name}),
        "another issuer's, same kid, its alg": es.token(
            {**plain, "iss": rs.name}, key=own, alg="ES256"
        ),
        "a key of the same kid": es.token(plain, key=own),
        "an issuer that nobody knows": hs.token({**plain, "iss": "https://evil.example"}),
        "an issuer's name in another case": hs.token({**plain, "iss": hs.name.upper()}),
        "an issuer's name and more": hs.token({**plain, "iss": f"{hs.name}/"}),
        "iss a list": hs.token({**plain, "iss": [hs.name]}),
        "no iss": hmac_signed({"alg": "HS256"}, plain, b"t" * 40),
        "this server's own issuer": hs.token({**plain, "iss": "livethread"}),
        # for whom
        "another audience": hs.token(claims(now_s, aud="shop")),
        "no audience": hs.token(claims(now_s, aud=None)),
        "an empty audience": hs.token(claims(now_s, aud=[])),
        "an audience that begins so": hs.token(claims(now_s, aud="livethread2")),
        "audience an object": hs.token(claims(now_s, aud={"livethread": 1})),
        "audience among numbers": hs.token(claims(now_s, aud=[1, "livethread"])),
        # when
        "expired": hs.token(claims(now_s, exp=now_s - 1)),
        "expired just now": hs.token(claims(now_s, exp=now_s)),
        "no exp": hs.token(claims(now_s, exp=None)),
        "exp a string": hs.token(claims(now_s, exp=str(now_s + 600))),
        "exp true": hs.token(claims(now_s, exp=True)),
        "exp infinite": _raw(full, "exp", "Infinity"),
        "exp 1e400": _raw(full, "exp", "1e400"),
        "exp beyond all calendars": hs.token(claims(now_s, exp=2**60)),
        "not yet": hs.token(claims(now_s, nbf=now_s + 3600)),
        "issued tomorrow": hs.token(claims(now_s, iat=now_s + 86_400, exp=now_s + 90_000)),
        # who
        "no sub": hs.token(claims(now_s, sub=None)),
        "an empty sub": hs.token(claims(now_s, sub="")),
        "sub a number": hs.token(claims(now_s, sub=1)),
        "sub too long": hs.token(claims(now_s, sub="s" * 256)),
        "no name": hs.token(claims(now_s, name=None)),
        "a name of nothing": hs.token(claims(now_s, name="\u200b \u202e")),
        "a name too long": hs.token(claims(now_s, name="m" * 41)),
        "a name with a control": hs.token(claims(now_s, name="Ma\x00ra")),
        "a role that there is not": hs.token(claims(now_s, role="owner")),
        "a role that no newer token could take back": hs.token(
            claims(now_s, iat=None, role="moderator")
        ),
        "the role of a bot": hs.token(claims(now_s, role="bot")),
        "role a list": hs.token(claims(now_s, role=["admin"])),
        "an avatar that is a script": hs.token(claims(now_s, avatar="javascript:alert(1)")),
        "an avatar that breaks out": hs.token(claims(now_s, avatar='https://a.example/"onload=x')),
        "an avatar without TLS": hs.token(claims(now_s, avatar="http://a.example/a.png")),
        # the form
        "no signature": f"{head}.{body}.",
        "signature of zeros": f"{head}.{body}.{part(bytes(32))}",
        "signature cut": f"{head}.{body}.{signature[:-8]}",
        "two parts": f"{head}.{body}",
        "four parts": f"{head}.{body}.{signature}.{signature}",
        "another's body": f"{head}.{part(full | {'sub': 'reader-2'})}.{signature}",
        "no object": hmac_signed({"alg": "HS256"}, [full], b"t" * 40),  # type: ignore[arg-type]
        "header a list": f"{part(['alg'])}.{body}.{signature}",
        "not base64": f"{head}.*{body[1:]}.{signature}",
        "deep": f"{part(b'[' * 300)}.{part(b'[' * 2000)}.AA",
        "ES256 of zeros": f"{part({'alg': 'ES256', 'kid': 'k1'})}."
        f"{part({'iss': es.name, **plain})}.{part(bytes(64))}",
        "EdDSA of zeros": f"{part({'alg': 'EdDSA', 'kid': 'k2'})}."
        f"{part({'iss': ed.name, **plain})}.{part(bytes(64))}",
    }


def own_key(key: ECKey, body: dict[str, Any]) -> str:
    public = key.as_dict(private=False)
    return jwt.encode({"alg": "ES256", "jwk": public}, body, key, algorithms=["ES256"])


def _raw(body: dict[str, Any], name: str, value: str) -> str:
    """A claim written as JSON may be but Python's isn't."""
    text = json.dumps(body | {name: "HERE"}).replace('"HERE"', value).encode()
    head = f"{part({'alg': 'HS256'})}.{part(text)}"
    return f"{head}.{part(hmac.digest(b't' * 40, head.encode(), hashlib.sha256))}"
