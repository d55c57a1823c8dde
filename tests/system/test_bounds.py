"""Over a bound there is a typed error and the connection lives; only a flood closes it."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from livethread.protocol.errors import Unauthorized
from tests.serverprocess import serving
from tests.system.conftest import Shared
from tests.system.data import Seeded
from tests.system.inside import serving_inside
from tests.system.peer import (
    PING,
    PONG,
    Ended,
    Headers,
    Peer,
    Refused,
    closing,
    command,
    frame,
    until,
)

SECRET = "a secret of sufficient length, known to the tests"
PER_ADDRESS, PER_IDENTITY, ROOMS, IN_FLIGHT, FLOOD = 12, 3, 5, 8, 40


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, seeded: Seeded) -> Iterator[Shared]:
    """Everything bounded tightly; 127.0.0.1 is no proxy."""
    directory = tmp_path_factory.mktemp("strict")
    seeded.copy_to(directory)
    settings = {
        "secret": SECRET,
        "max_connections_per_address": PER_ADDRESS,
        "max_connections_per_identity": PER_IDENTITY,
        "max_subscriptions": ROOMS,
        "flood_commands": FLOOD,
        "command_rate": 50,
        "command_burst": 100,
        "bot_post_rate": 0,
        "guest_rate": 0,
        "post_burst": 3,
        "log_level": "debug",
    }
    with serving(directory, **settings) as process:
        yield Shared(process, seeded.all_token, seeded.post_token)


@pytest.fixture(autouse=True)
async def _nobody_left(strict: Shared) -> None:
    """Places of connections that the test before has closed are free again."""
    for _ in range(PER_ADDRESS):
        await _enter(strict)


async def _enter(strict: Shared, headers: Headers | None = None) -> None:
    """Connect and leave, as soon as there is room."""
    end = time.monotonic() + 10
    while True:
        try:
            peer = await Peer.open(strict.port, headers=headers)
        except Refused:
            assert time.monotonic() < end, "the places are never given back"
            await asyncio.sleep(0.01)
        else:
            peer.close()
            return


def guest_token(expires_s: float, id: str = "g:0123456789abcdef") -> str:
    now = time.time()
    claims = {
        "iss": "livethread",
        "aud": "livethread:guest",
        "sub": id,
        "name": "Short Visit",
        "iat": int(now) - 10,
        "exp": int(now + expires_s),
    }
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET), algorithms=["HS256"])


async def test_connections_of_an_address_are_bounded_and_their_places_come_back(
    strict: Shared,
) -> None:
    peers = [await Peer.open(strict.port) for _ in range(PER_ADDRESS)]
    with closing(*peers):
        with pytest.raises(Refused) as refused:
            await Peer.open(strict.port)
        assert refused.value.status == 503
        await peers[0].say(type="hello", version=1)
        await peers[0].hear("welcome")
        peers[-1].reset()
        await _enter(strict)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
async def test_forwarded_addresses_of_strangers_are_not_believed(
    strict: Shared, header: str
) -> None:
    peers = [
        await Peer.open(strict.port, headers=[(header, f"198.51.100.{number}")])
        for number in range(PER_ADDRESS)
    ]
    with closing(*peers), pytest.raises(Refused):
        await Peer.open(strict.port, headers=[(header, "203.0.113.7")])


async def test_forwarded_addresses_of_a_trusted_proxy_are_counted_each(
    tmp_path_factory: pytest.TempPathFactory, seeded: Seeded
) -> None:
    directory = tmp_path_factory.mktemp("proxied")
    seeded.copy_to(directory)
    with serving(
        directory, max_connections_per_address=1, trusted_proxies=["127.0.0.1", "10.0.0.0/8"]
    ) as process:
        port = process.port

        async def via(*hops: str) -> Peer:
            return await Peer.open(port, headers=[("X-Forwarded-For", hop) for hop in hops])

        with closing(await via("198.51.100.1"), await via("198.51.100.2, 10.1.2.3")):
            for hops in (
                ("198.51.100.1",),
                ("203.0.113.9, 198.51.100.1",),  # the client's own word comes first
                ("203.0.113.9", "198.51.100.2", "10.9.9.9"),
            ):
                with pytest.raises(Refused):
                    await via(*hops)
            with closing(await via("203.0.113.9")):
                pass


async def test_connections_of_an_identity_are_bounded(strict: Shared) -> None:
    peers = [await Peer.speaking(strict.port, token=strict.post_token) for _ in range(PER_IDENTITY)]
    with closing(*peers):
        late = await Peer.open(strict.port)
        with closing(late):
            await late.say(type="hello", version=1, token=strict.post_token)
            assert (await late.ended()).code == 4504
        await peers[0].ping()
        other = await Peer.speaking(strict.port, token=strict.all_token)
        with closing(other):
            await other.ping()
        peers[0].close()

        async def is_let_in() -> bool:
            peer = await Peer.open(strict.port)
            with closing(peer):
                await peer.say(type="hello", version=1, token=strict.post_token)
                try:
                    return bool((await peer.message())["type"] == "welcome")
                except Ended:
                    return False

        end = time.monotonic() + 10
        while not await is_let_in():
            assert time.monotonic() < end, "the place is never given back"


async def test_renewals_to_and_fro_do_not_use_places_up(strict: Shared) -> None:
    peer = await Peer.speaking(strict.port, token=strict.post_token)
    with closing(peer):
        for _ in range(3 * PER_IDENTITY):
            for token in (strict.all_token, strict.post_token):
                await peer.say(type="renew", token=token)
                await peer.hear("welcome")
    peers = [await Peer.speaking(strict.port, token=strict.all_token) for _ in range(PER_IDENTITY)]
    with closing(*peers):
        await peers[-1].ping()


async def test_rooms_of_a_connection_are_bounded(strict: Shared) -> None:
    peer = await Peer.speaking(strict.port)
    with closing(peer):
        for number in range(ROOMS):
            await peer.say(type="join", room=f"room-{number}")
            await peer.hear("joined")
        await peer.say(type="join", room="one-more", ref="x")
        error = await peer.hear("error")
        assert (error["code"], error["ref"]) == ("too_large", "x")
        await peer.say(type="join", room="room-0")  # again is no more
        await peer.hear("joined")
        await peer.say(type="leave", room="room-0")
        await peer.hear("left")
        await peer.say(type="join", room="one-more")
        await peer.hear("joined")


async def test_commands_under_way_are_bounded_and_each_is_answered_once(
    tmp_path: Path, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes in one breath is refused over the bound; what comes later waits unread."""
    seeded.copy_to(tmp_path)
    async with serving_inside(tmp_path / "data", monkeypatch, max_in_flight=IN_FLIGHT) as inside:
        store, go_on = inside.gateway.services.store, asyncio.Event()
        commit, most = store.commit, [0]

        async def slow_commit(writes: Any) -> Any:
            await go_on.wait()
            most[0] = max(most[0], len(writes))
            return await commit(writes)

        monkeypatch.setattr(store, "commit", slow_commit)
        peer = await Peer.speaking(inside.port, token=seeded.post_token)

        def posts(numbers: range) -> bytes:
            return b"".join(
                command(type="post", room="r", nonce=f"flight-{n}", body="x", ref=f"{n}")
                for n in numbers
            )

        with closing(peer):
            await peer.send(posts(range(3 * IN_FLIGHT)))
            refused = [await peer.hear("error") for _ in range(2 * IN_FLIGHT)]
            assert {error["code"] for error in refused} == {"too_large"}
            received = inside.gateway.stats.received
            await peer.send(posts(range(100, 100 + IN_FLIGHT)))
            other = await Peer.speaking(inside.port)
            with closing(other):
                await other.ping()
            assert inside.gateway.stats.received == received + 2  # the other's
            go_on.set()
            acks = [(await peer.hear("ack"))["ref"] for _ in range(2 * IN_FLIGHT)]
            expected = [*range(IN_FLIGHT), *range(100, 100 + IN_FLIGHT)]
            assert sorted(map(int, acks)) == expected
            assert most[0] <= IN_FLIGHT


async def test_commands_over_the_rate_are_told_when_to_come_back(strict: Shared) -> None:
    peer = await Peer.speaking(strict.port)
    with closing(peer):
        await peer.send(command(type="ping", t=1) * 120)
        refused = await peer.hear("error")
        assert refused["code"] == "rate_limited"
        assert refused["retryable"]
        assert 0 < refused["retry_after_ms"] <= 1_000
        await asyncio.sleep(refused["retry_after_ms"] / 1000)  # as told
        await peer.say(type="ping", t=2)
        await peer.hear("pong", t=2)


@pytest.mark.parametrize(
    "flood",
    {
        "commands": command(type="ping") * (150 + 2 * FLOOD),
        "garbage": frame(b"garbage") * (FLOOD + 2),
        "pings": frame(b"", PING) * (150 + 2 * FLOOD),
        "pongs": frame(b"", PONG) * (150 + 2 * FLOOD),
    }.items(),
    ids=lambda item: item[0],
)
async def test_flood_is_closed_with_4506(strict: Shared, flood: tuple[str, bytes]) -> None:
    peer = await Peer.speaking(strict.port)
    with closing(peer):
        await peer.send(flood[1])
        assert (await peer.ended()).code == 4506


async def test_writes_of_a_guest_are_limited_over_all_its_connections(strict: Shared) -> None:
    token = guest_token(3600, "g:writes")
    peers = [await Peer.speaking(strict.port, token=token) for _ in range(2)]
    with closing(*peers):
        codes = []
        for number in range(6):
            peer = peers[number % 2]
            await peer.say(type="post", room="rate", nonce=f"rate-nonce-{number}", body="x")
            codes.append((await peer.hear("ack", "error")).get("code"))
        assert codes == [None] * 3 + ["rate_limited"] * 3


async def test_expired_token_is_turned_away_with_4004(strict: Shared) -> None:
    peer = await Peer.open(strict.port)
    with closing(peer):
        await peer.say(type="hello", version=1, token=guest_token(-5))
        assert (await peer.message())["code"] == "token_expired"
        assert (await peer.ended()).code == 4004


async def test_connection_is_closed_with_4004_when_its_token_expires(strict: Shared) -> None:
    expiring = guest_token(1.5)
    peer = await Peer.speaking(strict.port, token=expiring)
    with closing(peer):
        await peer.say(type="join", room="visit")
        await peer.hear("joined")
        assert (await peer.hear("error"))["code"] == "token_expired"
        assert (await peer.ended()).code == 4004
        claims = json.loads(jwt_payload(expiring))
        assert 0 <= time.time() - claims["exp"] < 2.5


async def test_renewed_token_outlives_the_old_one(strict: Shared) -> None:
    peer = await Peer.speaking(strict.port, token=guest_token(1.5, "g:renews"))
    lasting = await Peer.speaking(strict.port, token=guest_token(1.5, "g:expires"))
    with closing(peer, lasting):
        await peer.say(type="renew", token=guest_token(3600, "g:renews"))
        await peer.hear("welcome")
        assert (await lasting.ended()).code == 4004
        await peer.ping()


async def test_failing_renewal_does_not_outlive_the_old_token(
    tmp_path: Path, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token expires between the asking and the refusal, when nobody may be closed for it."""
    seeded.copy_to(tmp_path)
    async with serving_inside(tmp_path / "data", monkeypatch, secret=SECRET) as inside:
        peer = await Peer.speaking(inside.port, token=guest_token(1.5, "g:clings"))
        refused = asyncio.Event()

        async def refuse(*_: Any, **__: Any) -> None:
            await refused.wait()
            raise Unauthorized

        monkeypatch.setattr(inside.gateway.services.authenticator, "by_token", refuse)
        with closing(peer):
            await peer.say(type="renew", token="another")
            await until(lambda: not len(inside.gateway._expiries), "the timer has come by")
            refused.set()
            assert (await peer.hear("error"))["code"] == "unauthorized"
            assert (await peer.ended()).code == 4004


def jwt_payload(token: str) -> bytes:
    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
