"""Sites, and how those who speak on them stand: what operators say, read whole by each server.

A site is a tenant: its pages' origins, its settings, whose tokens it believes. One, ``default``, is
always there. It is few rows, so every server keeps all of them and compares a version each second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from livethread.model import BotToken, Role, RoomName
from livethread.value import value

DEFAULT = "default"
Algorithm = Literal["HS256", "RS256", "ES256", "EdDSA"]
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<any>\*\.)?(?P<host>[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])"
    r"(?P<port>:[0-9]{1,5})?"
)
_DEFAULT_PORTS = ("http", ":80"), ("https", ":443")


def key_of(site: str, room: str) -> RoomName:
    """A room's name in the Store: behind its site's, but for the default site's.

    No room's name has a space, and databases from before there were sites stay as they are.
    """
    return RoomName(room if site == DEFAULT else f"{site} {room}")


def site_room_of(key: str) -> RoomName:
    """The key of the room of the empty name, where its site's rules stand."""
    return key_of(site_of(key), "")


def site_of(key: str) -> str:
    """The site of a room's key."""
    return key.rpartition(" ")[0] or DEFAULT


def name_of(key: str) -> str:
    """A room's name on its site, as clients know it."""
    return key.rpartition(" ")[2]


def clean_origin(origin: str) -> str:
    """``https://news.example`` or ``https://*.news.example``, as browsers write them.

    Raises ``ValueError`` for anything else; a wildcard stands for whole labels, and for none of a
    name with fewer than two (``https://*.example`` would be all of a country).
    """
    origin = origin.lower().removesuffix("/")
    found = _ORIGIN.fullmatch(origin)
    if found is None or (found["any"] and "." not in found["host"]):
        raise ValueError(
            f"{origin!r} is not an origin like https://news.example or https://*.news.example"
        )
    if (found["scheme"], found["port"]) in _DEFAULT_PORTS:
        origin = origin.removesuffix(found["port"])  # browsers leave it out
    return origin


@value
class Issuer:
    """Who may say who its readers are: by tokens of one algorithm, for one audience.

    ``keys`` are JWKs as JSON, the newest last; with ``jwks_url`` they are fetched from there.
    """

    name: str
    audience: str
    algorithm: Algorithm
    keys: tuple[str, ...] = ()
    jwks_url: str | None = None


@value
class Provider:
    """Where readers may sign in by OpenID Connect, or at GitHub, which has an OAuth of its own.

    ``label`` is what they read on the button.
    """

    key: str
    label: str
    issuer: str
    client_id: str
    client_secret: str
    algorithm: Algorithm = "RS256"
    kind: Literal["openid", "github"] = "openid"


@value
class Endpoint:
    """An address that is asked for judgements, and the secret that signs what it is asked."""

    url: str
    secret: str


@value
class Site:
    """A tenant. ``guests`` and ``hook`` None: as the server's settings say."""

    key: str
    name: str = ""
    origins: tuple[str, ...] = ()
    guests: bool | None = None
    issuers: tuple[Issuer, ...] = ()
    providers: tuple[Provider, ...] = ()
    hook: Endpoint | None = None


@value
class Person:
    """A reader whom an issuer vouched for, as of ``issued_s`` (s since 1970).

    ``since_ms`` is when it first did so here (ms since 1970); None if that isn't known.
    """

    site: str
    id: str
    issuer: str
    subject: str
    name: str
    avatar: str | None
    role: Role
    issued_s: int
    since_ms: int | None = None


@value
class Link:
    """A sign-in link that was mailed: of its secret only the digest is kept."""

    digest: str
    site: str
    email: str
    expires_ms: int


@value
class Ban:
    """Who may not connect to a site: until then (ms since 1970), or for good."""

    site: str
    person: str
    until_ms: int | None
    reason: str
    by: str
    created_ms: int


@value
class Restriction:
    """What a person may not do on a site, or in one ``room`` (its key), until then or for good.

    ``mute``: write there. ``shadow``: be seen by others.
    """

    kind: Literal["mute", "shadow"]
    room: RoomName | None
    until_ms: int | None


@value
class Standing:
    """All that operators and moderators said, at ``version``; it rises with each change of it.

    ``restrictions`` stand by site and person, ``filters`` (JSON) by the room's key; ``erasures``
    counts how often a person was erased, ``erased`` has their marks (``Signer.mark``) and when that
    was, s since 1970. ``spoken`` are the roles above a reader's that issuers said last, ``roles``
    those that operators gave whatever issuers say.
    """

    version: int
    sites: Mapping[str, Site]
    roles: Mapping[tuple[str, str], Role]
    bans: Mapping[tuple[str, str], Ban]
    bots: Mapping[str, BotToken]
    restrictions: Mapping[tuple[str, str], tuple[Restriction, ...]] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)
    erasures: int = 0
    spoken: Mapping[tuple[str, str], Role] = field(default_factory=dict)
    erased: Mapping[str, int] = field(default_factory=dict)
