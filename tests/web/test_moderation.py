"""Moderating over HTTP: what staff may, others may not, and all see at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.site import ROOM, ROOMS, Site

ACTS = "/api/v1/acts"


@pytest.fixture
async def staff(site: Site) -> dict[str, str]:
    return await site.bot("read", "post", "moderate", "staff-feed")


async def act(site: Site, by: dict[str, str], comment: int, action: str, **more: Any) -> Any:
    url = f"{ROOMS}/{ROOM}/comments/{comment}/moderation"
    return await site.client.post(url, json={"action": action, **more}, headers=by)


async def test_a_moderator_hides_a_comment_and_the_log_says_so(
    site: Site, staff: dict[str, str]
) -> None:
    comment = await site.post(await site.guest(), "words")
    answer = await act(site, staff, comment["id"], "hide", reason="rude")
    assert answer.status_code == 200
    assert answer.json()["comment"]["state"] == "hidden"
    page = (await site.client.get(f"{ROOMS}/{ROOM}/comments")).json()["comments"]
    assert [c["state"] for c in page] == ["hidden"]
    assert "body" not in page[0]
    (logged,) = (await site.client.get(ACTS, headers=staff)).json()["acts"]
    assert logged | {"id": 0, "at": "", "by": {}} == {
        "id": 0,
        "at": "",
        "by": {},
        "action": "hide",
        "room": ROOM,
        "comment": comment["id"],
        "person": comment["author"]["id"],
        "reason": "rude",
        "changed": {"state": ["visible", "hidden"]},
    }


async def test_the_same_key_is_one_act(site: Site, staff: dict[str, str]) -> None:
    comment = await site.post(await site.guest(), "words")
    keyed = {**staff, "Idempotency-Key": "same-key-1"}
    answers = [await act(site, keyed, comment["id"], "pin") for _ in range(2)]
    assert "duplicate" not in answers[0].json()
    assert answers[1].json()["duplicate"]
    assert len((await site.client.get(ACTS, headers=staff)).json()["acts"]) == 1


async def test_a_room_is_changed(site: Site, staff: dict[str, str]) -> None:
    guest = await site.guest()
    comment = await site.post(guest, "words")
    changes = {"state": "read_only", "max_depth": 1, "edit_window_s": 0, "reason": "heated"}
    answer = await site.client.patch(f"{ROOMS}/{ROOM}", json=changes, headers=staff)
    assert answer.status_code == 200, answer.text
    room = (await site.client.get(f"{ROOMS}/{ROOM}")).json()["room"]
    assert (room["state"], room["max_depth"], room["edit_window_s"]) == ("read_only", 1, 0)
    refused = await site.client.post(
        f"{ROOMS}/{ROOM}/reactions",
        json={"comment": comment["id"], "reaction": "like", "on": True},
        headers=guest,
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "closed")


async def test_the_log_is_paged(site: Site, staff: dict[str, str]) -> None:
    comment = await site.post(await site.guest(), "words")
    for action in ("pin", "unpin", "feature"):
        await act(site, staff, comment["id"], action)
    first = (await site.client.get(f"{ACTS}?limit=2", headers=staff)).json()
    assert [a["action"] for a in first["acts"]] == ["feature", "unpin"]
    second = (await site.client.get(f"{ACTS}?limit=2&before={first['next']}", headers=staff)).json()
    assert [a["action"] for a in second["acts"]] == ["pin"]
    assert "next" not in second


async def test_only_those_who_may_moderate_do_so_and_read_the_log(site: Site) -> None:
    comment = await site.post(guest := await site.guest(), "words")
    for by, status in (
        ({}, 403),
        (guest, 403),
        (await site.bot("read", "post"), 403),
        (await site.bot("read", "moderate", rooms="other/*"), 403),
    ):
        answers = [
            await act(site, by, comment["id"], "hide"),
            await site.client.patch(f"{ROOMS}/{ROOM}", json={"state": "closed"}, headers=by),
            await site.client.get(ACTS, headers=by),
        ]
        assert [a.status_code for a in answers] == [status] * 3, by
    room = (await site.client.get(f"{ROOMS}/{ROOM}")).json()["room"]
    assert (room["state"], room["comments"]) == ("open", 1)


async def test_what_is_no_action_is_refused(site: Site, staff: dict[str, str]) -> None:
    comment = await site.post(await site.guest(), "words")
    answer = await act(site, staff, comment["id"], "eat")
    assert (answer.status_code, answer.json()["field"]) == (422, "action")
    assert (await act(site, staff, 99, "hide")).status_code == 404
