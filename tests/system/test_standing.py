"""Row 8: whoever is banned, revoked or given less hears of it at once, whatever holds them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.operator import say
from tests.system.peer import Ended, Peer, closing

NAME = "https://login.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("standing"), **UNLIMITED) as process:
        yield process


async def ended_with(peer: Peer, code: str) -> int:
    """The close code, after an error of that code."""
    assert (await peer.hear("error"))["code"] == code
    with pytest.raises(Ended) as end:
        await peer.message()
    return end.value.code


async def a_guest(server: ServerProcess) -> tuple[Peer, str, str]:
    """Connected; and its id and token."""
    peer = await Peer.open(server.port)
    await peer.say(type="hello", version=1, guest={"name": "Mara"})
    welcome = await peer.hear("welcome")
    return peer, welcome["user"]["id"], welcome["guest_token"]


async def test_a_banned_guest_is_out_of_everything_until_the_ban_is_lifted(
    server: ServerProcess,
) -> None:
    peer, id, token = await a_guest(server)
    other, _, _ = await a_guest(server)
    bearer = {"Authorization": f"Bearer {token}", "Origin": server.url}
    async with httpx.AsyncClient(base_url=server.url, headers=bearer, timeout=20) as client:
        with closing(peer), closing(other):
            async with client.stream("GET", "/api/v1/rooms/a/events") as events:
                stream = events.aiter_text()
                assert '"joined"' in await anext(stream)
                say(server, "ban", "add", id)
                assert await ended_with(peer, "banned") == 4503
                async for text in stream:
                    assert "changes" not in text  # until it ends
            again = await Peer.open(server.port)
            with closing(again):
                await again.say(type="hello", version=1, token=token)
                assert await ended_with(again, "banned") == 4503
            refused = await client.get("/api/v1/rooms/a/events")
            assert (refused.status_code, refused.json()["code"]) == (403, "banned")
            posted = await client.post(
                "/api/v1/rooms/a/comments",
                json={"body": "still here"},
                headers={"Idempotency-Key": "key-00001"},
            )
            assert (posted.status_code, posted.json()["code"]) == (403, "banned")
            await other.say(type="post", room="a", nonce="nonce-000001", body="I am not banned")
            await other.hear("ack")
            say(server, "ban", "remove", id)
            await back(server, token)


async def test_who_is_erased_is_signed_out_of_everything_for_good(tmp_path: Path) -> None:
    with serving(tmp_path, **UNLIMITED) as server:
        peer, id, token = await a_guest(server)
        other, _, _ = await a_guest(server)
        bearer = {"Authorization": f"Bearer {token}", "Origin": server.url}

        async def refused() -> None:
            again = await Peer.open(server.port)
            with closing(again):
                await again.say(type="hello", version=1, token=token)
                assert await ended_with(again, "unauthorized") == 4500
            async with httpx.AsyncClient(base_url=server.url, headers=bearer) as client:
                posted = await client.post(
                    "/api/v1/rooms/a/comments",
                    json={"body": "still here"},
                    headers={"Idempotency-Key": "key-00001"},
                )
                assert (posted.status_code, posted.json()["code"]) == (401, "unauthorized")

        with closing(peer, other):
            async with (
                httpx.AsyncClient(base_url=server.url, headers=bearer, timeout=20) as client,
                client.stream("GET", "/api/v1/rooms/a/events") as events,
            ):
                stream = events.aiter_text()
                assert '"joined"' in await anext(stream)
                say(server, "person", "erase", id, "--yes")
                assert await ended_with(peer, "unauthorized") == 4500
                async for text in stream:
                    assert "changes" not in text  # until it ends
            await refused()
            await other.say(type="post", room="a", nonce="nonce-000001", body="I am still here")
            await other.hear("ack")
        server.kill()
        server.start()
        await refused()


async def back(server: ServerProcess, token: str) -> None:
    """Returns when the token is good again."""
    while True:
        peer = await Peer.open(server.port)
        with closing(peer):
            await peer.say(type="hello", version=1, token=token)
            if (await peer.message())["type"] == "welcome":
                return


async def test_a_revoked_and_a_rotated_bot_is_closed(server: ServerProcess) -> None:
    tokens = {name: say(server, "bot", "create", name) for name in ("Old", "Turned", "Kept")}
    peers = {
        name: await Peer.speaking(server.port, token=token, origin=None)
        for name, token in tokens.items()
    }
    with closing(peers["Old"]), closing(peers["Turned"]), closing(peers["Kept"]):
        say(server, "bot", "revoke", "Old")
        assert await ended_with(peers["Old"], "unauthorized") == 4500
        newer = say(server, "bot", "rotate", "Turned")
        assert await ended_with(peers["Turned"], "unauthorized") == 4500
        (await Peer.speaking(server.port, token=newer, origin=None)).close()
        await peers["Kept"].say(type="ping", t=1)
        await peers["Kept"].hear("pong")
    for token in (tokens["Old"], tokens["Turned"]):
        async with httpx.AsyncClient(base_url=server.url) as client:
            refused = await client.get(
                "/api/v1/rooms/a/comments", headers={"Authorization": f"Bearer {token}"}
            )
        assert refused.status_code == 401


async def test_a_role_given_and_taken_counts_within_the_connection(server: ServerProcess) -> None:
    secret = say(server, "issuer", "add", NAME, "--algorithm", "HS256")
    now = int(time.time())
    claims = {
        "iss": NAME,
        "aud": "livethread",
        "sub": "1",
        "name": "Ines",
        "iat": now,
        "exp": now + 600,
    }
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))
    await back(server, token)
    peer = await Peer.open(server.port)
    with closing(peer):
        await peer.say(type="hello", version=1, token=token)
        user = (await peer.hear("welcome"))["user"]
        assert user["role"] == "reader"
        await peer.say(type="join", room="roles")
        await peer.hear("joined")
        say(server, "role", "give", user["id"], "moderator")
        assert (await peer.hear("welcome"))["user"]["role"] == "moderator"
        assert (await peer.hear("reset"))["room"] == "roles"  # it sees more from now on
        await peer.say(type="configure", room="roles", nonce="nonce-000001", title="Roles")
        await peer.hear("ack")
        say(server, "role", "take", user["id"])
        assert (await peer.hear("welcome"))["user"]["role"] == "reader"
        await peer.say(type="configure", room="roles", nonce="nonce-000002", title="No more")
        assert (await peer.hear("error"))["code"] == "forbidden"


async def test_a_bot_can_not_raise_its_own_rights(server: ServerProcess) -> None:
    token = say(server, "bot", "create", "Small", "--scope", "read", "--rooms", "news/*")
    peer = await Peer.speaking(server.port, token=token, origin=None)
    with closing(peer):
        for fields in (
            {"type": "post", "room": "news/1", "body": "x"},
            {"type": "post", "room": "other", "body": "x"},
            {"type": "configure", "room": "news/1", "title": "x"},
            {"type": "configure", "room": "news/1", "title": "x", "scopes": ["moderate"]},
            {"type": "moderate", "room": "news/1", "comment": 1, "action": "pin"},
            {"type": "join", "room": "news/1", "since": "0"},
            {"type": "join", "room": "other"},
        ):
            await peer.say(nonce="nonce-000001", ref="r", **fields)
            assert (await peer.hear("error", ref="r"))["code"] == "forbidden", fields
        await peer.say(
            type="renew", token=token, scopes=["moderate"], rooms="*", role="admin", ref="r"
        )
        welcome = await peer.hear("welcome", ref="r")
        assert (welcome["user"]["role"], welcome["user"]["scopes"]) == ("bot", ["read"])
