from __future__ import annotations

import pytest

from livethread.auth.origin import OriginPolicy

POLICY = OriginPolicy(
    ["https://news.example", "http://Dev.example:3000/"], "https://Talk.example/x"
)


@pytest.mark.parametrize(
    "origin",
    [
        "https://news.example",
        "HTTPS://NEWS.EXAMPLE",
        "http://dev.example:3000",
        "https://talk.example",
    ],
)
def test_named_origins_and_the_servers_own_are_allowed(origin: str) -> None:
    assert POLICY.allows(origin, "server:8080", is_tls=False)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "*",
        "http://news.example",
        "https://news.example:8443",
        "https://news.example.evil.example",
        "https://evil-news.example",
        "https://news.example@evil.example",
        "https://news.example/",
        "https://sub.news.example",
        "news.example",
        "http://dev.example",
        "http://server:8080",
        "https://server:8080",
        "http://server",
        "http://server:8080.evil.example",
    ],
)
def test_everyone_else_is_not(origin: str) -> None:
    assert not POLICY.allows(origin, "server:8080", is_tls=False)


def test_the_servers_own_origin_has_the_connections_scheme() -> None:
    policy = OriginPolicy([])
    assert policy.allows("https://talk.example", "Talk.example", is_tls=True)
    assert policy.allows("http://server:8080", "server:8080", is_tls=False)
    assert not policy.allows("http://talk.example", "talk.example", is_tls=True)
    assert not policy.allows("null", "null", is_tls=True)
    assert policy.allowed == []


def test_what_is_allowed_can_be_listed() -> None:
    assert POLICY.allowed == [
        "http://dev.example:3000",
        "https://news.example",
        "https://talk.example",
    ]
