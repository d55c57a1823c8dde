from __future__ import annotations

import pytest

from livethread.site import DEFAULT, clean_origin, key_of, name_of


def test_the_default_sites_rooms_are_named_as_they_always_were() -> None:
    assert key_of(DEFAULT, "news/1") == "news/1"
    assert key_of("blog", "news/1") != key_of("shop", "news/1") != "news/1"
    assert name_of(key_of("blog", "news/1")) == name_of("news/1") == "news/1"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://News.example", "https://news.example"),
        ("https://news.example/", "https://news.example"),
        ("https://news.example:443", "https://news.example"),
        ("http://news.example:80", "http://news.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://*.news.example", "https://*.news.example"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(given: str, kept: str) -> None:
    assert clean_origin(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "news.example",
        "https://",
        "https://*",
        "https://*.example",
        "https://a.*.example",
        "https://*news.example",
        "https://news.example/page",
        "https://user@news.example",
        "https://news.example?",
        "ftp://news.example",
        "null",
        "*",
        "https://news.example\n",
    ],
)
def test_anything_else_is_no_origin(given: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        clean_origin(given)
