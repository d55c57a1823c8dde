"""Key sets: fetched rarely, whatever tokens come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from structlog.testing import capture_logs

from livethread.auth.keys import MAX_AGE_S, MAX_KEYS, REFRESH_S, RETRY_S, Key, KeySets

URL = "https://login.example/keys"
RSA = RSAKey.generate_key(2048)


def key_set(*kids: str) -> bytes:
    return json.dumps(
        {"keys": [RSA.as_dict(private=False) | {"kid": kid} for kid in kids]}
    ).encode()


class Login:
    """An issuer's address, and the time."""

    def __init__(self, *kids: str) -> None:
        self.served: bytes | OSError = key_set(*kids)
        self.asked: list[str] = []
        self.now = 0.0
        self.sets = KeySets(self._fetch, lambda: self.now)

    async def _fetch(self, url: str) -> bytes:
        self.asked.append(url)
        await asyncio.sleep(0)
        if isinstance(self.served, OSError):
            raise self.served
        return self.served

    async def kids(self, kid: str | None = "1", issuer: str = "i", url: str = URL) -> Sequence[Any]:
        keys: Sequence[Key] = await self.sets.get("default", issuer, url, "RS256", kid)
        return [key.kid for key in keys]


async def test_many_at_once_are_one_fetch_and_later_ones_none() -> None:
    login = Login("1")
    found = await asyncio.gather(*(login.kids() for _ in range(50)))
    assert found == [["1"]] * 50
    login.now = REFRESH_S - 1
    await login.kids()
    assert login.asked == [URL]


async def test_it_is_fetched_again_after_the_interval() -> None:
    login = Login("1")
    await login.kids()
    login.served = key_set("2")
    login.now = REFRESH_S
    assert await login.kids() == ["2"]


async def test_an_unknown_key_id_is_asked_for_but_not_oftener_than_each_half_minute() -> None:
    login = Login("1")
    await login.kids()
    login.served = key_set("1", "2")
    for n in range(100):
        assert await login.kids(f"made up {n}") == ["1"]
    assert len(login.asked) == 1
    login.now = RETRY_S
    assert await login.kids("2") == ["1", "2"]
    assert len(login.asked) == 2


async def test_what_can_not_be_fetched_any_more_counts_for_a_day() -> None:
    login = Login("1")
    await login.kids()
    for served in (OSError("refused"), b"<html>", b"{}"):
        login.served = served
        login.now += REFRESH_S
        with capture_logs() as logs:
            assert await login.kids() == ["1"]
        assert [entry["event"] for entry in logs] == ["keys_not_fetched"]
    login.now = MAX_AGE_S + 1
    assert await login.kids() == []


async def test_each_issuer_has_its_own_set() -> None:
    login = Login("1")
    await login.kids()
    login.served = key_set("2")
    assert await login.kids("2", issuer="another") == ["2"]
    assert await login.kids() == ["1"]


async def test_a_set_has_a_bound() -> None:
    login = Login(*map(str, range(100)))
    assert len(await login.kids()) == MAX_KEYS


@pytest.mark.parametrize("kid", [None, "1"])
async def test_a_token_without_a_key_id_may_be_of_any(kid: str | None) -> None:
    login = Login("1", "2")
    assert await login.kids(kid) == ["1", "2"]
