"""Row 6 of what must survive: of all these tokens only the good ones are taken."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import OctKey, RSAKey

from livethread.auth.identity import Identity
from livethread.auth.keys import load_key, load_key_set
from livethread.model import Role
from livethread.protocol.errors import Rejected, TokenExpired, Unauthorized
from livethread.site import DEFAULT, Site
from tests.auth.jwts import Issuing, Signing, bad, claims, good
from tests.auth.test_authenticator import NOW_MS, Asked, Clock, say
from tests.contract.memory_store import MemoryStore

NOW_S = NOW_MS // 1000
BY = Issuing()
GOOD, BAD = good(BY, NOW_S), bad(BY, NOW_S)


class Believing(Asked):
    """The default site believes all of them, ``news`` one of their names with another key."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        other = Signing(BY.hs.name, "HS256", (OctKey.import_key("n" * 40),))
        sites = {
            DEFAULT: Site(DEFAULT, issuers=tuple(one.issuer for one in BY.all)),
            "news": Site("news", issuers=(other.issuer,)),
        }
        say(self.store, sites=sites)


def test_the_matrix_is_as_large_as_it_should_be() -> None:
    assert len(BAD) >= 25


@pytest.mark.parametrize("token", GOOD.values(), ids=list(GOOD))
async def test_a_good_token_says_who_it_is(token: str) -> None:
    identity = await Believing().by_token(token)
    assert (identity.name, identity.site) == ("Mara Lind", DEFAULT)
    assert identity.role in (Role.READER, Role.TRUSTED)
    assert identity.expires_ms == (NOW_S + 600) * 1000


@pytest.mark.parametrize("token", BAD.values(), ids=list(BAD))
async def test_a_bad_one_is_refused(token: str) -> None:
    asked = Believing()
    with pytest.raises((Unauthorized, TokenExpired)):
        await asked.by_token(token)
    assert asked.store._people == {}


async def test_an_issuer_is_of_one_site() -> None:
    asked = Believing()
    token = BY.hs.token(claims(NOW_S))
    with pytest.raises(Unauthorized):  # that site knows the name, with another key
        await asked.by_token(token, "news")
    with pytest.raises(Unauthorized):
        await asked.by_token(BY.rs.token(claims(NOW_S)), "news")


async def test_people_of_two_issuers_or_sites_are_not_one() -> None:
    asked = Believing()
    subjects = "1", "mara@mail.example"
    tokens = [by.token(claims(NOW_S, sub=sub)) for by in (BY.hs, BY.rs) for sub in subjects]
    ids = [(await asked.by_token(token)).id for token in tokens]
    assert len(set(ids)) == 4
    assert [(await asked.by_token(token)).id for token in tokens] == ids


async def test_whoever_guesses_a_subject_can_not_tell_it_by_the_id() -> None:
    token = BY.hs.token(claims(NOW_S, sub="mara@mail.example"))
    ids = {(await Believing().by_token(token)).id for _ in range(3)}
    assert len(ids) == 3  # other servers call them otherwise: the id isn't made of what is known


async def test_who_signs_in_again_has_been_here_since_the_first_time() -> None:
    clock = Clock()
    asked = Believing(clock=clock)
    tokens = [BY.hs.token(claims(NOW_S, iat=iat)) for iat in (NOW_S, NOW_S + 30, None)]
    for token in tokens:
        assert (await asked.by_token(token)).since_ms == NOW_MS
        clock.now_ms += 30_000


async def test_a_newer_token_refreshes_name_avatar_and_role_and_an_older_one_does_not() -> None:
    asked = Believing()

    async def sign_in(iat: int | None, **changed: Any) -> Identity:
        return await asked.by_token(BY.hs.token(claims(NOW_S, iat=iat, **changed)))

    first = await sign_in(NOW_S - 100, name="Mara", role="moderator")
    assert (first.name, first.role) == ("Mara", Role.MODERATOR)
    second = await sign_in(NOW_S - 50, name="Marie", avatar="https://a.example/1.png")
    assert (second.id, second.name, second.role) == (first.id, "Marie", Role.READER)
    assert second.avatar == "https://a.example/1.png"
    again = await sign_in(NOW_S - 100, name="Mara", role="moderator")
    assert (again.name, again.role, again.avatar) == ("Marie", Role.READER, second.avatar)
    unknown = await sign_in(None, name="Other")
    assert unknown.name == "Other"
    assert (await sign_in(NOW_S - 40, name="Mara L.")).name == "Mara L."


async def test_a_newer_token_takes_a_role_from_who_is_connected_with_an_older_one() -> None:
    asked = Believing()
    await asked.directory.refresh()
    moderator = await asked.by_token(BY.hs.token(claims(NOW_S, iat=NOW_S - 9, role="moderator")))
    assert await asked.directory.refresh()
    assert asked.directory.review(moderator) is moderator
    await asked.by_token(BY.hs.token(claims(NOW_S, iat=NOW_S - 5)))
    assert await asked.directory.refresh()
    assert asked.directory.review(moderator).role is Role.READER
    await asked.by_token(BY.hs.token(claims(NOW_S, iat=NOW_S - 4, name="Other")))
    assert not await asked.directory.refresh()  # a name is no news


async def test_who_was_erased_is_somebody_new_by_a_newer_token_and_nobody_by_an_older() -> None:
    asked = Believing()
    tokens = {iat: BY.hs.token(claims(NOW_S, iat=iat)) for iat in (None, NOW_S - 9, NOW_S - 4)}
    connected = await asked.by_token(tokens[NOW_S - 9])
    asked.store._people.clear()
    mark = asked.signer.mark(DEFAULT, BY.hs.name, "reader-1")
    say(asked.store, erased={mark: NOW_S - 5})
    await asked.directory.refresh()
    with pytest.raises(Unauthorized):
        asked.directory.review(connected)
    for iat in (None, NOW_S - 9):
        with pytest.raises(Unauthorized):
            await asked.by_token(tokens[iat])
    assert asked.store._people == {}  # a token that is refused tells nothing of them again
    anew = await asked.by_token(tokens[NOW_S - 4])
    assert anew.id != connected.id
    with pytest.raises(Unauthorized):
        await asked.by_token(tokens[NOW_S - 9])
    other = await asked.by_token(BY.rs.token(claims(NOW_S, iat=NOW_S - 9)))
    assert asked.directory.review(other) is other


async def test_a_key_is_rolled_over_by_two_that_count_together() -> None:
    store = MemoryStore()
    asked = Asked(bots=store)
    old, new, newest = (OctKey.import_key(letter * 40) for letter in "abc")
    by = Signing("https://i.example", "HS256", (old,))
    tokens = [by.token(claims(NOW_S), key=key) for key in (old, new, newest)]
    for keys, taken in (((old,), "100"), ((old, new), "110"), ((new, newest), "011")):
        issuer = replace(by, keys=keys).issuer
        say(store, sites={DEFAULT: Site(DEFAULT, issuers=(issuer,))})
        for token, is_taken in zip(tokens, taken, strict=True):
            if is_taken == "1":
                await asked.by_token(token)
            else:
                with pytest.raises(Unauthorized):
                    await asked.by_token(token)


async def test_a_reader_of_an_issuer_no_longer_believed_is_nobody() -> None:
    asked = Believing()
    reader = await asked.by_token(BY.hs.token(claims(NOW_S)))
    assert asked.directory.review(reader) is reader
    say(asked.store, sites={DEFAULT: Site(DEFAULT, issuers=(BY.rs.issuer,))})
    await asked.directory.refresh()
    with pytest.raises(Unauthorized):
        asked.directory.review(reader)


async def test_a_token_ends_to_the_second() -> None:
    clock = Clock()
    asked = Believing(clock=clock)
    token = BY.hs.token(claims(NOW_S))
    identity = await asked.by_token(token)
    assert identity.expires_ms is not None
    clock.now_ms = identity.expires_ms - 1
    await asked.by_token(token)
    clock.now_ms += 1
    with pytest.raises(TokenExpired):
        await asked.by_token(token)


async def test_a_guest_can_not_take_the_name_of_one_who_signed_in() -> None:
    asked = Believing()
    await asked.by_token(BY.hs.token(claims(NOW_S)))
    with pytest.raises(Rejected):
        await asked.new_guest("Mara  L\u0456nd")


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_what_is_configured_wrong_is_no_key() -> None:
    rsa = BY.rs.keys[0]
    for algorithm, material in (
        ("HS256", b""),
        ("HS256", b"short"),
        ("HS256", {"kty": "oct", "k": ""}),
        ("HS256", rsa.as_dict(private=False)),
        ("HS256", BY.rs.keys[0].as_pem(private=False)),  # type: ignore[union-attr]
        ("RS256", RSAKey.generate_key(1024).as_dict(private=False)),
        ("RS256", BY.es.keys[0].as_dict(private=False)),
        ("RS256", b"secret" * 8),
        ("ES256", rsa.as_dict(private=False)),
        ("EdDSA", BY.es.keys[0].as_dict(private=False)),
        ("EdDSA", {"kty": "OKP", "crv": "X25519", "x": "A" * 43}),
        ("ES256", {}),
    ):
        with pytest.raises(ValueError, match=r"no key|guessed|weak"):
            load_key(algorithm, material)  # type: ignore[arg-type]
    private = load_key("RS256", rsa.as_dict(private=True))
    assert "d" not in private.as_dict()
    mixed = [
        BY.rs.keys[0].as_dict(private=False),
        BY.rs.keys[0].as_dict(private=False) | {"use": "enc"},
        BY.es.keys[0].as_dict(private=False),
        {"kty": "RSA"},
        {"kty": "oct", "k": "c2VjcmV0"},
        "no key",
        None,
    ]
    found = load_key_set("RS256", json.dumps({"keys": mixed}).encode())
    assert [key.kid for key in found] == ["k1"]
    for data in (b"", b"[]", b"{}", b'{"keys":1}', b"[" * 10_000, b"\xff"):
        with pytest.raises(ValueError, match=r"."):
            load_key_set("RS256", data)
