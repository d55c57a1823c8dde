"""Writing over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from livethread.protocol import frames
from tests.web.site import ORIGIN, ROOM, ROOMS, Site, a_site

COMMENTS = f"{ROOMS}/{ROOM}/comments"
KEY = {"Idempotency-Key": "key-0001"}


async def test_a_guest_posts_edits_reacts_reports_and_deletes(site: Site) -> None:
    guest = await site.guest()
    posted = await site.client.post(COMMENTS, json={"body": "one"}, headers=guest | KEY)
    assert posted.status_code == 201
    assert posted.headers["location"] == f"/rooms/{ROOM}#comment-1"
    ack = frames.Ack.model_validate_json(posted.content)
    assert ack.comment is not None
    assert ack.comment.author is not None
    assert (ack.comment.body, ack.comment.author.name) == ("one", "Mara")

    edited = await site.client.patch(f"{COMMENTS}/1", json={"body": "two"}, headers=guest)
    assert edited.json()["comment"]["body"] == "two"
    like = {"comment": 1, "reaction": "like", "on": True}
    liked = await site.client.post(f"{ROOMS}/{ROOM}/reactions", json=like, headers=guest)
    assert liked.json()["comment"]["reactions"] == {"like": 1}
    assert (await site.client.get(COMMENTS, headers=guest)).json()["reacted"] == {"1": ["like"]}
    assert "reacted" not in (await site.client.get(COMMENTS)).json()
    report = {"reason": "spam"}
    reported = await site.client.post(f"{COMMENTS}/1/reports", json=report, headers=guest)
    assert reported.status_code == 200
    deleted = await site.client.delete(f"{COMMENTS}/1", headers=guest)
    assert deleted.json()["comment"]["state"] == "deleted"
    for answer in (edited, liked, reported, deleted):
        frames.Ack.model_validate_json(answer.content)


async def test_a_draft_is_shown_as_it_will_look_and_nothing_is_kept(site: Site) -> None:
    page = {"Origin": ORIGIN}
    plain = await site.client.post("/api/v1/preview", json={"body": " plain\n"}, headers=page)
    assert plain.json() == {"body": "plain"}
    draft = await site.client.post("/api/v1/preview", json={"body": "*rich*"}, headers=page)
    assert draft.json()["rich"] == [{"t": "p", "c": [{"t": "em", "c": ["rich"]}]}]
    empty = await site.client.post("/api/v1/preview", json={"body": " "}, headers=page)
    assert (empty.status_code, empty.json()["field"]) == (422, "body")
    assert (await site.client.get(COMMENTS)).json()["comments"] == []


async def test_a_reply_names_its_parent(site: Site) -> None:
    guest = await site.guest()
    root = await site.post(guest, "root")
    reply = await site.post(guest, "reply", parent=root["id"])
    assert reply["parent"] == root["id"]
    answer = await site.client.post(COMMENTS, json={"body": "x", "parent": 99}, headers=guest | KEY)
    assert answer.status_code == 404
    assert answer.json()["field"] == "parent"


async def test_the_same_key_a_hundred_times_at_once_is_one_comment_and_one_answer(
    site: Site,
) -> None:
    guest = await site.guest()
    answers = await asyncio.gather(
        *(
            site.client.post(COMMENTS, json={"body": "once"}, headers=guest | KEY)
            for _ in range(100)
        )
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 99 + [201]
    assert len({str(answer.json()["comment"]) for answer in answers}) == 1
    page = (await site.client.get(COMMENTS)).json()
    assert len(page["comments"]) == 1


async def test_a_key_may_be_quoted(site: Site) -> None:
    guest = await site.guest()
    for key, status in (("key-0001", 201), ('"key-0001"', 200)):
        headers = guest | {"Idempotency-Key": key}
        answer = await site.client.post(COMMENTS, json={"body": "once"}, headers=headers)
        assert answer.status_code == status


async def test_a_key_used_for_other_words_is_a_conflict(site: Site) -> None:
    guest = await site.guest()
    await site.client.post(COMMENTS, json={"body": "one"}, headers=guest | KEY)
    answer = await site.client.post(COMMENTS, json={"body": "two"}, headers=guest | KEY)
    assert answer.status_code == 409
    assert answer.json()["code"] == "conflict"


@pytest.mark.parametrize("key", [None, "short", "with space"])
async def test_a_post_needs_a_key_of_the_right_form(site: Site, key: str | None) -> None:
    headers = await site.guest() | ({} if key is None else {"Idempotency-Key": key})
    answer = await site.client.post(COMMENTS, json={"body": "one"}, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["field"] == "nonce"


async def test_a_key_makes_an_edit_and_a_deletion_repeatable(site: Site) -> None:
    guest = await site.guest()
    await site.post(guest, "one")
    for _ in range(2):
        answer = await site.client.delete(f"{COMMENTS}/1", headers=guest | KEY)
        assert answer.status_code == 200
    assert answer.json()["duplicate"] is True
    assert (await site.client.delete(f"{COMMENTS}/1", headers=guest)).status_code == 404


async def test_only_the_author_changes_a_comment(site: Site) -> None:
    await site.post(await site.guest("Mara"), "one")
    jon = await site.guest("Jon")
    edited = await site.client.patch(f"{COMMENTS}/1", json={"body": "mine"}, headers=jon)
    deleted = await site.client.delete(f"{COMMENTS}/1", headers=jon)
    assert (edited.status_code, deleted.status_code) == (403, 403)


async def test_nobody_posts_without_a_name(site: Site) -> None:
    answer = await site.client.post(COMMENTS, json={"body": "one"}, headers=KEY)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_cookie_is_not_an_identity(site: Site) -> None:
    token = (await site.guest())["Authorization"].removeprefix("Bearer ")
    headers = KEY | {"Cookie": f"token={token}; Authorization={token}"}
    answer = await site.client.post(COMMENTS, json={"body": "one"}, headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("token", ["nonsense", "ltb_x_y", "a b", "é"])
async def test_a_token_that_is_none_is_refused_also_for_reading(site: Site, token: str) -> None:
    headers = {b"Authorization": f"Bearer {token}".encode()}
    answer = await site.client.get(COMMENTS, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthorized"


async def test_without_an_origin_only_bots_write(site: Site) -> None:
    guest, bot = await site.guest(), await site.bot("post")
    async with site.peer() as client:
        refused = await client.post(COMMENTS, json={"body": "one"}, headers=guest | KEY)
        posted = await client.post(COMMENTS, json={"body": "one"}, headers=bot | KEY)
        guest_answer = await client.post("/api/v1/guests", json={"name": "Jon"})
    assert (refused.status_code, guest_answer.status_code) == (401, 401)
    assert posted.status_code == 201
    assert posted.json()["comment"]["author"]["badge"] == "bot"


async def test_names_of_the_staff_are_refused_to_guests(site: Site) -> None:
    answer = await site.client.post("/api/v1/guests", json={"name": "Аdmin"})  # noqa: RUF001
    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json()["field"]) == ("rejected", "guest.name")


async def test_a_guest_is_welcomed_with_limits_and_a_token(site: Site) -> None:
    answer = await site.client.post("/api/v1/guests", json={"name": " Mara "})
    welcome = frames.Welcome.model_validate_json(answer.content)
    assert (welcome.user.name, welcome.user.role) == ("Mara", "guest")
    assert welcome.guest_token


async def test_the_path_decides_the_room_and_the_comment_not_the_body(site: Site) -> None:
    guest = await site.guest()
    await site.post(guest, "one")
    forged = {"type": "delete", "room": "other", "comment": 99, "nonce": "forged-nonce", "ref": "r"}
    answer = await site.client.patch(f"{COMMENTS}/1", json={"body": "two", **forged}, headers=guest)
    assert answer.json()["room"] == ROOM
    assert answer.json()["comment"]["body"] == "two"
    assert "ref" not in answer.json()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"[]", 400, "bad_json"),
        (b'"text"', 400, "bad_json"),
        (b'{"body": NaN}', 400, "bad_json"),
        (b'{"body": "\\ud800"}', 400, "bad_json"),
        (b"[" * 10_000, 400, "bad_json"),
        (b'{"body":' + b'{"a":' * 20 + b"1" + b"}" * 21, 400, "bad_json"),
        (b'{"body": "\xff"}', 400, "bad_json"),
        (b'{"body": "a\\u0000b"}', 422, "bad_frame"),
        (b'{"body": 1}', 422, "bad_frame"),
        (b'{"body": " "}', 422, "bad_frame"),
        (b"{}", 422, "bad_frame"),
        (b'{"body": "%s"}' % (b"x" * 5_001), 413, "too_large"),
        (b'{"body": "%s"}' % (b"x" * 20_000), 413, "too_large"),
    ],
)
async def test_bodies_that_are_refused(site: Site, body: bytes, status: int, code: str) -> None:
    answer = await site.client.post(COMMENTS, content=body, headers=await site.guest() | KEY)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_large_body_is_refused_while_it_is_read(site: Site) -> None:
    pieces = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pieces
        for _ in range(1_000):
            pieces += 1
            yield b" " * 1_024

    answer = await site.client.post(COMMENTS, content=endless(), headers=await site.guest() | KEY)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert pieces < 20


async def test_a_body_that_does_not_arrive_is_not_waited_for(tmp_path: Path) -> None:
    async with a_site(tmp_path, hello_deadline_s=0.05) as site:

        async def stuck() -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.get_running_loop().create_future()

        answer = await site.client.post(COMMENTS, content=stuck(), headers=await site.guest() | KEY)
        assert answer.json()["detail"] == "The body did not arrive in time."
        assert answer.headers["connection"] == "close"


async def test_rates_are_the_websockets(tmp_path: Path) -> None:
    async with a_site(tmp_path, post_rate=0.1, post_burst=2) as site:
        guest = await site.guest()
        await site.post(guest, "one")
        await site.post(guest, "two")
        headers = guest | {"Idempotency-Key": "key-0003"}
        answer = await site.client.post(COMMENTS, json={"body": "three"}, headers=headers)
        assert answer.status_code == 429
        assert answer.json()["code"] == "rate_limited"
        assert 0 < answer.json()["retry_after_ms"] <= 10_000
        assert 1 <= int(answer.headers["retry-after"]) <= 10


async def test_new_guests_are_limited_by_address(tmp_path: Path) -> None:
    async with a_site(tmp_path, guest_rate=0.01, guest_burst=1) as site:
        await site.guest("Mara")
        answer = await site.client.post("/api/v1/guests", json={"name": "Jon"})
        assert answer.status_code == 429
        async with site.peer("192.0.2.2", Origin=ORIGIN) as other:
            assert (await other.post("/api/v1/guests", json={"name": "Jon"})).status_code == 201
