"""Row 6 over the wire: by websocket and HTTP no bad token is taken; revoking ends what is open."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.auth.jwts import Issuing, bad, claims, good
from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.operator import LOOK_S, say
from tests.system.peer import PATIENCE_S, Ended, Peer, closing

BY = Issuing()


class Keys(BaseHTTPRequestHandler):
    """Serves the EdDSA issuer's key set."""

    def do_GET(self) -> None:
        body = json.dumps({"keys": [json.loads(key) for key in BY.ed.public]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def keys_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/keys"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, keys_url: str) -> Iterator[ServerProcess]:
    directory = tmp_path_factory.mktemp("sso")
    with serving(directory, **UNLIMITED, max_connections_per_identity=0) as process:
        for signing in BY.all:
            believe(process, directory, signing.name, keys_url)
        yield process


@pytest.fixture
async def server(running: ServerProcess) -> ServerProcess:
    """One that has noticed."""
    async with asyncio.timeout(PATIENCE_S):
        for signing in BY.all:
            token = signing.token(claims(now_s()))
            while (await hello(running, token))["type"] == "error":  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)
    return running


def believe(server: ServerProcess, directory: Path, name: str, keys_url: str) -> None:
    signing = next(one for one in BY.all if one.name == name)
    words = ["issuer", "add", name, "--algorithm", signing.algorithm]
    if signing is BY.ed:
        say(server, *words, "--jwks-url", keys_url)
        return
    files = [directory / f"{signing.algorithm}.{n}" for n in range(len(signing.public))]
    for file, key in zip(files, signing.public, strict=True):
        file.write_text(key)
    say(server, *words, "--key-file", str(files[0]))
    for file in files[1:]:
        say(server, "issuer", "rotate", name, "--key-file", str(file))


def now_s() -> int:
    return int(time.time())


async def hello(server: ServerProcess, token: str) -> dict[str, object]:
    """The answer to it, and for an error that the connection is closed."""
    peer = await Peer.open(server.port)
    with closing(peer):
        await peer.say(type="hello", version=1, token=token)
        answer = await peer.message()
        if answer["type"] == "error":
            with pytest.raises(Ended) as end:
                await peer.message()
            answer["close"] = end.value.code
        return answer


async def test_good_tokens_sign_in(server: ServerProcess) -> None:
    ids = set()
    for name, token in good(BY, now_s()).items():
        answer = await hello(server, token)
        assert answer["type"] == "welcome", name
        user = answer["user"]
        assert isinstance(user, dict)
        assert user["name"] == "Mara Lind"
        ids.add(user["id"])
        async with httpx.AsyncClient(base_url=server.url) as client:
            posted = await client.post(
                "/api/v1/rooms/sso/comments",
                json={"body": name},
                headers={
                    "Authorization": f"Bearer {token}",
                    "Origin": server.url,
                    "Idempotency-Key": f"key-{abs(hash(name))}",
                },
            )
        assert posted.status_code == 201, posted.text
        assert posted.json()["comment"]["author"]["id"] == user["id"]
    assert len(ids) == 4  # as many as issuers


async def test_no_bad_token_does_over_the_websocket(server: ServerProcess) -> None:
    tokens = bad(BY, now_s())
    assert len(tokens) >= 25
    for name, token in tokens.items():
        answer = await hello(server, token)
        assert answer["type"] == "error", name
        assert answer["code"] in ("unauthorized", "token_expired", "bad_frame"), name
        assert answer["close"] in (4500, 4004, 4502), name


async def test_no_bad_token_does_over_http(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers={"Origin": server.url}) as client:
        for name, token in bad(BY, now_s()).items():
            bearer = {"Authorization": f"Bearer {token}", "Idempotency-Key": "key-00001"}
            path = "/api/v1/rooms/refused/comments"
            for answer in (
                await client.get(path, headers=bearer),
                await client.post(path, json={"body": "hello"}, headers=bearer),
            ):
                assert answer.status_code == 401, (name, answer.text)
                assert answer.json()["code"] in ("unauthorized", "token_expired"), name
        counts = await client.get("/api/v1/counts?room=refused")
        assert counts.json() == {"counts": {"refused": 0}}


async def test_a_token_that_ends_closes_what_it_opened_and_a_newer_one_renews_it(
    server: ServerProcess,
) -> None:
    short, long = (BY.es.token(claims(now_s(), exp=now_s() + seconds)) for seconds in (3, 600))
    renewing = await Peer.speaking(server.port, token=short)
    ending = await Peer.speaking(server.port, token=short)
    with closing(renewing), closing(ending):
        await renewing.say(type="renew", token=long, ref="r")
        welcome = await renewing.hear("welcome")
        assert welcome["ref"] == "r"
        assert (await ending.hear("error"))["code"] == "token_expired"
        with pytest.raises(Ended) as end:
            await ending.message()
        assert end.value.code == 4004
        await renewing.say(type="post", room="sso", nonce="still-here", body="still here")
        await renewing.hear("ack")


async def test_who_signed_in_with_an_issuer_no_longer_believed_is_signed_out(
    server: ServerProcess, tmp_path: Path, keys_url: str
) -> None:
    peer = await Peer.speaking(server.port, token=BY.rs.token(claims(now_s())))
    other = await Peer.speaking(server.port, token=BY.es.token(claims(now_s())))
    with closing(peer), closing(other):
        say(server, "issuer", "remove", BY.rs.name)
        assert (await peer.hear("error"))["code"] == "unauthorized"
        with pytest.raises(Ended) as end:
            await peer.message()
        assert end.value.code == 4500
        await other.say(type="ping", t=1)
        await other.hear("pong")
    believe(server, tmp_path, BY.rs.name, keys_url)
