"""Reading over HTTP."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from livethread.model import Author, ConfigureRoom, RoomName, Write
from livethread.protocol import frames
from livethread.web.shapes import ChangesReply, Counts, RoomReply
from tests.web.site import ROOM, ROOMS, Site, a_site, until


async def read(
    site: Site, path: str, by: dict[str, str] | None = None, **params: Any
) -> dict[str, Any]:
    answer = await site.client.get(f"{ROOMS}/{path}", params=params, headers=by)
    assert answer.status_code == 200, answer.text
    value: dict[str, Any] = answer.json()
    return value


async def replay(site: Site, by: dict[str, str], since: str) -> list[dict[str, Any]]:
    """All pages of the changes from a cursor on."""
    pages = [await read(site, f"{ROOM}/changes", by, since=since)]
    while pages[-1]["more"]:
        pages.append(await read(site, f"{ROOM}/changes", by, since=pages[-1]["cursor"]))
    return pages


async def test_a_token_says_who_one_is_as_a_welcome_does(site: Site) -> None:
    nobody = await site.client.get("/api/v1/me")
    assert frames.Welcome.model_validate_json(nobody.content).user.role == "anonymous"
    guest = await site.client.get("/api/v1/me", headers=await site.guest("Mara"))
    welcome = frames.Welcome.model_validate_json(guest.content)
    assert (welcome.user.name, welcome.user.role, welcome.guest_token) == ("Mara", "guest", None)
    wrong = await site.client.get("/api/v1/me", headers={"Authorization": "Bearer nonsense"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "unauthorized")


async def test_a_room_that_nobody_wrote_in_has_a_cursor(site: Site) -> None:
    answer = await site.client.get(f"{ROOMS}/{ROOM}")
    room = RoomReply.model_validate_json(answer.content)
    assert room.room.comments == 0
    assert room.cursor.endswith(".0")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_room_counts_and_its_cursor_moves(site: Site) -> None:
    before = await site.cursor()
    await site.post(await site.guest(), "one")
    room = await read(site, ROOM)
    assert room["room"]["comments"] == 1
    assert room["cursor"] == before.replace(".0", ".1")


async def test_an_encoded_slash_is_a_slash(site: Site) -> None:
    await site.post(await site.guest(), "one")
    encoded = await read(site, ROOM.replace("/", "%2F"))
    assert encoded == await read(site, ROOM)


async def test_comments_come_in_pages_in_the_asked_order(site: Site) -> None:
    guest = await site.guest()
    for number in range(5):
        await site.post(guest, f"root {number}")
    first = await read(site, f"{ROOM}/comments", order="newest", limit=2)
    second = await read(site, f"{ROOM}/comments", order="newest", limit=2, after=first["next"])
    third = await read(site, f"{ROOM}/comments", order="newest", limit=2, after=second["next"])
    ids = [comment["id"] for page in (first, second, third) for comment in page["comments"]]
    assert ids == [5, 4, 3, 2, 1]
    assert "next" not in third
    assert first["at"] == 5
    frames.PageReply.model_validate(first)


async def test_a_comments_place_is_a_page(site: Site) -> None:
    guest = await site.guest()
    root = await site.post(guest, "root")
    reply = await site.post(guest, "reply", parent=root["id"])
    await site.post(guest, "another root")
    page = await read(site, f"{ROOM}/comments", comment=reply["id"])
    assert [comment["id"] for comment in page["comments"]] == [root["id"], reply["id"]]
    missing = await site.client.get(f"{ROOMS}/{ROOM}/comments", params={"comment": 99})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    both = await site.client.get(f"{ROOMS}/{ROOM}/comments", params={"comment": 1, "parent": 1})
    assert (both.status_code, both.json()["code"]) == (422, "bad_frame")


async def test_the_rest_of_a_thread_is_a_page_of_its_root(tmp_path: Path) -> None:
    async with a_site(tmp_path, page_replies=2) as site:
        guest = await site.guest()
        root = await site.post(guest, "root")
        for number in range(4):
            await site.post(guest, f"reply {number}", parent=root["id"])
        page = await read(site, f"{ROOM}/comments")
        rest = await read(site, f"{ROOM}/comments", parent=1, after=page["more"]["1"])
        assert [c["body"] for c in page["comments"]] == ["root", "reply 0", "reply 1"]
        assert [c["body"] for c in rest["comments"]] == ["reply 2", "reply 3"]


async def test_a_page_of_long_comments_ends_early_and_goes_on(tmp_path: Path) -> None:
    async with a_site(tmp_path, page_bytes=10_000) as site:
        guest = await site.guest()
        for number in range(4):
            await site.post(guest, f"{number}" * 3000)
            await site.post(guest, f"r{number}" * 1500, parent=1)
        ids: list[int] = []
        asked: list[dict[str, Any]] = [{}]
        while asked:
            place = asked.pop()
            page = await read(site, f"{ROOM}/comments", limit=100, **place)
            assert len(json.dumps(page)) < 11_000
            ids += [comment["id"] for comment in page["comments"]]
            if "next" in page:
                asked.append(place | {"after": page["next"]})
            for root, token in page.get("more", {}).items():
                asked.append({"parent": root, "after": token})
        assert sorted(ids) == list(range(1, 9))


async def test_a_page_token_of_another_order_is_refused(site: Site) -> None:
    answer = await site.client.get(f"{ROOMS}/{ROOM}/comments?order=oldest&after=n1")
    assert answer.status_code == 422
    assert answer.json()["field"] == "after"


async def test_changes_from_the_beginning_are_paged_compacted_and_without_gap(
    tmp_path: Path,
) -> None:
    bounds: dict[str, Any] = {"replay_changes": 10, "ring_entries": 16, "resume_changes": 10}
    async with a_site(tmp_path, **bounds) as site:
        guest, reader = await site.guest(), await site.bot("read", "replay")
        for number in range(35):
            await site.post(guest, f"comment {number}")
        edited = {"body": "edited"}
        await site.client.patch(f"{ROOMS}/{ROOM}/comments/3", json=edited, headers=guest)
        pages = await replay(site, reader, since="0")
        for page in pages:
            ChangesReply.model_validate(page)
        assert len(pages) > 2
        assert pages[0]["from"] == 0
        assert all(a["to"] == b["from"] for a, b in pairwise(pages))
        seqs = [change["seq"] for page in pages for change in page["changes"]]
        assert seqs == [1, 2, *range(4, 37)]
        assert pages[-1]["cursor"] == await site.cursor()


async def test_the_whole_feed_is_for_those_who_may_replay(site: Site) -> None:
    await site.post(await site.guest(), "one")
    for by in ({}, await site.guest(), await site.bot("read"), await site.bot("replay")):
        for path in ("changes", "events"):
            answer = await site.client.get(f"{ROOMS}/{ROOM}/{path}?since=0", headers=by)
            assert answer.status_code == 403
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "forbidden"
            assert "one" not in answer.text


@pytest.mark.parametrize("bounds", [{"resume_changes": 3}, {"resume_bytes": 1_024}])
async def test_who_is_too_far_behind_is_told_to_read_anew(
    tmp_path: Path, bounds: dict[str, Any]
) -> None:
    async with a_site(tmp_path, ring_entries=16, **bounds) as site:
        guest, replaying = await site.guest(), await site.bot("read", "replay")
        start = await site.cursor()
        for number in range(20):
            await site.post(guest, f"comment {number}")
        cursor = await site.cursor()
        lost = await site.client.get(f"{ROOMS}/{ROOM}/changes", params={"since": start})
        assert lost.status_code == 410
        assert lost.json()["cursor"] == cursor
        near = await read(site, f"{ROOM}/changes", since=cursor.replace(".20", ".17"))
        assert [change["seq"] for change in near["changes"]] == [18, 19, 20]
        pages = await replay(site, replaying, since=start)
        assert pages[-1]["cursor"] == cursor


async def test_without_a_cursor_changes_are_followed_from_now_on(site: Site) -> None:
    await site.post(await site.guest(), "one")
    page = await read(site, f"{ROOM}/changes")
    assert (page["from"], page["to"], page["changes"], page["more"]) == (1, 1, [], False)
    assert page["cursor"] == await site.cursor()


async def test_nothing_new_is_an_empty_range(site: Site) -> None:
    await site.post(await site.guest(), "one")
    cursor = await site.cursor()
    page = await read(site, f"{ROOM}/changes", since=cursor)
    assert (page["from"], page["to"], page["changes"], page["more"]) == (1, 1, [], False)
    assert page["cursor"] == cursor


async def test_a_cursor_that_cant_be_continued_is_gone_and_the_present_one_is_told(
    site: Site,
) -> None:
    await site.post(await site.guest(), "one")
    cursor = await site.cursor()
    for lost in ("zzzz.1", cursor.replace(".1", ".2")):
        answer = await site.client.get(f"{ROOMS}/{ROOM}/changes", params={"since": lost})
        assert answer.status_code == 410
        assert answer.json()["code"] == "reset"
        assert answer.json()["cursor"] == cursor


async def test_a_cursor_of_the_wrong_form_is_refused(site: Site) -> None:
    answer = await site.client.get(f"{ROOMS}/{ROOM}/changes?since=1")
    assert answer.status_code == 422
    assert answer.json()["field"] == "since"


async def test_a_long_poll_wakes_on_a_commit(site: Site) -> None:
    guest = await site.guest()
    since = await site.cursor()
    async with asyncio.TaskGroup() as tasks:
        polling = tasks.create_task(read(site, f"{ROOM}/changes", since=since, wait=25))
        await site.waiting()
        assert len(site.gateway.streams) == 1
        await site.post(guest, "news")
    page = polling.result()
    assert [change["comment"]["body"] for change in page["changes"]] == ["news"]
    assert len(site.gateway.streams) == 0


async def test_a_long_poll_says_how_many_read_once_it_was_told(tmp_path: Path) -> None:
    async with a_site(tmp_path, presence_s=0.05) as site, asyncio.timeout(10):
        since = await site.cursor()
        async with asyncio.TaskGroup() as tasks:
            polling = [
                tasks.create_task(read(site, f"{ROOM}/changes", since=since, wait=25))
                for _ in range(2)
            ]
            await until(lambda: [s.readers for s in site.gateway.streams] == [2, 2])
            await site.post(await site.guest(), "news")
        for poll in polling:
            assert ChangesReply.model_validate(poll.result()).readers == 2
        assert "readers" not in await read(site, f"{ROOM}/changes", since=since)


@pytest.mark.parametrize(("wait", "bound"), [(0.01, 3600), (3600, 0.01)])
async def test_a_long_poll_ends_empty_when_its_time_or_the_servers_is_over(
    tmp_path: Path, wait: float, bound: float
) -> None:
    async with a_site(tmp_path, long_poll_s=bound) as site, asyncio.timeout(10):
        since = await site.cursor()
        page = await read(site, f"{ROOM}/changes", since=since, wait=wait)
        assert page["changes"] == []
        assert page["cursor"] == since
        await site.waiting(0)


async def test_a_long_poll_ends_when_the_server_drains(tmp_path: Path) -> None:
    async with a_site(tmp_path, long_poll_s=3600) as site:
        since = await site.cursor()
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            polling = tasks.create_task(read(site, f"{ROOM}/changes", since=since, wait=3600))
            await site.waiting()
            site.gateway.drain()
        assert polling.result()["changes"] == []


async def test_long_polls_count_among_an_addresss_connections(tmp_path: Path) -> None:
    async with a_site(tmp_path, max_connections_per_address=1) as site:
        since = await site.cursor()
        path = f"{ROOMS}/{ROOM}/changes"
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(site.client.get(path, params={"since": since, "wait": 25}))
            await until(lambda: len(site.gateway.streams) == 1)
            refused = await site.client.get(path, params={"since": since, "wait": 25})
            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "5"
            async with site.peer("192.0.2.2") as other:
                answer = await other.get(path, params={"since": since, "wait": 0.01})
                assert answer.status_code == 200
            site.gateway.drain()


async def test_held_comments_are_in_nobodys_pages_but_staffs(site: Site) -> None:
    staff = await site.bot("read", "moderate", "staff-feed")
    guest = await site.guest()
    await premoderate(site)
    held = await site.post(guest, "canary")
    assert held["state"] == "held"
    since = (await site.cursor()).partition(".")[0] + ".0"
    changes = f"{ROOMS}/{ROOM}/changes?since={since}"
    paths = (f"{ROOMS}/{ROOM}/comments", changes, f"/rooms/{ROOM}")
    for path in (*paths, f"/feeds/{ROOM}"):
        for headers in ({}, guest):
            assert "canary" not in (await site.client.get(path, headers=headers)).text
    for path in paths[:2]:
        assert "canary" in (await site.client.get(path, headers=staff)).text
    assert "canary" not in (await site.client.get(paths[2], headers=staff)).text


async def test_a_room_says_what_of_ones_own_is_held(site: Site) -> None:
    mara, jon = await site.guest("Mara"), await site.guest("Jon")
    await premoderate(site)
    await site.post(mara, "canary")
    [mine] = RoomReply.model_validate(await read(site, ROOM, mara)).mine or []
    assert (mine.body, mine.state) == ("canary", "held")
    for other in (jon, None):
        assert "mine" not in await read(site, ROOM, other)


async def premoderate(site: Site) -> None:
    wish = ConfigureRoom(None, None, True, None)
    author = Author("staff", "Staff")
    write = Write(RoomName(ROOM), author, True, "nonce-of-staff", "f", 1, wish)
    decided: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    site.gateway.services.writer.submit(write, decided.set_result)
    await decided


async def test_counts_of_many_rooms(site: Site) -> None:
    await site.post(await site.guest(), "one")
    answer = await site.client.get("/api/v1/counts", params={"room": [ROOM, "empty", ROOM]})
    assert Counts.model_validate_json(answer.content).counts == {ROOM: 1, "empty": 0}


async def test_counts_are_of_valid_rooms_and_at_most_a_hundred(site: Site) -> None:
    hundred = [f"room{n}" for n in range(100)]
    for rooms, status in ((hundred, 200), ([*hundred, "one-more"], 422), (["a b"], 422), ([], 422)):
        answer = await site.client.get("/api/v1/counts", params={"room": rooms})
        assert answer.status_code == status


async def test_a_bot_reads_only_where_its_token_says(site: Site) -> None:
    bot = await site.bot("read", rooms="sport/*")
    for path in ("", "/comments", "/changes", "/events"):
        answer = await site.client.get(f"{ROOMS}/{ROOM}{path}", headers=bot)
        assert answer.status_code == 403, path
    answer = await site.client.get(f"/api/v1/counts?room={ROOM}", headers=bot)
    assert answer.status_code == 403
    assert (await site.client.get(f"{ROOMS}/sport/x", headers=bot)).status_code == 200
