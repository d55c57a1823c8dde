"""From the address people know to the websocket's and the origin."""

from __future__ import annotations

import pytest

from livethread_client.address import resolve


@pytest.mark.parametrize(
    ("url", "websocket", "origin"),
    [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws", "http://127.0.0.1:8080"),
        ("https://a.example/", "wss://a.example/ws", "https://a.example"),
        ("HTTPS://A.example:443", "wss://A.example:443/ws", "https://a.example"),
        ("http://a.example:80/", "ws://a.example:80/ws", "http://a.example"),
        ("https://a.example:80", "wss://a.example:80/ws", "https://a.example:80"),
        ("https://a.example/talk/", "wss://a.example/talk/ws", "https://a.example"),
        ("wss://a.example/ws", "wss://a.example/ws", "https://a.example"),
        ("https://a.example/?site=news", "wss://a.example/ws?site=news", "https://a.example"),
        ("http://[::1]:8080", "ws://[::1]:8080/ws", "http://[::1]:8080"),
    ],
)
def test_resolves(url: str, websocket: str, origin: str) -> None:
    assert resolve(url) == (websocket, origin)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "ftp://a.example",
        "http://",
        "http://u:p@a.example",
        "http://a/?x=1",
        "http://a/?site=a&b",
    ],
)
def test_refuses_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        resolve(url)
