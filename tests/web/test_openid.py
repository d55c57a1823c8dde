"""Signing in at a provider, against a real one."""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import httpx
import pytest
from click.testing import CliRunner
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from livethread.auth import openid as openid_module
from livethread.auth.keys import KeySets
from livethread.auth.openid import Metadata
from livethread.cli import main
from livethread.protocol.errors import Unauthorized
from livethread.site import Provider
from livethread.site import Site as SiteOf
from tests.auth.jwts import part
from tests.web.openidprovider import a_provider
from tests.web.site import ORIGIN, Site, a_site
from tests.web.test_sign_in import handed

NEWS = "https://news.example"
USERS = {
    "mara": {"name": "Mara Lind", "picture": "https://img.example/mara.png"},
    "ines": {"nickname": "Ines", "picture": "javascript:alert(1)"},
    "staff": {"name": "Moderator"},
    "nameless": {},
}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with a_provider(monkeypatch, **USERS) as url:
        yield url


@pytest.fixture
async def site(tmp_path: Path, provider: str) -> AsyncIterator[Site]:
    async with a_site(tmp_path, origins=[NEWS], public_url=ORIGIN) as site:
        secret = tmp_path / "secret"
        secret.write_text("a secret\n")
        await asyncio.to_thread(
            say,
            tmp_path,
            *("add", "mock", "--issuer", provider, "--client-id", "us"),
            *("--secret-file", str(secret), "--label", "The Mock"),
        )
        await site.gateway.services.directory.refresh()
        yield site


def say(tmp_path: Path, *words: str) -> str:
    command = ["provider", *words, "--data-dir", str(tmp_path / "data")]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    return done.stdout


async def go(site: Site, **query: str) -> str:
    """Where the reader is sent."""
    given = {"origin": NEWS, **query}
    sent = await site.client.get("/sign-in/with/mock", params=given)
    assert sent.status_code == 303, sent.text
    return sent.headers["location"]


async def agree(url: str, who: str = "mara") -> str:
    """Sign in at the provider and agree; returns where it sends the reader."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.post(url, data={"sub": who})
    assert answer.status_code in (302, 303), answer.text
    return answer.headers["location"]


async def come_back(site: Site, url: str) -> httpx.Response:
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{ORIGIN}/sign-in/back"
    return await site.client.get(f"{parts.path}?{parts.query}")


def changed(url: str, **query: str | None) -> str:
    """The address with other parameters; None leaves one out."""
    parts = urlsplit(url)
    given = {name: values[0] for name, values in parse_qs(parts.query).items()} | query
    kept = {name: value for name, value in given.items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(kept)))


async def test_a_reader_signs_in_and_comes_back_as_the_same(site: Site) -> None:
    ways = await site.client.get("/api/v1/sign-in")
    assert ways.json() == {"ways": ["mock"]}
    opened = await site.client.get("/sign-in", params={"origin": NEWS})
    link = re.search(r'href="(/sign-in/with/[^"]+)"[^>]*>Continue with The Mock<', opened.text)
    assert link is not None
    sent = await site.client.get(html.unescape(link[1]))
    ids: set[str] = set()
    for url in (sent.headers["location"], await go(site)):
        given = handed(await come_back(site, await agree(url)))
        assert (given["site"], given["origin"]) == ("default", NEWS)
        bearer = {"Authorization": f"Bearer {given['token']}"}
        author = (await site.post(bearer, "hello", key=f"key-{len(ids):08}"))["author"]
        assert author["name"] == "Mara Lind"
        assert author["avatar"] == "https://img.example/mara.png"
        ids.add(author["id"])
    assert len(ids) == 1
    assert "mara" not in ids.pop()


async def test_state_nonce_and_challenge_are_sent_and_are_each_times_own(site: Site) -> None:
    first, second = [parse_qs(urlsplit(await go(site)).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name][0]) >= 43
    assert first["code_challenge_method"] == ["S256"]
    assert first["response_type"] == ["code"]
    assert first["redirect_uri"] == [f"{ORIGIN}/sign-in/back"]


def a_tampered_challenge(url: str) -> str:
    return changed(url, code_challenge="A" * 43)


def a_tampered_nonce(url: str) -> str:
    return changed(url, nonce="A" * 43)


@pytest.mark.parametrize("tamper", [a_tampered_challenge, a_tampered_nonce])
async def test_what_was_changed_on_the_way_there_signs_nobody_in(site: Site, tamper: Any) -> None:
    back = await agree(tamper(await go(site)))
    answer = await come_back(site, back)
    assert answer.status_code == 401
    assert "data-token" not in answer.text


async def test_what_was_changed_on_the_way_back_signs_nobody_in(site: Site) -> None:
    other = await agree(await go(site))
    back = await agree(await go(site))
    state = parse_qs(urlsplit(back).query)["state"][0]
    head, body, signature = state.split(".")
    for url in (
        changed(back, state=parse_qs(urlsplit(other).query)["state"][0]),  # another's state
        changed(back, state=f"{head}.{body}.{'A' * len(signature)}"),
        changed(back, state=None),
        changed(back, state=""),
        changed(back, code="made-up"),
        changed(back, code=None),
        changed(back, code=None, error="access_denied"),
    ):
        answer = await come_back(site, url)
        assert answer.status_code == 401, url
        assert "data-token" not in answer.text


async def test_a_code_is_good_once(site: Site) -> None:
    back = await agree(await go(site))
    assert (await come_back(site, back)).status_code == 200
    assert (await come_back(site, back)).status_code == 401


async def test_a_state_is_good_for_ten_minutes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    back = await agree(await go(site))
    signer: Any = cast(Any, site.gateway.services.sign_in).signer
    now_ms = signer._clock_ms()
    monkeypatch.setattr(signer, "_clock_ms", lambda: now_ms + 601_000)
    answer = await come_back(site, back)
    assert answer.status_code == 401
    assert "data-token" not in answer.text


async def test_a_guests_or_readers_token_is_no_state(site: Site) -> None:
    guest = (await site.guest())["Authorization"].removeprefix("Bearer ")
    back = await agree(await go(site))
    assert (await come_back(site, changed(back, state=guest))).status_code == 401
    state = parse_qs(urlsplit(back).query)["state"][0]
    answer = await site.client.get(
        "/api/v1/counts?room=a", headers={"Authorization": f"Bearer {state}"}
    )
    assert answer.status_code == 401


async def test_who_brings_no_name_or_anothers_chooses_one(site: Site) -> None:
    for who, error in (("staff", True), ("nameless", False)):
        asked = await come_back(site, await agree(await go(site), who))
        assert ('role="alert"' in asked.text) is error
        assert "data-token" not in asked.text
        found = re.search(r'name="token" value="([^"]+)"', asked.text)
        assert found is not None
        form = {"token": html.unescape(found[1]), "name": "admin"}
        refused = await site.client.post("/sign-in/name", data=form)
        assert refused.status_code == 400
        async with site.peer(Origin="https://evil.example") as evil:
            foreign = await evil.post("/sign-in/name", data=form | {"name": "Mallory"})
        assert foreign.status_code == 403
        done = await site.client.post("/sign-in/name", data=form | {"name": f"Reader {who}"})
        bearer = {"Authorization": f"Bearer {handed(done)['token']}"}
        assert (await site.post(bearer, who))["author"]["name"] == f"Reader {who}"
        again = handed(await come_back(site, await agree(await go(site), who)))  # not asked again
        assert again["origin"] == NEWS


async def test_a_picture_that_is_no_address_is_left_out(site: Site) -> None:
    given = handed(await come_back(site, await agree(await go(site), "ines")))
    author = (await site.post({"Authorization": f"Bearer {given['token']}"}, "hi"))["author"]
    assert author["name"] == "Ines"
    assert "avatar" not in author


async def test_pages_of_other_origins_open_nothing(site: Site) -> None:
    for query in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": NEWS, "site": "nowhere"},
    ):
        answer = await site.client.get("/sign-in/with/mock", params=query)
        assert answer.status_code == 403
        assert "location" not in answer.headers
    unknown = await site.client.get("/sign-in/with/other", params={"origin": NEWS})
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
    ],
)
async def test_a_provider_that_says_what_can_not_be_is_not_used(
    site: Site, provider: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    openid: Any = cast(Any, site.gateway.services.sign_in).openid
    fetch = openid._fetch

    async def lie(url: str) -> bytes:
        said = Metadata.model_validate_json(await fetch(url)).model_dump() | changes
        return httpx.Request("POST", provider, json=said).content

    monkeypatch.setattr(openid, "_fetch", lie)
    answer = await site.client.get("/sign-in/with/mock", params={"origin": NEWS})
    assert answer.status_code == 503


async def test_a_reader_signs_in_at_github(
    tmp_path: Path, site: Site, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its OAuth is the provider's here; only what it says of its users is made up."""
    user = {"id": 583231, "login": "octocat", "name": None, "avatar_url": "https://a.example/o.png"}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        assert b"authorization: bearer " in asked.lower()
        body = json.dumps(user).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as api:
        port = api.sockets[0].getsockname()[1]
        here = openid_module.GITHUB.model_copy(
            update={
                "authorization_endpoint": f"{provider}/oauth2/authorize",
                "token_endpoint": f"{provider}/oauth2/token",
                "userinfo_endpoint": f"http://127.0.0.1:{port}/user",
            }
        )
        monkeypatch.setattr(openid_module, "GITHUB", here)
        secret = str(tmp_path / "secret")
        words = (
            "add",
            "github",
            "--issuer",
            "github",
            "--client-id",
            "us",
            "--secret-file",
            secret,
        )
        await asyncio.to_thread(say, tmp_path, *words)
        await site.gateway.services.directory.refresh()
        sent = await site.client.get("/sign-in/with/github", params={"origin": NEWS})
        asked = parse_qs(urlsplit(sent.headers["location"]).query)
        assert "code_challenge" in asked
        assert "scope" not in asked
        back = await agree(changed(sent.headers["location"], scope="profile", nonce="n"))
        given = handed(await come_back(site, back))
    author = (await site.post({"Authorization": f"Bearer {given['token']}"}, "hi"))["author"]
    assert (author["name"], author["avatar"]) == ("octocat", "https://a.example/o.png")
    tampered = await agree(
        changed(sent.headers["location"], code_challenge="A" * 43, scope="profile")
    )
    assert (await come_back(site, tampered)).status_code == 401


KEY = RSAKey.generate_key(2048, {"kid": "1"})
PROVIDER = Provider("p", "P", "https://login.example", "us", "the client's secret, shared with it")
NOW_S = int(time.time())
ID_CLAIMS = {
    "iss": PROVIDER.issuer,
    "sub": "1",
    "aud": "us",
    "exp": NOW_S + 600,
    "iat": NOW_S,
    "nonce": "n",
}
META = Metadata(
    issuer=PROVIDER.issuer,
    authorization_endpoint="https://login.example/a",
    token_endpoint="https://login.example/t",
    jwks_uri="https://login.example/k",
)


def id_token(alg: str = "RS256", key: Any = KEY, **claims: Any) -> str:
    given = {name: value for name, value in (ID_CLAIMS | claims).items() if value is not None}
    return jwt.encode({"alg": alg, "kid": "1"}, given, key, algorithms=[alg])


SECRET_KEY = OctKey.import_key(PROVIDER.client_secret)
BAD_ID_TOKENS = {
    "of another issuer": id_token(iss="https://evil.example"),
    "for another client": id_token(aud="them"),
    "for two, of whom neither asked": id_token(aud=["us", "them"]),
    "for two, asked by the other": id_token(aud=["us", "them"], azp="them"),
    "asked by another": id_token(azp="them"),
    "expired": id_token(exp=NOW_S - 1),
    "without exp": id_token(exp=None),
    "without nonce": id_token(nonce=None),
    "without sub": id_token(sub=None),
    "signed with the client's secret": id_token("HS256", SECRET_KEY),
    "signed by another": id_token(key=RSAKey.generate_key(2048, {"kid": "1"})),
    "by another algorithm": id_token("RS512"),
    "unsigned": f"{part({'alg': 'none'})}.{part(ID_CLAIMS)}.",
    "none at all": None,
    "a word": "token",
}


@pytest.mark.parametrize("token", BAD_ID_TOKENS.values(), ids=list(BAD_ID_TOKENS))
async def test_an_id_token_that_is_not_right_signs_nobody_in(
    tmp_path: Path, token: str | None
) -> None:
    async with a_site(tmp_path) as site:
        openid: Any = cast(Any, site.gateway.services.sign_in).openid
        key_set = {"keys": [KEY.as_dict(private=False)]}

        async def fetch(_: str) -> bytes:
            return json.dumps(key_set).encode()

        openid._key_sets = KeySets(fetch, time.monotonic)
        here = SiteOf("default")
        with pytest.raises(Unauthorized):
            await openid._id_token(here, PROVIDER, META, token)
        for good in (id_token(), id_token(aud=["us", "them"], azp="us"), id_token(azp="us")):
            assert (await openid._id_token(here, PROVIDER, META, good)).sub == "1"


def test_what_can_not_be_a_provider_is_said_in_a_line(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    rest = ["--client-id", "us", "--secret-file", str(secret), "--data-dir", str(tmp_path)]
    for words, problem in (
        (["Big"], "can't be a key"),
        (["mail"], "can't be a key"),
        (["a", "--issuer", "http://login.example"], "https://"),
        (["a", "--site", "nowhere"], "no site"),
    ):
        issuer = [] if "--issuer" in words else ["--issuer", "https://login.example"]
        done = CliRunner().invoke(main, ["provider", "add", *words, *issuer, *rest])
        assert done.exit_code != 0
        assert problem in done.stderr
    given = ["provider", "add", "a", "--issuer", "https://login.example", *rest]
    assert CliRunner().invoke(main, given).exit_code == 0
    assert "already" in CliRunner().invoke(main, given).stderr
    listed = CliRunner().invoke(main, ["provider", "list", "--data-dir", str(tmp_path)])
    assert listed.stdout == "default\ta\ta\thttps://login.example\tus\n"
    gone = ["provider", "remove", "a", "--data-dir", str(tmp_path)]
    assert CliRunner().invoke(main, gone).exit_code == 0
    assert "no provider" in CliRunner().invoke(main, gone).stderr
