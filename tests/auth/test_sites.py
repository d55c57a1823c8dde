"""Which site a call is for."""

from __future__ import annotations

import pytest

from livethread.auth.origin import OwnOrigin
from livethread.auth.sites import Call, Sites
from livethread.protocol.errors import Forbidden
from livethread.site import DEFAULT, Site

DAILY, WEEKLY, SHARED = "https://daily.example", "https://weekly.example", "https://both.example"
OWN = "http://talk.example"
SITES = Sites(
    Site(DEFAULT, origins=("https://old.example",), guests=True),
    OwnOrigin(),
    {
        "daily": Site("daily", origins=(DAILY, SHARED)),
        "weekly": Site("weekly", origins=(WEEKLY, SHARED), guests=False),
    },
)


def called(origin: str | None, site: str | None = None, host: str = "talk.example") -> str | None:
    found = SITES.of(Call([] if origin is None else [origin], [host], False, site))
    return None if found is None else found.key


@pytest.mark.parametrize(
    ("origin", "named", "site"),
    [
        (DAILY, None, "daily"),
        (DAILY.upper(), None, "daily"),
        (WEEKLY, None, "weekly"),
        ("https://old.example", None, DEFAULT),
        (OWN, None, DEFAULT),
        (OWN, "weekly", "weekly"),
        (SHARED, "daily", "daily"),
        (SHARED, "weekly", "weekly"),
        (DAILY, "daily", "daily"),
        (None, "daily", "daily"),
        (None, DEFAULT, DEFAULT),
        (None, None, None),
    ],
)
def test_the_name_decides_else_the_origin(
    origin: str | None, named: str | None, site: str | None
) -> None:
    assert called(origin, named) == site


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        (SHARED, None),  # of two sites: which?
        (DAILY, "weekly"),  # a page of another site
        (DAILY, DEFAULT),
        ("https://old.example", "daily"),
        ("https://evil.example", None),
        ("https://evil.example", "daily"),
        ("null", "daily"),
        ("", "daily"),
        (OWN, "nowhere"),
        (DAILY, "nowhere"),
        (None, "nowhere"),
        (None, ""),
        (None, "DAILY"),
    ],
)
def test_a_page_may_not_call_a_site_that_is_not_its_own(
    origin: str | None, named: str | None
) -> None:
    with pytest.raises(Forbidden):
        called(origin, named)


def test_two_origins_are_none() -> None:
    with pytest.raises(Forbidden):
        SITES.of(Call([DAILY, DAILY], ["talk.example"], False, "daily"))


def test_two_hosts_make_no_origin_the_servers_own() -> None:
    with pytest.raises(Forbidden):
        SITES.of(Call([OWN], ["talk.example", "talk.example"], False))
    with pytest.raises(Forbidden):
        SITES.of(Call(["http://"], ["a", "b"], False))


def test_what_is_kept_for_the_default_site_adds_to_the_settings() -> None:
    sites = Sites(
        Site(DEFAULT, origins=("https://a.example",), guests=True),
        OwnOrigin(),
        {DEFAULT: Site(DEFAULT, "News", ("https://b.example",), False), "x": Site("x")},
    )
    assert sites.default.origins == ("https://a.example", "https://b.example")
    assert (sites.default.name, sites.default.guests) == ("News", False)
    other = sites.get("x")
    assert other is not None
    assert other.guests is False  # as the default's, where it says nothing itself
