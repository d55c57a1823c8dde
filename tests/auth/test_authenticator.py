from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from livethread.auth.authenticator import Authenticator
from livethread.auth.bots import PREFIX, new_bot
from livethread.auth.directory import Directory
from livethread.auth.identity import ANONYMOUS, Identity
from livethread.auth.issuers import Issuers
from livethread.auth.keys import KeySets
from livethread.auth.names import Names
from livethread.auth.origin import OwnOrigin
from livethread.auth.signing import Signer
from livethread.model import BotToken, Role
from livethread.protocol.errors import Rejected, TokenExpired, Unauthorized
from livethread.site import DEFAULT, Person, Site
from tests.contract.memory_store import MemoryStore

SECRET = b"a key of at least thirty-two bytes!"
NOW_MS = 1_795_358_416_123
DAY_MS = 86_400_000
DAYS = 30


class Clock:
    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


async def unreachable(_: str) -> bytes:
    raise OSError


class Asked:
    """An authenticator of the default site, unless told otherwise."""

    def __init__(
        self,
        *,
        bots: MemoryStore | None = None,
        secret: bytes = SECRET,
        clock: Clock | None = None,
        guests: bool = True,
        reserved: tuple[str, ...] = (),
    ) -> None:
        self.store = bots or MemoryStore()
        clock = clock or Clock()
        self.directory = Directory(self.store, Site(DEFAULT, guests=guests), OwnOrigin(), clock)
        self.signer = Signer(secret, clock)
        self._authenticator = Authenticator(
            self.store,
            self.directory,
            self.signer,
            Issuers(self.store, KeySets(unreachable, lambda: 0), self.signer, clock),
            names=Names(self.store, reserved),
            guest_token_days=DAYS,
        )

    async def by_token(self, token: str | None, site: str | None = None) -> Identity:
        await self.directory.refresh()
        return await self._authenticator.by_token(site, token)

    async def new_guest(self, name: str, site: str | None = None) -> tuple[Identity, str]:
        await self.directory.refresh()
        return await self._authenticator.new_guest(site, name)


authenticator = Asked


def say(store: MemoryStore, **said: Any) -> None:
    """Say something as an operator."""
    store.said = replace(store.said, version=store.said.version + 1, **said)


def signed(claims: dict[str, Any], *, secret: bytes = SECRET, alg: str = "HS256") -> str:
    return jwt.encode({"alg": alg}, claims, OctKey.import_key(secret), algorithms=[alg])


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


CLAIMS: dict[str, Any] = {
    "iss": "livethread",
    "aud": "livethread:guest",
    "sub": "g:1",
    "name": "Mara",
    "iat": NOW_MS // 1000,
    "exp": NOW_MS // 1000 + 1000,
}


OWN_KEY = {"kty": "oct", "k": "QQ"}

# ── guests ──


async def test_a_guest_comes_back_as_the_same_person() -> None:
    auth = authenticator()
    guest, token = await auth.new_guest("Mara")
    assert (guest.role, guest.name, guest.id[:2]) == (Role.GUEST, "Mara", "g:")
    assert await authenticator().by_token(token) == guest
    other, _ = await auth.new_guest("Mara")
    assert other.id != guest.id


async def test_a_guests_token_ends_to_the_second() -> None:
    clock = Clock()
    auth = authenticator(clock=clock)
    guest, token = await auth.new_guest("Mara")
    assert guest.expires_ms == NOW_MS // 1000 * 1000 + DAYS * DAY_MS
    clock.now_ms = guest.expires_ms - 1
    assert await auth.by_token(token) == guest
    clock.now_ms += 1
    with pytest.raises(TokenExpired):
        await auth.by_token(token)


async def test_no_token_is_the_anonymous_reader() -> None:
    assert await authenticator().by_token(None) is ANONYMOUS


FORGED = {
    "another key": signed(CLAIMS, secret=b"another key of thirty-two bytes, or more"),
    "another issuer": signed(CLAIMS | {"iss": "evil"}),
    "another audience": signed(CLAIMS | {"aud": "livethread:admin"}),
    "no issuer": signed({name: CLAIMS[name] for name in CLAIMS if name != "iss"}),
    "alg none": f"{part({'alg': 'none'})}.{part(CLAIMS)}.",
    "alg None": f"{part({'alg': 'None'})}.{part(CLAIMS)}.",
    "no alg": f"{part({})}.{part(CLAIMS)}.",
    "another HMAC": signed(CLAIMS, alg="HS512"),
    "alg swapped": ".".join([part({"alg": "RS256"}), *signed(CLAIMS).split(".")[1:]]),
    "claims swapped": ".".join(
        [signed(CLAIMS).split(".")[0], part(CLAIMS | {"sub": "g:2"}), signed(CLAIMS).split(".")[2]]
    ),
    "no signature": signed(CLAIMS).rpartition(".")[0] + ".",
    "signature cut": signed(CLAIMS)[:-8],
    "a key of its own": ".".join([part({"alg": "HS256", "jwk": OWN_KEY}), part(CLAIMS), "QQ"]),
    "empty": "",
    "a word": "token",
    "dots": "..",
    "a JWE": "a.b.c.d.e",
    "not ASCII": "é.é.é",
    "no object": f"{part([])}.{part([])}.{part([])}",
}


@pytest.mark.parametrize("token", list(FORGED.values()), ids=list(FORGED))
async def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        await authenticator().by_token(token)


async def test_the_example_that_the_forgeries_are_made_of_is_good() -> None:
    assert (await authenticator().by_token(signed(CLAIMS))).id == "g:1"


async def test_where_guests_are_not_allowed_there_are_none() -> None:
    with pytest.raises(Unauthorized):
        await authenticator(guests=False).new_guest("Mara")


@pytest.mark.parametrize(
    "name", ["admin", "Admin", "\u0410DMIN", "m0derator", "Editor", "News Bot"]
)
async def test_a_guest_can_not_take_the_staffs_or_a_bots_name(name: str) -> None:
    store = MemoryStore()
    await store.add_bot(new_bot("News Bot", frozenset(), "*", NOW_MS)[0])
    with pytest.raises(Rejected) as refused:
        await authenticator(bots=store, reserved=("editor",)).new_guest(name)
    assert refused.value.field == "guest.name"


async def test_a_guest_can_not_take_a_registered_readers_name() -> None:
    store = MemoryStore()
    say(store, sites={"news": Site("news")})
    mara = Person("default", "u:1", "iss", "1", "Mara Lind", None, Role.READER, 1)
    await store.remember(mara)
    auth = authenticator(bots=store)
    for name in ("Mara Lind", "mara  lind", "M\u0430ra L1nd"):
        with pytest.raises(Rejected):
            await auth.new_guest(name)
    assert (await auth.new_guest("Mara Lind", "news"))[0].name == "Mara Lind"  # another site


async def test_a_guest_ends_where_guests_are_no_longer_allowed() -> None:
    store = MemoryStore()
    auth = authenticator(bots=store)
    _, token = await auth.new_guest("Mara")
    say(store, sites={DEFAULT: Site(DEFAULT, guests=False)})
    with pytest.raises(Unauthorized):
        await auth.by_token(token)


# ── sites ──


async def test_a_sign_in_is_for_one_site() -> None:
    store = MemoryStore()
    say(store, sites={"news": Site("news"), "blog": Site("blog")})
    auth = authenticator(bots=store)
    guest, token = await auth.new_guest("Mara", "news")
    assert guest.site == "news"
    assert await auth.by_token(token, "news") == guest
    bot, secret = new_bot("Bot", frozenset({"read"}), "*", NOW_MS, "news")
    await store.add_bot(bot)
    for site in ("blog", DEFAULT):
        for other in (token, secret):
            with pytest.raises(Unauthorized):
                await auth.by_token(other, site)
    assert (await auth.by_token(secret, None)).site == "news"  # a bot's token names its site
    assert (await auth.by_token(secret, "news")).site == "news"
    with pytest.raises(Unauthorized):
        await auth.by_token(token, None)  # a guest's doesn't: that is the default site


async def test_a_reader_signed_in_here_is_one_of_that_site_only() -> None:
    store = MemoryStore()
    say(store, sites={"news": Site("news")}, roles={("news", "u:1"): Role.TRUSTED})
    mara = Person("news", "u:1", "mailto:", "m@x.example", "Mara", None, Role.READER, 1)
    _, token = Signer(SECRET, Clock()).reader(mara, 60)
    auth = authenticator(bots=store)
    reader = await auth.by_token(token, "news")
    assert (reader.id, reader.name, reader.role) == ("u:1", "Mara", Role.TRUSTED)
    assert "m@x.example" not in str(reader)
    with pytest.raises(Unauthorized):
        await auth.by_token(token, None)


async def test_on_a_site_that_has_left_nobody_is_anybody() -> None:
    store = MemoryStore()
    say(store, sites={"news": Site("news")})
    auth = authenticator(bots=store)
    _, token = await auth.new_guest("Mara", "news")
    say(store, sites={})
    with pytest.raises(Unauthorized):
        await auth.by_token(token, "news")
    with pytest.raises(Unauthorized):
        await auth.new_guest("Mara", "news")


# ── bots ──


async def kept(*, revoked: bool = False) -> tuple[MemoryStore, BotToken, str]:
    store = MemoryStore()
    bot, token = new_bot("Bot", frozenset({"read", "post"}), "news/*", NOW_MS)
    await store.add_bot(bot)
    if revoked:
        assert await store.revoke_bot("Bot")
    return store, bot, token


async def test_a_bot_is_who_its_token_says() -> None:
    store, bot, token = await kept()
    identity = await authenticator(bots=store).by_token(token)
    assert (identity.id, identity.name, identity.role) == (f"b:{bot.id}", "Bot", Role.BOT)
    assert (identity.scopes, identity.rooms) == (frozenset({"read", "post"}), "news/*")
    assert identity.expires_ms is None


async def test_only_a_digest_of_a_bots_token_is_kept() -> None:
    _, bot, token = await kept()
    secret = token.removeprefix(f"{PREFIX}{bot.id}_")
    assert len(secret) == 43  # 256 bits in base64
    assert secret not in repr(bot)
    assert new_bot("Bot", frozenset(), "*", NOW_MS)[1] != token


async def test_a_revoked_bot_is_refused() -> None:
    store, _, token = await kept(revoked=True)
    with pytest.raises(Unauthorized):
        await authenticator(bots=store).by_token(token)


async def test_a_bots_token_that_is_not_quite_right_is_refused() -> None:
    store, bot, token = await kept()
    for wrong in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token[:-1],
        token + "A",
        f"{PREFIX}{bot.id}",
        f"{PREFIX}{bot.id}_",
        f"{PREFIX}{bot.id}_{bot.digest}",
        f"{PREFIX}00000000_{token.rpartition('_')[2]}",
        PREFIX,
        f"{PREFIX}_",
        f"{PREFIX}é_é",
    ):
        with pytest.raises(Unauthorized):
            await authenticator(bots=store).by_token(wrong)
