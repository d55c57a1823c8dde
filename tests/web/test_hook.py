"""A judgement from outside over HTTP: signed, bounded, and never waited for longer than set."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import runpy
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from livethread.auth import fetching
from livethread.cli import main
from livethread.hook import AT_ONCE
from tests.web.site import ROOM, ROOMS, Site, a_site, until

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BIG = b'{"action": "approve", "reason": "' + b"x" * 70_000 + b'"}'

EXAMPLE = Path(__file__).parents[2] / "examples" / "hook.py"

Asked = list[tuple[dict[str, str], bytes]]
Answer = Callable[[str], Awaitable[bytes]]


def reply(body: bytes | dict[str, Any], status: str = "200 OK") -> bytes:
    said = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(said)}\r\n\r\n".encode() + said


@asynccontextmanager
async def a_hook(answer: Answer) -> AsyncIterator[tuple[str, Asked]]:
    """What answers each comment by its words; its address, and the requests."""
    asked: Asked = []
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            asked.append((headers, body))
            words = json.loads(body)["comment"]["body"] if body else "redirected"
            writer.write(await answer(words))
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(serve(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/judge", asked
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def judged_site(tmp_path: Path, url: str, **filters: Any) -> AsyncIterator[Site]:
    async with a_site(tmp_path, hook_url=url, hook_secret=SECRET) as site:
        staff = await site.bot("read", "post", "moderate", "staff-feed")
        await site.client.put("/api/v1/filters", json=filters, headers=staff)
        await site.up_to_date()
        yield site


def operate(data_dir: Path, *words: str) -> str:
    """What an operator's command says, beside the running server."""
    done = CliRunner().invoke(main, [*words, "--data-dir", str(data_dir)])
    assert done.exit_code == 0, done.stderr
    return done.stdout


async def states(site: Site, end: Callable[[dict[int, str]], bool]) -> dict[int, str]:
    """Of all comments by their ids, as soon as that is so."""
    staff = await site.bot("read", "staff-feed")
    async with asyncio.timeout(10):
        while True:
            url = f"{ROOMS}/{ROOM}/comments?limit=100"
            page = (await site.client.get(url, headers=staff)).json()
            found = {comment["id"]: comment["state"] for comment in page["comments"]}
            if end(found):
                return found


def verified(headers: dict[str, str], body: bytes) -> bool:
    """As its receiver checks it."""
    id, at = headers["webhook-id"], headers["webhook-timestamp"]
    mac = hmac.new(KEY, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    is_new = abs(time.time() - int(at)) < 300
    return is_new and headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"


async def test_what_the_hook_decides_is_done_and_its_request_is_signed(tmp_path: Path) -> None:
    async def answer(words: str) -> bytes:
        return reply({"action": words, "reason": "because"})

    async with a_hook(answer) as (url, asked), judged_site(tmp_path, url, judge_s=3_600) as site:
        mara = await site.guest()
        held = {w: (await site.post(mara, w))["id"] for w in ("approve", "hold", "reject")}
        await until(lambda: len(asked) == 3)
        staff = await site.bot("moderate")
        async with asyncio.timeout(10):
            acts: list[dict[str, Any]] = []
            while len(acts) < 4:
                acts = (await site.client.get("/api/v1/acts", headers=staff)).json()["acts"]
        ended = {held["approve"]: "visible", held["hold"]: "held", held["reject"]: "removed"}
        assert await states(site, bool) == ended
        done = sorted((a["action"], a["comment"], a["by"]["name"], a["reason"]) for a in acts[:3])
        assert done == [(word, held[word], "Hook", "because") for word in sorted(held)]
    is_genuine = runpy.run_path(str(EXAMPLE))["is_genuine"]
    assert all(verified(*request) and is_genuine(*request, SECRET) for request in asked)
    headers, body = asked[0]
    old = str(int(headers["webhook-timestamp"]) - 301)
    assert not is_genuine(headers, body.replace(b"Mara", b"Mary"), SECRET)
    assert not is_genuine({**headers, "webhook-timestamp": old}, body, SECRET)
    assert not is_genuine({}, body, SECRET)
    said = json.loads(body)
    assert (said["type"], said["site"], said["room"]) == ("comment.waiting", "default", ROOM)
    assert said["comment"]["author"]["name"] == "Mara"


async def test_without_a_decision_in_time_the_default_is_done(tmp_path: Path) -> None:
    answers = {
        "fails": reply({"action": "reject"}, "500 Internal Server Error"),
        "elsewhere": reply(b"", "302 Found\r\nLocation: /approve"),
        "redirected": reply({"action": "reject"}),
        "too long": reply(BIG),
        "no decision": reply({}),
        "unknown": reply({"action": "delete"}),
        "no JSON": reply(b"<html>"),
    }

    async def answer(words: str) -> bytes:
        if words == "never":
            await asyncio.Event().wait()
        return answers[words]

    filters = {"judge_s": 1, "judge_default": "approve"}
    async with a_hook(answer) as (url, asked), judged_site(tmp_path, url, **filters) as site:
        mara = await site.guest()
        said = ["never", *(words for words in answers if words != "redirected")]
        for words in said:
            assert (await site.post(mara, words))["state"] == "held"
        page = f"{ROOMS}/{ROOM}/comments"
        assert (await site.client.get(page)).json()["comments"] == []
        await until(lambda: len(asked) == len(said))
        await states(site, lambda found: set(found.values()) == {"visible"})
    assert len(asked) == len(said)


async def test_words_changed_while_the_hook_looks_are_not_approved(tmp_path: Path) -> None:
    edited = asyncio.Event()

    async def answer(words: str) -> bytes:
        if words == "fine":
            await edited.wait()
        return reply({} if words == "casino" else {"action": "approve"})

    async with a_hook(answer) as (url, asked), judged_site(tmp_path, url, judge_s=3_600) as site:
        mara = await site.guest()
        comment = await site.post(mara, "fine")
        await until(lambda: len(asked) == 1)
        changed = f"{ROOMS}/{ROOM}/comments/{comment['id']}"
        keyed = {**mara, "Idempotency-Key": "key-edit-1"}
        answered = await site.client.patch(changed, json={"body": "casino"}, headers=keyed)
        assert answered.status_code == 200, answered.text
        edited.set()
        last = await site.post(mara, "last")
        found = await states(site, lambda found: found.get(last["id"]) == "visible")
        assert found == {comment["id"]: "held", last["id"]: "visible"}
    assert len(asked) == 3


async def test_what_is_gone_before_its_turn_is_told_to_nobody(tmp_path: Path) -> None:
    released = asyncio.Event()

    async def answer(words: str) -> bytes:
        await released.wait()
        return reply({"action": "approve"})

    async with a_hook(answer) as (url, asked), judged_site(tmp_path, url, judge_s=3_600) as site:
        mara = await site.guest()
        for number in range(AT_ONCE):
            await site.post(mara, f"words {number}")
        await until(lambda: len(asked) == AT_ONCE)
        gone = await site.post(mara, "a secret")
        place = f"{ROOMS}/{ROOM}/comments/{gone['id']}"
        keyed = {**mara, "Idempotency-Key": "key-gone-1"}
        deleted = await site.client.delete(place, headers=keyed)
        assert deleted.status_code == 200, deleted.text
        last = await site.post(mara, "last")
        released.set()
        await states(site, lambda found: found.get(last["id"]) == "visible")
    assert len(asked) == AT_ONCE + 1
    assert not any(b"a secret" in body for _, body in asked)


async def test_a_site_asks_its_own_hook_and_no_other_even_while_that_one_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT_S", 600.0)

    async def silent(words: str) -> bytes:
        await asyncio.Event().wait()
        return b""

    async def answer(words: str) -> bytes:
        return reply({"action": "approve"})

    async with (
        a_hook(silent) as (url, asked),
        a_hook(answer) as (daily_url, daily_asked),
        judged_site(tmp_path, url, judge_s=3_600) as site,
    ):
        said = [("site", "add", "daily"), ("site", "set", "daily", "--hook-url", daily_url)]
        done = [await asyncio.to_thread(operate, tmp_path / "data", *words) for words in said]
        staff = await site.bot("moderate", site="daily")
        await site.up_to_date()
        mara, daily = await site.guest(), {"site": "daily"}
        filters = {"judge_s": 3_600}
        put = await site.client.put("/api/v1/filters", json=filters, headers=staff, params=daily)
        assert put.status_code == 200, put.text
        await site.up_to_date()
        for number in range(AT_ONCE + 1):
            await site.post(mara, f"words {number}")
        await until(lambda: len(asked) == AT_ONCE)
        named = await site.client.post("/api/v1/guests", json={"name": "Tom"}, params=daily)
        assert named.status_code == 201, named.text
        tom = {"Authorization": f"Bearer {named.json()['guest_token']}"}
        page = f"{ROOMS}/{ROOM}/comments"
        keyed = {**tom, "Idempotency-Key": "key-tom-1"}
        posted = await site.client.post(page, json={"body": "x"}, headers=keyed, params=daily)
        assert posted.json()["comment"]["state"] == "held", posted.text
        async with asyncio.timeout(10):
            while not (await site.client.get(page, params=daily)).json()["comments"]:
                pass
        assert await asyncio.to_thread(
            operate, tmp_path / "data", "site", "set", "daily", "--hook-url", ""
        )
    secret = done[1].split()[-1]
    is_genuine = runpy.run_path(str(EXAMPLE))["is_genuine"]
    assert [json.loads(body)["site"] for _, body in daily_asked] == ["daily"]
    assert is_genuine(*daily_asked[0], secret)
    assert not is_genuine(*daily_asked[0], SECRET)
    assert {json.loads(body)["site"] for _, body in asked} == {"default"}


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "no base64!"])
async def test_a_hook_without_a_good_secret_does_not_start(tmp_path: Path, secret: str) -> None:
    with pytest.raises(ValueError, match="hook_secret"):
        async with a_site(tmp_path, hook_url="https://judge.example", hook_secret=secret):
            pass
