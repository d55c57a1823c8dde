"""Sign-in at a provider by OpenID Connect: authorization code with state, PKCE and nonce.

Nothing is kept between going there and coming back: the state is signed, and code verifier and
nonce are made of it with the server's key, so any server of the site can finish what one began.
A provider's endpoints come from its discovery document, its keys from the address that this names.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from hmac import compare_digest
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from livethread.auth.directory import Directory
from livethread.auth.issuers import Avatar, Seconds, peek, verified
from livethread.auth.keys import ALGORITHMS, KeySets
from livethread.auth.registrar import Proof
from livethread.auth.signing import Signer
from livethread.protocol.errors import LivethreadError, NotFound, Unauthorized, Unavailable
from livethread.protocol.text import MAX_NAME_CHARS, clean_name
from livethread.site import Provider, Site

SCOPE = "openid profile"
STATE_S = 600
DISCOVERED_S = 3600.0
TIMEOUT_S = 10.0


class Metadata(BaseModel):
    """What is used of a discovery document (OpenID Connect Discovery 1.0, section 3)."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None


GITHUB = Metadata(
    issuer="https://github.com",
    authorization_endpoint="https://github.com/login/oauth/authorize",
    token_endpoint="https://github.com/login/oauth/access_token",
    jwks_uri="",
    userinfo_endpoint="https://api.github.com/user",
)
"""GitHub has OAuth 2.0 with PKCE, no discovery document and no ID tokens."""


class GithubUser(BaseModel):
    """What is used of https://docs.github.com/en/rest/users/users#get-the-authenticated-user."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    id: int
    login: str
    name: str | None = None
    avatar_url: Any = None


class Profile(BaseModel):
    """What a provider says of somebody, in an ID token or at its userinfo endpoint."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    sub: str
    name: str | None = None
    nickname: str | None = None
    preferred_username: str | None = None
    picture: Any = None

    @property
    def shown(self) -> str:
        """A name that can be shown; empty if there is none."""
        for name in (self.name, self.nickname, self.preferred_username):
            try:
                return clean_name((name or "").strip()[:MAX_NAME_CHARS])
            except ValueError:
                continue
        return ""


class IdToken(Profile):
    """An ID token's claims (OpenID Connect Core 1.0, section 2)."""

    iss: str
    aud: str | list[str]
    exp: Seconds
    iat: Seconds
    nonce: str
    azp: str | None = None


class Pictured(BaseModel):
    picture: Avatar


class Back(NamedTuple):
    """Who came back, and the origin of the page that is to be told."""

    proof: Proof
    origin: str


class OpenId:
    """``clock`` is monotonic, s; ``clock_ms`` wall time, ms since 1970."""

    def __init__(
        self,
        directory: Directory,
        signer: Signer,
        key_sets: KeySets,
        fetch: Callable[[str], Awaitable[bytes]],
        clock: Callable[[], float],
        clock_ms: Callable[[], int],
    ) -> None:
        self._directory = directory
        self._signer = signer
        self._key_sets = key_sets
        self._fetch = fetch
        self._clock = clock
        self._clock_ms = clock_ms
        self._discovered: dict[str, tuple[float, Metadata]] = {}

    async def start(self, site: Site, key: str, origin: str, back_url: str) -> str:
        """Where to send the reader. Raises ``NotFound`` and ``Unavailable``."""
        provider = _provider(site, key)
        metadata = await self._metadata(provider)
        id = secrets.token_urlsafe(16)
        state = self._signer.seal(
            "state", {"id": id, "site": site.key, "with": key, "origin": origin}, STATE_S
        )
        async with self._client(provider, back_url) as client:
            url, _ = client.create_authorization_url(
                metadata.authorization_endpoint,
                state=state,
                code_verifier=self._signer.derive(f"verifier {id}"),
                nonce=self._signer.derive(f"nonce {id}"),
            )
        return str(url)

    async def finish(self, state: str, code: str, back_url: str) -> Back:
        """Who came back with that code. Raises ``Unauthorized``, ``NotFound``, ``Unavailable``."""
        began = self._signer.unseal("state", state)
        site = self._directory.site(began["site"])
        provider = _provider(site, began["with"])
        metadata = await self._metadata(provider)
        async with self._client(provider, back_url) as client:
            try:
                answer = await client.fetch_token(
                    metadata.token_endpoint,
                    code=code,
                    code_verifier=self._signer.derive(f"verifier {began['id']}"),
                )
                if provider.kind == "github":
                    profile = await _github_user(client, metadata)
                else:
                    nonce = self._signer.derive(f"nonce {began['id']}")
                    profile = await self._profile(site, provider, client, answer, nonce)
            except OAuthError as error:
                raise _invalid() from error
            except (httpx2.HTTPError, ValueError) as error:
                raise _unreachable() from error
        proof = Proof(
            site.key, provider.issuer, profile.sub, profile.shown, _picture(profile.picture)
        )
        return Back(proof, began["origin"])

    async def _profile(
        self,
        site: Site,
        provider: Provider,
        client: AsyncOAuth2Client,
        answer: Mapping[str, Any],
        nonce: str,
    ) -> Profile:
        """Who an ID token with that nonce is of; a name, if not in it, from the userinfo."""
        metadata = await self._metadata(provider)
        said = await self._id_token(site, provider, metadata, answer.get("id_token"))
        if not compare_digest(said.nonce.encode(), nonce.encode()):
            raise _invalid()
        if said.shown or metadata.userinfo_endpoint is None:
            return said
        return await _userinfo(client, metadata.userinfo_endpoint, said.sub)

    async def _id_token(
        self, site: Site, provider: Provider, metadata: Metadata, token: object
    ) -> IdToken:
        """The ID token's claims, if it is the provider's, for us and for now."""
        if not isinstance(token, str):
            raise _invalid()
        header = peek(token).header
        kid = header.get("kid")
        wanted = kid if isinstance(kid, str) else None
        if header.get("alg") not in ALGORITHMS[provider.algorithm]:
            raise _invalid()
        keys = await self._key_sets.get(
            site.key, provider.issuer, metadata.jwks_uri, provider.algorithm, wanted
        )
        fitting = [key for key in keys if wanted is None or key.kid in (None, wanted)]
        try:
            said = IdToken.model_validate_json(verified(token, fitting, provider.algorithm))
        except ValidationError as error:
            raise _invalid() from error
        audiences = [said.aud] if isinstance(said.aud, str) else said.aud
        if (
            said.iss != provider.issuer
            or provider.client_id not in audiences
            or said.azp not in (None, provider.client_id)
            or (len(audiences) > 1 and said.azp is None)
            or said.exp <= self._clock_ms() / 1000
        ):
            raise _invalid()
        return said

    async def _metadata(self, provider: Provider) -> Metadata:
        """Its discovery document, an hour old at most."""
        if provider.kind == "github":
            return GITHUB
        known = self._discovered.get(provider.issuer)
        if known is not None and self._clock() - known[0] < DISCOVERED_S:
            return known[1]
        try:
            data = await self._fetch(f"{provider.issuer}/.well-known/openid-configuration")
            found = Metadata.model_validate_json(data)
        except (OSError, ValueError) as error:
            raise _unreachable() from error
        addresses = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
        if found.issuer != provider.issuer or not all(map(is_safe_url, addresses)):
            raise _unreachable()
        self._discovered[provider.issuer] = self._clock(), found
        return found

    @staticmethod
    def _client(provider: Provider, back_url: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            provider.client_id,
            provider.client_secret,
            scope=SCOPE if provider.kind == "openid" else None,
            redirect_uri=back_url,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
        )


def is_safe_url(url: str) -> bool:
    """Whether what is sent there is private: https, or this machine."""
    parts = urlsplit(url)
    is_local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    return parts.scheme == "https" or (parts.scheme == "http" and is_local)


async def _github_user(client: AsyncOAuth2Client, metadata: Metadata) -> Profile:
    answer = await client.get(metadata.userinfo_endpoint)
    answer.raise_for_status()
    user = GithubUser.model_validate(from_json(answer.content))
    return Profile(sub=str(user.id), name=user.name, nickname=user.login, picture=user.avatar_url)


async def _userinfo(client: AsyncOAuth2Client, url: str, subject: str) -> Profile:
    """More of the same person. Raises ``ValueError`` if it is somebody else."""
    answer = await client.get(url)
    answer.raise_for_status()
    profile = Profile.model_validate(from_json(answer.content))
    if profile.sub != subject:
        raise ValueError("userinfo is of somebody else")
    return profile


def _provider(site: Site, key: str) -> Provider:
    for provider in site.providers:
        if provider.key == key:
            return provider
    raise NotFound("There is no such way to sign in here.")


def _picture(url: object) -> str | None:
    try:
        return Pictured.model_validate({"picture": url}).picture
    except ValidationError:
        return None


def _invalid() -> LivethreadError:
    return Unauthorized("You are not signed in. Close this window and try again.")


def _unreachable() -> LivethreadError:
    return Unavailable("The place where you sign in can't be reached. Try again in a moment.")
