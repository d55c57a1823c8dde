from __future__ import annotations

import pytest

from livethread.auth.identity import ANONYMOUS, SCOPES, Identity, Scope
from livethread.model import Audience, Author, Role
from livethread.protocol.errors import Forbidden, Unauthorized

MODERATORS = {"read", "post", "moderate", "replay", "staff-feed"}
MAY: dict[Role, set[str]] = {
    Role.ANONYMOUS: {"read"},
    Role.GUEST: {"read", "post"},
    Role.READER: {"read", "post"},
    Role.TRUSTED: {"read", "post"},
    Role.MODERATOR: MODERATORS,
    Role.ADMIN: MODERATORS,
}


def bot(*scopes: str, rooms: str = "*") -> Identity:
    return Identity("b:1", "Bot", Role.BOT, scopes=frozenset(scopes), rooms=rooms)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("role", list(MAY))
def test_people_may_what_their_role_allows(role: Role, scope: Scope) -> None:
    identity = Identity("x:1", "X", role, scopes=frozenset(SCOPES), rooms="none")
    assert identity.may(scope, "a") is (scope in MAY[role])


@pytest.mark.parametrize("asked", SCOPES)
@pytest.mark.parametrize("given", SCOPES)
def test_a_bot_may_what_its_token_says_and_nothing_else(given: Scope, asked: Scope) -> None:
    assert bot(given).may(asked, "a") is (given == asked)
    assert not bot().may(asked, "a")


@pytest.mark.parametrize(
    ("pattern", "room", "is_in"),
    [
        ("*", "any/room", True),
        ("news/*", "news/1", True),
        ("news/*", "sports/news/1", False),
        ("news/*", "News/1", False),
        ("news", "news/1", False),
        ("news-?", "news-1", True),
        ("", "news", False),
    ],
)
def test_a_bots_rooms_are_a_pattern_for_the_whole_name(
    pattern: str, room: str, is_in: bool
) -> None:
    assert bot(*SCOPES, rooms=pattern).may("post", room) is is_in


def test_a_refusal_says_whether_signing_in_would_help() -> None:
    with pytest.raises(Unauthorized):
        ANONYMOUS.require("post", "a")
    for identity, scope in ((ANONYMOUS, "moderate"), (bot("read"), "post")):
        with pytest.raises(Forbidden):
            identity.require(scope, "a")  # type: ignore[arg-type]


@pytest.mark.parametrize("role", list(Role))
def test_staff_are_moderators_admins_and_bots_that_moderate(role: Role) -> None:
    is_staff = role in (Role.MODERATOR, Role.ADMIN)
    assert Identity("x:1", "X", role).is_staff is is_staff
    moderating = Identity("x:1", "X", role, scopes=frozenset({"moderate"}))
    assert moderating.is_staff is (is_staff or role is Role.BOT)


def test_only_staff_and_bots_with_the_scope_see_the_staffs_feed() -> None:
    seen = {role: Identity("x:1", "X", role).audience for role in Role}
    staff = {role for role, audience in seen.items() if audience is Audience.STAFF}
    assert staff == {Role.MODERATOR, Role.ADMIN}
    assert bot("staff-feed").audience is Audience.STAFF
    assert bot("moderate", "read", "post", "replay").audience is Audience.PUBLIC


def test_an_author_carries_the_roles_badge() -> None:
    badges = {role: Identity("x:1", "X", role, "https://a.example/a").author for role in Role}
    assert badges[Role.GUEST] == Author("x:1", "X", "https://a.example/a", None)
    assert badges[Role.BOT].badge == "bot"
    assert badges[Role.MODERATOR].badge == badges[Role.ADMIN].badge == "staff"
    assert badges[Role.TRUSTED].badge is badges[Role.READER].badge is None


@pytest.mark.parametrize("scope", ["moderate", "replay", "staff-feed"])
def test_a_refusal_names_the_scope_that_is_missing(scope: Scope) -> None:
    for identity in (ANONYMOUS, bot("read")):
        with pytest.raises(Forbidden) as refusal:
            identity.require(scope, "a")
        assert repr(scope) in refusal.value.message
