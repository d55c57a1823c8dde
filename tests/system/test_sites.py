"""Several sites on one server, added, changed and removed while it runs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.operator import say, until_noticed
from tests.system.peer import Ended, Peer, Refused, closing

DAILY, WEEKLY, SHARED = "https://daily.example", "https://www.weekly.example", "https://b.both.test"
ROOM = "2026/bridge"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("sites"), **UNLIMITED) as process:
        yield process


@pytest.fixture
async def sites(server: ServerProcess) -> ServerProcess:
    """Two sites, noticed."""
    if "weekly" not in say(server, "site", "list"):
        both = ("--origin", "https://*.both.test")
        say(server, "site", "add", "daily", "--origin", DAILY, *both)
        say(server, "site", "add", "weekly", "--origin", "https://*.weekly.example", *both)
    for origin in (DAILY, WEEKLY):
        (await until_noticed(partial(Peer.open, server.port, origin=origin))).close()
    return server


async def guest(server: ServerProcess, name: str, origin: str, site: str | None = None) -> Peer:
    peer = await Peer.open(server.port, origin=origin, site=site)
    await peer.say(type="hello", version=1, guest={"name": name})
    await peer.hear("welcome")
    return peer


async def post(peer: Peer, body: str, room: str = ROOM) -> None:
    await peer.say(type="post", room=room, nonce=f"nonce-{body}", body=body)
    assert (await peer.hear("ack"))["room"] == room


async def bodies(peer: Peer, room: str = ROOM) -> list[str]:
    await peer.say(type="join", room=room)
    joined = await peer.hear("joined")
    assert joined["room"]["name"] == room
    return [comment["body"] for comment in joined["comments"]]


async def test_a_room_of_one_site_is_none_of_anothers(sites: ServerProcess) -> None:
    daily = await guest(sites, "Mara", DAILY)
    weekly = await guest(sites, "Jon", WEEKLY)
    default = await guest(sites, "Ines", "self")
    with closing(daily), closing(weekly), closing(default):
        assert [await bodies(p) for p in (daily, weekly, default)] == [[], [], []]
        await post(daily, "in-daily")
        await post(weekly, "in-weekly")
        await post(default, "in-default")
        for peer, own in ((daily, "in-daily"), (weekly, "in-weekly"), (default, "in-default")):
            await peer.say(type="page", room=ROOM)
            page = await peer.hear("page")
            assert (page["room"], [c["body"] for c in page["comments"]]) == (ROOM, [own])
    async with httpx.AsyncClient(base_url=sites.url) as client:
        path = f"/api/v1/rooms/{ROOM}"
        for headers, query, own in (
            ({"Origin": DAILY}, {}, "in-daily"),
            ({}, {"site": "weekly"}, "in-weekly"),
            ({}, {}, "in-default"),
        ):
            found = await client.get(f"{path}/comments", headers=headers, params=query)
            assert [c["body"] for c in found.json()["comments"]] == [own]
            found = await client.get(path, headers=headers, params=query)
            assert found.json()["room"]["name"] == ROOM
            assert found.json()["room"]["comments"] == 1
            found = await client.get(
                "/api/v1/counts", headers=headers, params={"room": ROOM, **query}
            )
            assert found.json() == {"counts": {ROOM: 1}}


async def test_the_pages_of_a_site_lead_to_pages_of_the_site(sites: ServerProcess) -> None:
    weekly = await guest(sites, "Jon", WEEKLY)
    with closing(weekly):
        for number in range(21):
            await post(weekly, f"number-{number}", "paged")
    async with httpx.AsyncClient(base_url=sites.url) as client:
        page = await client.get("/rooms/paged?site=weekly")
        assert "number-0" in page.text
        assert "weekly paged" not in page.text
        following = re.search(r'href="(/rooms/paged[?]site=weekly&amp;after=[^"]+)"', page.text)
        assert following is not None
        assert "number-20" in (await client.get(html.unescape(following[1]))).text
        feed = re.search(r'href="(/feeds/paged[?]site=weekly)"', page.text)
        assert feed is not None
        atom = (await client.get(feed[1])).text
        assert "number-20" in atom
        assert f"{sites.url}/rooms/paged?site=weekly#comment-" in atom
        assert "number" not in (await client.get("/rooms/paged")).text
        assert "number" not in (await client.get("/feeds/paged")).text


async def test_live_changes_go_to_the_sites_own_readers_only(sites: ServerProcess) -> None:
    room = "live"
    daily, weekly = await guest(sites, "Mara", DAILY), await guest(sites, "Jon", WEEKLY)
    with closing(daily), closing(weekly):
        await bodies(daily, room)
        await bodies(weekly, room)
        await post(weekly, "weekly-only", room)
        await post(daily, "daily-only", room)
        heard = await daily.hear("changes")
        assert heard["room"] == room
        assert [change["comment"]["body"] for change in heard["changes"]] == ["daily-only"]


async def test_a_page_may_call_only_a_site_that_has_its_origin(sites: ServerProcess) -> None:
    for origin, site in (
        (DAILY, "weekly"),
        (DAILY, "default"),
        ("https://weekly.example", "weekly"),  # a wildcard is for what lies below
        ("https://evil.example", "daily"),
        ("null", "daily"),
        (SHARED, None),  # two sites have it
        ("self", "nowhere"),
        (None, "nowhere"),
    ):
        with pytest.raises(Refused) as refused:
            await Peer.open(sites.port, origin=origin, site=site)
        assert refused.value.status == 403
        given = sites.url if origin == "self" else origin
        async with httpx.AsyncClient(base_url=sites.url) as client:
            answer = await client.get(
                f"/api/v1/rooms/{ROOM}/comments",
                params={} if site is None else {"site": site},
                headers={} if given is None else {"Origin": given},
            )
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert "access-control-allow-origin" not in answer.headers
    peer = await guest(sites, "Mara", SHARED, "weekly")
    with closing(peer):
        await bodies(peer)


@pytest.mark.parametrize(
    "name", ["Host", "X-Forwarded-Host", "Forwarded", "X-Site", "Referer", "X-Forwarded-For"]
)
async def test_no_header_names_a_site(sites: ServerProcess, name: str) -> None:
    """One that does would make another site's rooms out of these."""
    async with httpx.AsyncClient(base_url=sites.url) as client:
        values = ("daily.example", DAILY, "daily", "daily", DAILY, "daily.example")
        for value in values:
            answer = await client.get("/api/v1/counts?room=only-here", headers={name: value})
            assert answer.json() == {"counts": {"only-here": 0}}
        daily = await guest(sites, "Mara", DAILY)
        with closing(daily):
            await post(daily, f"by-{name}", "only-here-2")
        answer = await client.get("/api/v1/counts?room=only-here-2", headers={name: DAILY})
        assert answer.json() == {"counts": {"only-here-2": 0}}


async def test_a_guests_token_is_for_its_site(sites: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=sites.url) as client:
        new = await client.post("/api/v1/guests", json={"name": "Mara"}, headers={"Origin": DAILY})
        token = new.json()["guest_token"]
        for origin, status in ((DAILY, 201), (WEEKLY, 401), (sites.url, 401)):
            answer = await client.post(
                "/api/v1/rooms/guests/comments",
                json={"body": "hello"},
                headers={
                    "Origin": origin,
                    "Authorization": f"Bearer {token}",
                    "Idempotency-Key": "key-0001",
                },
            )
            assert answer.status_code == status


async def test_a_bots_token_names_its_site(sites: ServerProcess) -> None:
    token = say(sites, "bot", "create", "Weekly bot", "--site", "weekly")
    bot = await Peer.speaking(sites.port, token=token, origin=None)
    weekly = await guest(sites, "Jon", WEEKLY)
    with closing(bot), closing(weekly):
        await post(bot, "by-the-bot", "bots")
        assert await bodies(weekly, "bots") == ["by-the-bot"]
    for options in ({"site": "daily"}, {"site": "default"}):
        peer = await Peer.open(sites.port, origin=None, **options)  # type: ignore[arg-type]
        with closing(peer):
            await peer.say(type="hello", version=1, token=token)
            assert (await peer.hear("error"))["code"] == "unauthorized"


async def test_what_is_said_of_a_site_counts_without_a_restart(server: ServerProcess) -> None:
    """Added, changed and removed: a page is let in, let go elsewhere, and turned away."""
    old, new = "https://old.example", "https://new.example"
    with pytest.raises(Refused):
        await Peer.open(server.port, origin=old)
    say(server, "site", "add", "short", "--origin", old)
    (await until_noticed(partial(Peer.open, server.port, origin=old))).close()
    say(server, "site", "set", "short", "--origin", new)
    reader = await until_noticed(partial(Peer.open, server.port, origin=new))
    with pytest.raises(Refused):
        await Peer.open(server.port, origin=old)
    with closing(reader):
        await reader.say(type="hello", version=1, guest={"name": "Mara"})
        await reader.hear("welcome")
        say(server, "site", "set", "short", "--no-guests")
        assert (await reader.hear("error"))["code"] == "unauthorized"
        with pytest.raises(Ended) as end:
            await reader.message()
        assert end.value.code == 4500
    reader = await Peer.speaking(server.port, origin=new)
    with closing(reader):
        say(server, "site", "remove", "short")
        assert (await reader.hear("error"))["code"] == "unauthorized"
        with pytest.raises(Ended) as end:
            await reader.message()
        assert end.value.code == 4500
    with pytest.raises(Refused):
        await Peer.open(server.port, origin=new)


async def test_a_moderator_of_one_site_never_sees_who_is_barred_from_another(
    sites: ServerProcess,
) -> None:
    scopes = [word for scope in ("read", "moderate", "staff-feed") for word in ("--scope", scope)]
    tokens = {
        site: say(sites, "bot", "create", f"Mod of {site}", "--site", site, *scopes)
        for site in ("daily", "weekly", "default")
    }
    weekly = await Peer.speaking(sites.port, token=tokens["weekly"], origin=None)
    async with httpx.AsyncClient(base_url=f"{sites.url}/api/v1") as client:

        async def listed(site: str) -> list[tuple[str, str]]:
            headers = {"Authorization": f"Bearer {tokens[site]}"}
            found = (await client.get("restrictions", headers=headers)).json()
            return [(one["person"], one["kind"]) for one in found["restrictions"]]

        async def bar(site: str, path: str, action: str) -> None:
            headers = {"Authorization": f"Bearer {tokens[site]}"}
            body = {"author": "g:0123456789abcdef", "action": action}
            assert (await client.post(path, json=body, headers=headers)).status_code == 200

        with closing(weekly):
            await weekly.say(type="watch", on=True)
            await weekly.hear("watching")
            for action in ("ban", "shadow"):
                await bar("daily", "moderation", action)
            await bar("daily", f"rooms/{ROOM}/moderation", "mute")
            assert {site: await listed(site) for site in tokens} == {
                "daily": [("g:0123456789abcdef", kind) for kind in ("mute", "shadow", "ban")],
                "weekly": [],
                "default": [],
            }
            for action in ("unban", "unshadow"):
                await bar("weekly", "moderation", action)
            assert [kind for _, kind in await listed("daily")] == ["mute", "shadow", "ban"]
            heard = [await weekly.message() for _ in range(2)]
            assert [frame["action"] for frame in heard] == ["unban", "unshadow"]
