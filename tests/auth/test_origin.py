from __future__ import annotations

import pytest

from livethread.auth.origin import Origins, OwnOrigin

ORIGINS = Origins(
    [
        "https://news.example",
        "http://Dev.example:3000/",
        "https://*.blog.example",
        "http://*.t.x:81",
    ]
)


@pytest.mark.parametrize(
    "origin",
    [
        "https://news.example",
        "http://dev.example:3000",
        "https://a.blog.example",
        "https://a.b-2.blog.example",
        "https://xn--bcher-kva.blog.example",
        "http://a.t.x:81",
    ],
)
def test_named_origins_and_any_subdomain_of_a_wildcard_are_allowed(origin: str) -> None:
    assert origin in ORIGINS


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
        # below a wildcard
        "https://blog.example",
        "https://.blog.example",
        "https://evilblog.example",
        "https://evil-blog.example",
        "https://a..blog.example",
        "https://evil.example/.blog.example",
        "https://evil.example#.blog.example",
        "https://evil.example?.blog.example",
        "https://evil.example:80.blog.example",
        "https://evil@a.blog.example",
        "https://a.blog.example:8443",
        "https://a.blog.example.evil.example",
        "http://a.blog.example",
        "https://*.blog.example",
        "https:// .blog.example",
        "https://a.blog.example\n",
        "https://evil.example\n.blog.example",
        "http://a.t.x",
        "http://a.t.x:8181",
    ],
)
def test_everyone_else_is_not(origin: str) -> None:
    assert origin not in ORIGINS


def test_the_servers_own_origin_has_the_connections_scheme() -> None:
    own = OwnOrigin()
    assert own.of("Talk.example", is_tls=True) == "https://talk.example"
    assert own.of("server:8080", is_tls=False) == "http://server:8080"
    assert own.of("", is_tls=False) is None


def test_a_known_address_is_the_only_own_origin() -> None:
    own = OwnOrigin("https://Talk.example/x")
    assert own.of("evil.example", is_tls=False) == "https://talk.example"
