"""A person is handed all that is kept of them, and erased without a trace; by day or at rest."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing as closing_database
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.bots import bot_token
from tests.system.operator import say
from tests.system.peer import PATIENCE_S, Peer, closing, fill, until

ROOM = "news/bridge"
ROOMS = "/api/v1/rooms"
CANARY = "canary"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with serving(tmp_path, **UNLIMITED) as process:
        yield process


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def live_a_little(server: ServerProcess) -> str:
    """Somebody says, edits, loses and reports things; returns their id."""
    mod = bot_token(server, "Mod", "read", "post", "moderate", "staff-feed")
    headers = {"Origin": server.url}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as http:

        async def call(method: str, path: str, token: str, **body: Any) -> Any:
            key = {"Idempotency-Key": f"key-{next(_keys)}"}
            answer = await http.request(method, path, json=body, headers=bearer(token) | key)
            assert answer.status_code < 300, answer.text
            return answer.json()

        named = await http.post("/api/v1/guests", json={"name": f"{CANARY} name"})
        token = named.json()["guest_token"]
        other = (await http.post("/api/v1/guests", json={"name": "Tom"})).json()["guest_token"]
        comments = f"{ROOMS}/{ROOM}/comments"

        async def post(body: str, by: str = token, **more: Any) -> int:
            return int((await call("POST", comments, by, body=body, **more))["comment"]["id"])

        first = await post(f"{CANARY} **one**")
        await post("an answer", other, parent=first)
        await call("PATCH", f"{comments}/{first}", token, body=f"{CANARY} **edited**")
        mine = {"comment": first, "reaction": "like", "on": True}
        await call("POST", f"{ROOMS}/{ROOM}/reactions", token, **mine)
        rejected = await post(f"{CANARY} rejected")
        why = f"{CANARY} reason"
        await call("POST", f"{comments}/{rejected}/moderation", mod, action="reject", reason=why)
        theirs = await post("Tom's", other)
        text = f"{CANARY} report"
        await call("POST", f"{comments}/{theirs}/reports", token, reason="spam", text=text)
        await call("POST", f"{comments}/{first}/reports", other, reason="spam", text=why)
        page = (await http.get(comments)).json()["comments"]
        return str(page[0]["author"]["id"])


_keys = iter(range(10_000_000, 99_999_999))


GOTHIC = "𐌰𐌱𐌲𐌳𐌴𐌵𐌶𐌷𐌸𐌹𐌺𐌻𐌼𐌽𐌾𐌿"
PAIRS = [GOTHIC[i : i + 2].encode() for i in range(len(GOTHIC) - 1)]
"""The index of words has every three letters in a row, and writes at least two of them out."""


async def say_gothic_among_others(server: ServerProcess) -> str:
    """Somebody says that, and it is indexed, as some others' comments are; returns their id."""
    async with httpx.AsyncClient(base_url=server.url, headers={"Origin": server.url}) as http:
        told = [(await http.post("/api/v1/guests", json={"name": name})) for name in ("Ulf", "Tom")]
        mine, others = (answer.json()["guest_token"] for answer in told)
        comments = f"{ROOMS}/{ROOM}/comments"
        headers = bearer(mine) | {"Idempotency-Key": "key-gothic"}
        said = await http.post(comments, json={"body": GOTHIC}, headers=headers)
    await fill(server.port, others, "elsewhere", 63, body_chars=100)
    await until(lambda: indexed(server) == 64, "all are indexed")
    return str(said.json()["comment"]["author"]["id"])


def indexed(server: ServerProcess) -> int:
    with closing_database(sqlite3.connect(server.data_dir / "livethread.db")) as database:
        row = database.execute("SELECT value FROM installation WHERE key = 'words'").fetchone()
    return 0 if row is None else int(row[0])


def pairs_left(server: ServerProcess) -> dict[str, int]:
    """How many of the pairs stand in each file of the server's data."""
    found = {}
    for path in sorted(server.data_dir.iterdir()):
        data = path.read_bytes()
        found[path.name] = sum(pair in data for pair in PAIRS)
    return found


def traces(server: ServerProcess) -> dict[str, int]:
    """How often the canary stands in each file of the server's data."""
    found = {}
    for path in sorted(server.data_dir.iterdir()):
        words = ["grep", "-a", "-c", CANARY, str(path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        found[path.name] = int(done.stdout or 0)
    return found


async def test_all_that_is_kept_is_handed_out(server: ServerProcess) -> None:
    id = await live_a_little(server)
    kept = json.loads(await asyncio.to_thread(say, server, "person", "export", id))
    (room,) = kept["rooms"]
    assert room["room"] == ROOM
    one, rejected = room["comments"]
    assert (one["body"], one["author_name"]) == (f"{CANARY} **edited**", f"{CANARY} name")
    assert rejected["removed"]["body"] == f"{CANARY} rejected"
    assert room["reactions"] == [{"comment_id": one["id"], "reaction": "like"}]
    assert room["reports"][0]["text"] == f"{CANARY} report"
    assert [act["action"] for act in kept["acts"]] == ["reject"]
    assert "Tom" not in json.dumps(kept)
    nobody = json.loads(await asyncio.to_thread(say, server, "person", "export", "g:none"))
    assert nobody["rooms"] == []


async def test_who_is_erased_while_a_server_runs_leaves_nothing_behind(
    server: ServerProcess,
) -> None:
    id = await live_a_little(server)
    assert any(traces(server).values())
    follower = await Peer.speaking(server.port)
    with closing(follower):
        await follower.say(type="join", room=ROOM)
        joined = await follower.hear("joined")
        assert CANARY in json.dumps(joined)
        said = await asyncio.to_thread(say, server, "person", "erase", id, "--yes")
        assert said == "Erased: 2 comments."
        changes = (await follower.hear("changes"))["changes"]
        assert [change["comment"]["state"] for change in changes] == ["deleted", "removed"]
        assert CANARY not in json.dumps(changes)
        await until(lambda: not any(traces(server).values()), "nothing is left in the files")
        async with asyncio.timeout(PATIENCE_S):
            late = await Peer.speaking(server.port)
        with closing(late):
            await late.say(type="join", room=ROOM)
            joined = await late.hear("joined")
        assert CANARY not in json.dumps(joined)
        assert id not in json.dumps(joined)
        assert [c["state"] for c in joined["comments"]][:2] == ["deleted", "visible"]
        assert joined["room"]["comments"] == 2
    kept = json.loads(await asyncio.to_thread(say, server, "person", "export", id))
    assert [kept[part] for part in ("rooms", "people", "acts", "bans")] == [[], [], [], []]


async def test_who_is_erased_while_no_server_runs_leaves_nothing_behind(
    server: ServerProcess,
) -> None:
    id = await live_a_little(server)
    server.kill()
    assert any(traces(server).values())
    await asyncio.to_thread(say, server, "person", "erase", id, "--yes")
    assert not any(traces(server).values()), traces(server)


@pytest.mark.parametrize("is_running", [True, False])
async def test_the_index_of_words_forgets_who_is_erased(
    server: ServerProcess, is_running: bool
) -> None:
    id = await say_gothic_among_others(server)
    assert any(pairs_left(server).values())
    if not is_running:
        server.kill()
    await asyncio.to_thread(say, server, "person", "erase", id, "--yes")
    if is_running:
        await until(lambda: not any(pairs_left(server).values()), "nothing is left in the files")
    assert not any(pairs_left(server).values()), pairs_left(server)
