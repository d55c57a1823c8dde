"""Moderating over HTTP: what staff may, others may not, and all see at once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any, cast

import pytest

from livethread.auth.sign_in import SignIn
from livethread.auth.signing import ISSUER
from livethread.model import Role
from livethread.site import Person
from livethread.store.standing import RISE
from tests.web.site import ROOM, ROOMS, Site, until

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


FILTERS = "/api/v1/filters"


async def test_filters_hold_within_a_moment_and_staff_is_told_why(
    site: Site, staff: dict[str, str]
) -> None:
    mara, ana = await site.guest(), await site.guest("Ana")
    filters = {"max_links": 0, "refuse_words": ["casino"], "hold_at_reports": 1}
    answer = await site.client.put(FILTERS, json=filters, headers=staff)
    assert answer.status_code == 200, answer.text
    assert (await site.client.get(FILTERS, headers=staff)).json() == filters
    await noticed(site)
    held = await site.post(mara, "see https://a.example")
    assert (held["state"], held.get("hold")) == ("held", None)
    page = f"{ROOMS}/{ROOM}/comments"
    assert (await site.client.get(page)).json()["comments"] == []
    (seen,) = (await site.client.get(page, headers=staff)).json()["comments"]
    assert seen["hold"] == "link filter: 1, where 0 are allowed"
    headers = {**mara, "Idempotency-Key": "key-refused-1"}
    refused = await site.client.post(page, json={"body": "CASINO!"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "rejected")
    fine = await site.post(mara, "fine")
    url = f"{page}/{fine['id']}/reports"
    assert (await site.client.post(url, json={"reason": "spam"}, headers=ana)).status_code == 200
    (_, reported) = (await site.client.get(page, headers=staff)).json()["comments"]
    assert reported["hold"] == "reported by 1"


async def test_what_is_said_through_a_server_counts_there_at_once(
    site: Site, staff: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await noticed(site)
    monkeypatch.setattr("livethread.gateway.WATCH_S", 10_000)
    for most in (1, 2):  # the first may still be met by a look that had begun
        await site.client.put(FILTERS, json={"max_links": most}, headers=staff)
        await noticed(site)


async def noticed(site: Site) -> None:
    """What was said through the server has reached its rules."""
    directory = site.gateway.services.directory
    version = await site.gateway.services.store.standing_version()
    await until(lambda: directory.version >= version)


async def test_a_rooms_filters_are_over_its_sites(site: Site, staff: dict[str, str]) -> None:
    await site.client.put(FILTERS, json={"hold_guests": True}, headers=staff)
    await site.client.put(f"{FILTERS}?room={ROOM}", json={"hold_guests": False}, headers=staff)
    await noticed(site)
    guest = await site.guest()
    assert (await site.post(guest, "here"))["state"] == "visible"
    assert (await site.post(guest, "there", room="other"))["state"] == "held"


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"hold_patterns": ["("]}, "hold_patterns"),
        ({"zebra": 1}, "zebra"),
        ({"max_links": -1}, "max_links"),
    ],
)
async def test_filters_that_are_none_are_refused(
    site: Site, staff: dict[str, str], filters: dict[str, Any], field: str
) -> None:
    answer = await site.client.put(FILTERS, json=filters, headers=staff)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (await site.client.get(FILTERS, headers=staff)).json() == {}


async def test_only_those_who_may_moderate_see_or_set_filters(site: Site) -> None:
    for by in ({}, await site.guest(), await site.bot("moderate", rooms="news/*")):
        answers = [
            await site.client.get(FILTERS, headers=by),
            await site.client.put(FILTERS, json={"max_links": 1}, headers=by),
        ]
        assert [answer.status_code for answer in answers] == [403, 403]
    by = await site.bot("moderate", rooms="news/*")
    url = f"{FILTERS}?room=news/a"
    assert (await site.client.put(url, json={"max_links": 1}, headers=by)).status_code == 200


async def test_who_is_muted_writes_in_other_rooms_only(site: Site, staff: dict[str, str]) -> None:
    guest = await site.guest()
    comment = await site.post(guest, "words")
    assert (await act(site, staff, comment["id"], "mute")).status_code == 200
    await noticed(site)
    headers = {**guest, "Idempotency-Key": "key-muted-1"}
    for path, body in (
        ("comments", {"body": "more"}),
        ("reactions", {"comment": comment["id"], "reaction": "like", "on": True}),
    ):
        url = f"{ROOMS}/{ROOM}/{path}"
        refused = await site.client.post(url, json=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "banned")
    await site.post(guest, "elsewhere", room="other")
    url = f"{ROOMS}/{ROOM}/moderation"
    unmute = {"author": comment["author"]["id"], "action": "unmute"}
    assert (await site.client.post(url, json=unmute, headers=staff)).status_code == 200
    await noticed(site)
    await site.post(guest, "again")


async def test_who_is_shadowed_is_not_told_and_not_seen(site: Site, staff: dict[str, str]) -> None:
    guest = await site.guest()
    comment = await site.post(guest, "words")
    await act(site, staff, comment["id"], "shadow")
    await noticed(site)
    shadowed = await site.post(guest, "unseen")
    assert shadowed["state"] == "visible"
    page = f"{ROOMS}/{ROOM}/comments"
    assert [c["body"] for c in (await site.client.get(page)).json()["comments"]] == ["words"]
    seen = (await site.client.get(page, headers=staff)).json()["comments"][1]
    assert (seen["state"], seen["hold"]) == ("held", "shadow ban")
    counts = await site.client.get(f"/api/v1/counts?room={ROOM}")
    assert counts.json()["counts"][ROOM] == 1


async def test_what_a_shadowed_reader_thinks_of_others_counts_for_nobody(
    site: Site, staff: dict[str, str]
) -> None:
    mara, tom = await site.guest(), await site.guest("Tom")
    theirs = await site.post(tom, "words")
    await act(site, staff, (await site.post(mara, "mine"))["id"], "shadow")
    await site.client.put(FILTERS, json={"hold_at_reports": 1}, headers=staff)
    await noticed(site)
    like = {"comment": theirs["id"], "reaction": "like", "on": True}
    liked = await site.client.post(f"{ROOMS}/{ROOM}/reactions", json=like, headers=mara)
    url = f"{ROOMS}/{ROOM}/comments/{theirs['id']}/reports"
    reported = await site.client.post(url, json={"reason": "spam"}, headers=mara)
    assert (liked.status_code, reported.status_code) == (200, 200)
    shown = (await site.client.get(f"{ROOMS}/{ROOM}/comments")).json()["comments"][0]
    assert (shown["state"], shown.get("reactions")) == ("visible", None)
    assert (await site.client.get(QUEUE, headers=staff)).json()["reported"] == 0


async def member(site: Site, name: str, role: str) -> tuple[str, dict[str, str]]:
    """Somebody with that role here: their id and headers."""
    person = Person("default", f"a:{name}", ISSUER, name, name, None, Role.READER, 1)
    await site.gateway.services.store.remember(person)
    with closing(sqlite3.connect(site.gateway.settings.data_dir / "livethread.db")) as database:
        database.execute("INSERT INTO roles VALUES ('default', ?, ?)", (person.id, role))
        database.execute(RISE)
        database.commit()
    await noticed(site)
    signer = cast(SignIn, site.gateway.services.sign_in).signer
    return person.id, {"Authorization": f"Bearer {signer.reader(person, 600)[1]}"}


async def test_moderators_have_no_power_over_each_other_and_admins_none_over_admins(
    site: Site, staff: dict[str, str]
) -> None:
    ana, by_ana = await member(site, "ana", "moderator")
    ben, _ = await member(site, "ben", "moderator")
    root, by_root = await member(site, "root", "admin")
    other, _ = await member(site, "other", "admin")

    async def bar(
        whom: str, by: dict[str, str], action: str = "ban", url: str = f"{ROOMS}/{ROOM}/moderation"
    ) -> int:
        body = {"author": whom, "action": action}
        return int((await site.client.post(url, json=body, headers=by)).status_code)

    for by, whom in ((by_ana, ben), (by_ana, root), (staff, ana), (by_root, other)):
        for action in ("ban", "mute", "shadow", "delete_all"):
            assert await bar(whom, by, action) == 403
        assert await bar(whom, by, "ban", "/api/v1/moderation") == 403
    assert (await site.client.get(ACTS, headers=by_root)).json()["acts"] == []
    assert await bar(ana, by_root) == 200
    await noticed(site)
    assert await bar(ana, staff, "unban") == 403
    assert (await site.client.get(ACTS, headers=by_ana)).status_code == 403


async def test_who_is_banned_is_nobody_here_until_it_ends(
    site: Site, staff: dict[str, str]
) -> None:
    guest = await site.guest()
    comment = await site.post(guest, "words")
    answer = await act(site, staff, comment["id"], "ban", until="2999-01-01T00:00:00Z")
    assert answer.status_code == 200, answer.text
    await noticed(site)
    refused = await site.client.get(f"{ROOMS}/{ROOM}", headers=guest)
    assert (refused.status_code, refused.json()["code"]) == (403, "banned")
    (logged,) = (await site.client.get(ACTS, headers=staff)).json()["acts"]
    assert (logged["action"], logged["person"]) == ("ban", comment["author"]["id"])
    past = {"author": logged["person"], "action": "ban", "until": "2001-01-01T00:00:00Z"}
    await site.client.post(f"{ROOMS}/{ROOM}/moderation", json=past, headers=staff)
    await noticed(site)
    assert (await site.client.get(f"{ROOMS}/{ROOM}", headers=guest)).status_code == 200


QUEUE = "/api/v1/queue"


async def test_the_queue_shows_what_waits_and_what_was_reported(
    site: Site, staff: dict[str, str]
) -> None:
    mara, ana = await site.guest(), await site.guest("Ana")
    reported = await site.post(mara, "reported")
    url = f"{ROOMS}/{ROOM}/comments/{reported['id']}/reports"
    await site.client.post(url, json={"reason": "spam", "text": "look"}, headers=ana)
    await site.client.patch(f"{ROOMS}/{ROOM}", json={"premoderate": True}, headers=staff)
    held = await site.post(mara, "held")
    found = (await site.client.get(QUEUE, headers=staff)).json()
    assert (found["held"], found["reported"]) == (1, 1)
    assert [(i["room"], i["comment"]["id"]) for i in found["items"]] == [(ROOM, held["id"])]
    assert found["items"][0]["comment"]["hold"] == "every comment waits here"
    found = (await site.client.get(f"{QUEUE}?list=reported", headers=staff)).json()
    (said,) = found["items"][0]["reports"]
    assert (said["reason"], said["text"]) == ("spam", "look")
    first = (await site.client.get(f"{QUEUE}?list=recent&limit=1", headers=staff)).json()
    url = f"{QUEUE}?list=recent&limit=1&before={first['next']}"
    second = (await site.client.get(url, headers=staff)).json()
    ids = [page["items"][0]["comment"]["id"] for page in (first, second)]
    assert ids == [held["id"], reported["id"]]


async def test_only_those_who_may_moderate_see_the_queue(site: Site) -> None:
    for by in ({}, await site.guest(), await site.bot("read", "staff-feed")):
        assert (await site.client.get(QUEUE, headers=by)).status_code == 403


async def test_the_page_is_strict_and_holds_nothing(site: Site) -> None:
    await site.post(await site.guest(), "words")
    answer = await site.client.get("/moderation")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert "access-control-allow-origin" not in answer.headers
    assert "words" not in answer.text
