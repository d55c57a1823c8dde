"""A page of another site gets 403 and no data; without an Origin only bots may speak."""

from pathlib import Path

import pytest

from tests.serverprocess import serving
from tests.system.conftest import Shared
from tests.system.peer import Ended, Headers, Peer, Refused, closing

ALLOWED = ["https://news.example", "http://localhost:3000", "self"]

FOREIGN = [
    "https://evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "null",
    "NULL",
    "",
    "*",
    "file://",
    "https://",
    "https://news.example.evil.example",  # prefix trick
    "https://news.example@evil.example",
    "https://evil.example/https://news.example",
    "https://evil.example#https://news.example",
    "https://evil.example?https://news.example",
    "https://evilnews.example",  # suffix tricks
    "https://sub.news.example",
    "https://evil-news.example",
    "https://newsXexample",  # a dot is no wildcard
    "https://news.example.",
    "https://news.example:443",
    "https://news.example:8443",
    "https://news.example/",
    "https://news.example/page",
    "https://news.example https://evil.example",
    "https://news.example, https://evil.example",
    "https://news.exampl\xe9",
    "http://news.example",  # another scheme
    "wss://news.example",
    "news.example",
    "//news.example",
    "http://localhost",  # another port
    "http://localhost:30000",
    "http://localhost:300",
    "http://127.0.0.1",
    "https://127.0.0.1:{port}",
    "http://127.0.0.1:{port}.evil.example",
    "http://127.0.0.2:{port}",
    "http://localhost:{port}",
    "http://[::1]:{port}",
]


@pytest.mark.parametrize("origin", ALLOWED)
async def test_listed_origin_and_the_servers_own_may_connect(server: Shared, origin: str) -> None:
    peer = await Peer.open(server.port, origin=origin)
    with closing(peer):
        await peer.say(type="hello", version=1)
        await peer.hear("welcome")


@pytest.mark.parametrize("origin", FOREIGN)
async def test_foreign_origin_gets_403_and_no_data(server: Shared, origin: str) -> None:
    await _is_refused(server, [("Origin", origin.format(port=server.port))])


@pytest.mark.parametrize("second", ["https://news.example", "https://evil.example", ""])
async def test_two_origins_are_refused_whatever_they_are(server: Shared, second: str) -> None:
    await _is_refused(server, [("Origin", "https://news.example"), ("Origin", second)])
    await _is_refused(server, [("Origin", second), ("origin", "https://news.example")])


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "X-Original-Host", "Forwarded", "X-Forwarded-Proto"]
)
async def test_no_other_header_makes_an_origin_the_servers_own(server: Shared, header: str) -> None:
    given = [("Origin", "https://evil.example"), (header, "evil.example"), (header, "https")]
    await _is_refused(server, given)


async def test_second_host_header_makes_no_origin_the_servers_own(server: Shared) -> None:
    await _is_refused(server, [("Origin", "http://evil.example"), ("Host", "evil.example")])


async def test_host_makes_no_origin_the_servers_own_where_its_address_is_set(
    tmp_path: Path,
) -> None:
    """A page may have its own name point to this machine (DNS rebinding)."""
    with serving(tmp_path, public_url="https://talk.example") as own:
        for headers in (
            [("Origin", "self")],
            [("Origin", "http://evil.example"), ("Host", "evil.example")],
            [("Origin", "http://evil.example"), ("X-Forwarded-Host", "evil.example")],
        ):
            given = [(n, v.replace("self", own.url)) for n, v in headers]
            with pytest.raises(Refused):
                await Peer.open(own.port, origin=None, headers=given)
        peer = await Peer.open(own.port, origin="https://talk.example")
        with closing(peer):
            await peer.say(type="hello", version=1)
            await peer.hear("welcome")


async def test_without_an_origin_a_reader_is_turned_away(server: Shared) -> None:
    for fields in ({}, {"guest": {"name": "No Browser"}}, {"token": "abc.def.ghi"}):
        peer = await Peer.open(server.port, origin=None)
        with closing(peer):
            await peer.say(type="hello", version=1, **fields)
            await peer.say(type="join", room="private", ref="j")
            assert (await peer.message())["code"] == "unauthorized"
            with pytest.raises(Ended) as end:
                await peer.message()
            assert end.value.code == 4500


async def test_without_an_origin_a_bot_may_speak(server: Shared) -> None:
    peer = await Peer.speaking(server.port, token=server.post_token, origin=None)
    with closing(peer):
        await peer.say(type="join", room="bots")
        await peer.hear("joined")


async def test_bot_without_an_origin_can_not_become_a_reader(server: Shared) -> None:
    peer = await Peer.speaking(server.port, token=server.post_token, origin=None)
    with closing(peer):
        await peer.say(type="renew", guest={"name": "No Browser"}, ref="r")
        assert (await peer.hear("error"))["code"] == "unauthorized"
        await peer.say(type="post", room="bots", nonce="still-a-bot", body="still a bot")
        assert (await peer.hear("ack"))["comment"]["author"]["badge"] == "bot"


async def _is_refused(server: Shared, headers: Headers) -> None:
    with pytest.raises(Refused) as refused:
        await Peer.open(server.port, origin=None, headers=headers)
    assert refused.value.status in (400, 403)
    if not any(name == "Host" for name, _ in headers):
        assert refused.value.status == 403
    assert b"welcome" not in refused.value.body
    assert "Sec-WebSocket-Accept" not in refused.value.head
