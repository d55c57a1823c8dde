"""Who is banned, shadowed or muted, over HTTP: listed for moderators, lifted by them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.site import ROOM, ROOMS, Site

RESTRICTIONS = "/api/v1/restrictions"
ON_SITE = "/api/v1/moderation"


@pytest.fixture
async def staff(site: Site) -> dict[str, str]:
    return await site.bot("read", "post", "moderate", "staff-feed")


async def act(site: Site, by: dict[str, str], person: str, action: str, **more: Any) -> Any:
    """In a room, if it is a mute's; else on the site."""
    url = f"{ROOMS}/{ROOM}/moderation" if action.endswith("mute") else ON_SITE
    body = {"author": person, "action": action, **more}
    return await site.client.post(url, json=body, headers=by)


async def listed(site: Site, by: dict[str, str], **of: Any) -> Any:
    answer = await site.client.get(RESTRICTIONS, headers=by, params=of)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_is_in_force_is_listed_with_who_where_why_and_until_when(
    site: Site, staff: dict[str, str]
) -> None:
    person = (await site.post(await site.guest(), "words"))["author"]["id"]
    await site.client.patch(f"{ROOMS}/{ROOM}", json={"title": "The bridge"}, headers=staff)
    until = "2999-01-01T00:00:00.000Z"
    for action, more in (("ban", {"until": until, "reason": "rude"}), ("shadow", {}), ("mute", {})):
        answer = await act(site, staff, person, action, **more)
        assert answer.status_code == 200, answer.text
    found = (await listed(site, staff))["restrictions"]
    by = {"id": found[0]["by"]["id"], "name": "bot 0"}
    who = {"person": person, "name": "Mara", "by": by}
    assert [{name: value for name, value in one.items() if name != "since"} for one in found] == [
        who | {"kind": "mute", "room": ROOM, "title": "The bridge"},
        who | {"kind": "shadow"},
        who | {"kind": "ban", "until": until, "reason": "rude"},
    ]
    assert all(one["since"].endswith("Z") for one in found)
    for action in ("unban", "unmute"):
        assert (await act(site, staff, person, action)).status_code == 200
    left = (await listed(site, staff, person=person))["restrictions"]
    assert [one["kind"] for one in left] == ["shadow"]
    (last,) = (await site.client.get("/api/v1/acts?limit=1", headers=staff)).json()["acts"]
    assert (last["action"], last["room"]) == ("unmute", ROOM)
    assert (await listed(site, staff, person="g:nobody"))["restrictions"] == []


async def test_who_is_banned_on_the_site_is_let_in_again_once_that_is_lifted(
    site: Site, staff: dict[str, str]
) -> None:
    guest = await site.guest()
    person = (await site.post(guest, "words"))["author"]["id"]
    directory, store = site.gateway.services.directory, site.gateway.services.store
    for action, status in (("ban", 403), ("unban", 200)):
        answer = await act(site, staff, person, action)
        assert answer.json()["action"] == action
        await directory.refresh()
        assert directory.version == await store.standing_version()
        assert (await site.client.get(f"{ROOMS}/{ROOM}", headers=guest)).status_code == status
    (last,) = (await site.client.get("/api/v1/acts?limit=1", headers=staff)).json()["acts"]
    assert (last["action"], last["room"], last["person"]) == ("unban", "", person)


async def test_the_list_is_paged(site: Site, staff: dict[str, str]) -> None:
    for number in range(5):
        await act(site, staff, f"g:{number}", "shadow")
    seen: list[str] = []
    page = await listed(site, staff, limit=2)
    while True:
        seen += [one["person"] for one in page["restrictions"]]
        if "next" not in page:
            break
        page = await listed(site, staff, limit=2, before=page["next"])
    assert sorted(seen) == [f"g:{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "ban"}, "author"),
        ({"author": "g:1", "action": "mute"}, "action"),
        ({"author": "g:1", "action": "delete_all"}, "action"),
        ({"author": "g:1", "action": "ban", "until": "2999-01-01T00:00:00"}, "until"),
        ({"author": "g:1", "action": "ban", "reason": "x" * 2000}, "reason"),
        ({"author": "", "action": "ban"}, "author"),
    ],
)
async def test_what_is_no_act_on_the_whole_site_is_refused(
    site: Site, staff: dict[str, str], body: dict[str, str], field: str
) -> None:
    answer = await site.client.post(ON_SITE, json=body, headers=staff)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (await listed(site, staff))["restrictions"] == []


async def test_only_those_who_may_moderate_all_of_the_site_see_and_lift_what_is_in_force(
    site: Site, staff: dict[str, str]
) -> None:
    await act(site, staff, "g:1", "ban")
    for by in ({}, await site.guest(), await site.bot("moderate", rooms="news/*")):
        assert (await site.client.get(RESTRICTIONS, headers=by)).status_code == 403
        assert (await act(site, by, "g:1", "unban")).status_code == 403
    assert len((await listed(site, staff))["restrictions"]) == 1
