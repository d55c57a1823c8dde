"""What operators say, and what becomes of those it is said of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from livethread.auth.bots import another_token, identity_of, new_bot
from livethread.auth.directory import Directory
from livethread.auth.identity import Identity, anonymous
from livethread.auth.origin import OwnOrigin
from livethread.model import Role
from livethread.protocol.errors import Banned, Unauthorized
from livethread.site import DEFAULT, Ban, Site, Standing
from tests.contract.memory_store import MemoryStore

NOW_MS = 1_795_358_416_123
READER = Identity("u:1", "Mara", Role.READER, site="news", granted=Role.READER)
GUEST = Identity("g:1", "Jon", Role.GUEST, site="news")


class Town:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self.now_ms = NOW_MS
        default = Site(DEFAULT, guests=True)
        self.directory = Directory(self.store, default, OwnOrigin(), lambda: self.now_ms)

    async def say(self, **said: Any) -> None:
        self.store.said = replace(self.store.said, version=self.store.said.version + 1, **said)
        assert await self.directory.refresh()


@pytest.fixture
async def town() -> Town:
    town = Town()
    await town.say(sites={"news": Site("news")})
    return town


def ban(identity: Identity, until_ms: int | None = None) -> dict[tuple[str, str], Ban]:
    return {(identity.site, identity.id): Ban(identity.site, identity.id, until_ms, "", "", NOW_MS)}


async def test_a_look_without_news_reads_nothing_more(town: Town) -> None:
    async def unexpected() -> Standing:
        raise AssertionError("only the version is to be read")

    town.store.standing = unexpected  # type: ignore[method-assign]
    assert not await town.directory.refresh()


async def test_who_nothing_was_said_of_stays_the_same(town: Town) -> None:
    for identity in (READER, GUEST, anonymous("news"), anonymous(DEFAULT)):
        assert town.directory.review(identity) is identity


async def test_a_ban_holds_on_its_site_until_its_time(town: Town) -> None:
    await town.say(bans=ban(READER, NOW_MS + 1000))
    with pytest.raises(Banned):
        town.directory.review(READER)
    elsewhere = replace(READER, site=DEFAULT)
    assert town.directory.review(elsewhere) is elsewhere
    town.now_ms += 1000
    assert town.directory.review(READER) is READER
    await town.say(bans=ban(GUEST))
    town.now_ms += 10**12
    with pytest.raises(Banned):
        town.directory.review(GUEST)


async def test_a_role_given_here_counts_whatever_the_token_says(town: Town) -> None:
    await town.say(roles={("news", "u:1"): Role.MODERATOR})
    moderator = town.directory.review(READER)
    assert moderator.role is Role.MODERATOR
    assert town.directory.review(replace(READER, site=DEFAULT)).role is Role.READER
    await town.say(roles={})
    assert town.directory.review(moderator) == READER


async def test_guests_and_bots_are_given_no_role(town: Town) -> None:
    bot, token = new_bot("Bot", frozenset({"read"}), "*", NOW_MS, "news")
    await town.store.add_bot(bot)
    identity = identity_of(bot, token)
    assert identity is not None
    await town.say(
        roles={("news", who.id): Role.ADMIN for who in (GUEST, identity, anonymous("news"))}
    )
    for who in (GUEST, identity, anonymous("news")):
        assert town.directory.review(who) is who


async def test_a_rotated_or_revoked_bot_is_nobody(town: Town) -> None:
    bot, token = new_bot("Bot", frozenset({"read"}), "*", NOW_MS, "news")
    await town.store.add_bot(bot)
    identity = identity_of(bot, token)
    assert identity is not None
    assert town.directory.review(identity) is identity  # newer than the last look
    await town.say()
    assert town.directory.review(identity) is identity
    other_token, digest = another_token(bot.id)
    town.store._bots[bot.id] = rotated = replace(bot, digest=digest)
    await town.say()
    with pytest.raises(Unauthorized):
        town.directory.review(identity)
    identity = identity_of(rotated, other_token)
    assert identity is not None
    assert town.directory.review(identity) is identity
    await town.store.revoke_bot("Bot")
    await town.say()
    with pytest.raises(Unauthorized):
        town.directory.review(identity)


async def test_a_site_that_leaves_takes_everyone_along(town: Town) -> None:
    await town.say(sites={})
    for identity in (READER, GUEST, anonymous("news")):
        with pytest.raises(Unauthorized):
            town.directory.review(identity)


async def test_without_guests_a_guest_is_nobody(town: Town) -> None:
    await town.say(sites={"news": Site("news", guests=False)})
    with pytest.raises(Unauthorized):
        town.directory.review(GUEST)
    assert town.directory.review(READER) is READER
