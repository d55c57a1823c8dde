"""What moderators do reaches everyone at once; what the public may not see reaches nobody else."""

from __future__ import annotations

import asyncio
import json
import runpy
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from livethread_client import Bot, Comment, Room
from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.bots import bot_token
from tests.system.operator import say
from tests.system.peer import PATIENCE_S, Peer

ROOT = Path(__file__).parents[2]
ROOM = "news/bridge"
API = "/api/v1"
CANARY = "canary"
THE_END = "the end"


class Ear(Peer):
    """Keeps every byte that came."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self.heard = bytearray()
        self.token = ""

    async def _receive(self, most: int = 65536) -> int:
        before = len(self._buffer)
        count = await super()._receive(most)
        self.heard += self._buffer[before:]
        return count


@dataclass
class Town:
    """A server and everyone who is connected to it."""

    server: ServerProcess
    ears: list[Ear] = field(default_factory=list)

    async def open(self) -> Ear:
        ear = await Ear.open(self.server.port)
        assert isinstance(ear, Ear)
        self.ears.append(ear)
        return ear

    async def guest(self, name: str) -> Ear:
        ear = await self.open()
        await ear.say(type="hello", version=1, guest={"name": name})
        ear.token = (await ear.hear("welcome"))["guest_token"]
        return ear

    async def speaking(self, token: str | None = None) -> Ear:
        ear = await Ear.speaking(self.server.port, token=token)
        assert isinstance(ear, Ear)
        self.ears.append(ear)
        return ear

    async def staff(self, name: str = "Mod") -> Ear:
        scopes = ("read", "post", "moderate", "staff-feed")
        return await self.speaking(bot_token(self.server, name, *scopes))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with serving(tmp_path, **UNLIMITED) as process:
        town = Town(process)
        try:
            yield town
        finally:
            for ear in town.ears:
                ear.close()


async def ask(peer: Peer, **command: Any) -> dict[str, Any]:
    """The answer to a command, an error, too."""
    ref = f"r{next(_refs)}"
    if command["type"] in ("post", "edit", "delete", "moderate", "configure"):
        command = {"nonce": f"nonce-{ref}", **command}
    await peer.say(ref=ref, **command)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await peer.message()
            if found.get("ref") == ref:
                return found


_refs = iter(range(1, 10_000))


async def changed(peer: Peer, id: int, state: str) -> dict[str, Any]:
    """The comment once a change shows it in that state."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for change in (await peer.hear("changes"))["changes"]:
                comment = change.get("comment", {})
                if comment.get("id") == id and comment.get("state") == state:
                    return dict(comment)


async def test_a_watcher_hears_of_what_comes_up_and_of_what_others_decide(
    town: Town,
) -> None:
    ana, bob, mara, tom = (
        await town.staff("Ana"),
        await town.staff("Bob"),
        await town.guest("Mara"),
        await town.guest("Tom"),
    )
    for one in (ana, bob):
        assert (await ask(one, type="watch", on=True))["on"]
    refused = await ask(mara, type="watch", on=True)
    assert refused["code"] == "forbidden"
    await ask(ana, type="configure", room=ROOM, premoderate=True)
    held = (await ask(mara, type="post", room=ROOM, body="words"))["comment"]
    for one in (ana, bob):
        told = await one.hear("queued")
        assert (told["room"], told["comment"]["body"], told["comment"]["state"]) == (
            ROOM,
            "words",
            "held",
        )
    await ask(ana, type="moderate", room=ROOM, comment=held["id"], action="approve")
    told = await bob.hear("queued")
    assert (told["action"], told["by"]["name"]) == ("approve", "Ana")
    await ask(tom, type="report", room=ROOM, comment=held["id"], reason="spam")
    told = await bob.hear("queued")
    assert told["reports"] == 1
    await ask(bob, type="watch", on=False)
    await ask(ana, type="moderate", room=ROOM, comment=held["id"], action="hide")
    await bob.say(type="ping", t=1)
    assert (await bob.message())["type"] == "pong"


async def test_all_readers_see_each_decision(town: Town) -> None:
    mod, mara, tom = await town.staff(), await town.guest("Mara"), await town.guest("Tom")
    await ask(tom, type="join", room=ROOM)
    id = (await ask(mara, type="post", room=ROOM, body="words"))["comment"]["id"]
    await changed(tom, id, "visible")
    for action, state in (("hide", "hidden"), ("restore", "visible"), ("reject", "removed")):
        await ask(mod, type="moderate", room=ROOM, comment=id, action=action)
        comment = await changed(tom, id, state)
        assert ("body" in comment) == (state == "visible")
    await ask(mod, type="moderate", room=ROOM, comment=id, action="restore")
    assert (await changed(tom, id, "visible"))["body"] == "words"


async def test_a_ban_closes_the_connections_within_two_seconds(town: Town) -> None:
    mod, mara = await town.staff(), await town.guest("Mara")
    comment = (await ask(mara, type="post", room=ROOM, body="words"))["comment"]
    started = asyncio.get_running_loop().time()
    author = comment["author"]["id"]
    await ask(mod, type="moderate", room=ROOM, author=author, action="ban")
    error = await mara.hear("error")
    assert error["code"] == "banned"
    assert asyncio.get_running_loop().time() - started < PATIENCE_S
    again = await town.open()
    await again.say(type="hello", version=1, token=mara.token)
    assert (await again.hear("error"))["code"] == "banned"


async def test_deleting_all_of_a_person_is_seen_in_every_room_at_once(town: Town) -> None:
    mod, mara, tom = await town.staff(), await town.guest("Mara"), await town.guest("Tom")
    ids = {}
    for room in ("one", "two"):
        await ask(tom, type="join", room=room)
        comment = (await ask(mara, type="post", room=room, body="words"))["comment"]
        ids[room] = comment["id"]
        await changed(tom, ids[room], "visible")
    author = comment["author"]["id"]
    await ask(mod, type="moderate", room="one", author=author, action="delete_all")
    seen: set[str] = set()
    while seen != {"one", "two"}:
        frame = await tom.hear("changes")
        states = [change["comment"]["state"] for change in frame["changes"]]
        if states == ["removed"]:
            seen.add(frame["room"])
            assert frame["comments"] == 0


async def test_what_a_site_says_of_its_rooms_is_heard_at_once_in_all_that_say_nothing(
    town: Town,
) -> None:
    mod, tom = await town.staff(), await town.guest("Tom")
    await ask(mod, type="configure", room="said", state="open", slow_mode_s=0)
    for room in ("said", "one", "new"):
        await ask(tom, type="join", room=room)
    await ask(tom, type="post", room="one", body="words")
    token = bot_token(town.server, "Page", "read", "moderate")
    async with httpx.AsyncClient(base_url=town.server.url, headers=bearer(token)) as http:
        changes = {"state": "closed", "max_depth": 2, "reason": "over night"}
        answer = await http.patch(f"{API}/rules", json=changes)
        assert answer.json() == {"state": "closed", "max_depth": 2}
        heard: dict[str, dict[str, Any]] = {}
        while heard.keys() != {"said", "one", "new"}:
            frame = await tom.hear("changes")
            rooms = [change["room"] for change in frame["changes"] if "room" in change]
            heard |= {room["name"]: room for room in rooms if "max_depth" in room}
        states = {name: (room["state"], room["max_depth"]) for name, room in heard.items()}
        assert states == {"said": ("open", 2), "one": ("closed", 2), "new": ("closed", 2)}
        assert (await http.get(f"{API}/rules")).json() == {"state": "closed", "max_depth": 2}
        (act,) = (await http.get(f"{API}/acts?limit=1")).json()["acts"]
        assert (act["action"], act["room"], act["reason"]) == ("configure", "", "over night")
        refused = await http.patch(f"{API}/rules", json={"state": "site"})
        assert (refused.status_code, refused.json()["field"]) == (422, "state")
        token = tom.token
        theirs = await http.get(f"{API}/rules", headers=bearer(token))
        assert theirs.status_code == 403
        late = await town.guest("Late")
        assert (await ask(late, type="join", room="later"))["room"]["state"] == "closed"
        await http.patch(f"{API}/rules", json={"state": "open", "max_depth": -1})


async def set_filters(town: Town, **filters: Any) -> None:
    """They count once a comment of the staff's word for it is held."""
    token = bot_token(town.server, "Page", "read", "moderate")
    async with httpx.AsyncClient(base_url=town.server.url) as http:
        answer = await http.put(f"{API}/filters", json=filters, headers=bearer(token))
        assert answer.status_code == 200, answer.text


async def first_held(by: Ear) -> dict[str, Any]:
    """A comment that waits: filters count within a second."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            comment: dict[str, Any] = (await ask(by, type="post", room=ROOM, body="fine"))[
                "comment"
            ]
            if comment["state"] == "held":
                return comment


async def test_a_bot_judges_what_waits_for_it(town: Town) -> None:
    """The example bot, which begins while something waits already."""
    example = runpy.run_path(str(ROOT / "examples" / "moderator.py"))
    await set_filters(town, judge_s=3_600)
    mara, tom = await town.guest("Mara"), await town.guest("Tom")
    await ask(tom, type="join", room=ROOM)
    first = await first_held(mara)
    token = bot_token(town.server, "Judge", "read", "moderate", "staff-feed")
    bot = example["make_bot"](town.server.url, token, ["casino"], ["https://"])
    serving_bot = asyncio.create_task(bot.serve())
    assert (await changed(tom, first["id"], "visible"))["body"] == "fine"
    for body in ("CASINO", "see https://a.example"):
        await ask(mara, type="post", room=ROOM, body=body)
    last = (await ask(mara, type="post", room=ROOM, body="fine, too"))["comment"]
    await changed(tom, last["id"], "visible")
    mod = await town.staff()
    page = await ask(mod, type="page", room=ROOM, limit=100)
    seen = {c["id"]: (c["state"], c.get("hold")) for c in page["comments"]}
    assert ("removed", None) in seen.values()
    assert ("held", "has 'https://': look at it") in seen.values()
    bot.stop()
    await asyncio.wait_for(serving_bot, PATIENCE_S)


@pytest.mark.parametrize("change", ["edit", "pin"])
async def test_what_is_changed_while_a_bot_looks_is_judged_anew(town: Town, change: str) -> None:
    await set_filters(town, judge_s=3_600)
    mara, mod = await town.guest("Mara"), await town.staff()
    await ask(mod, type="watch", on=True)
    comment = await first_held(mara)
    looking, edited, judged = asyncio.Event(), asyncio.Event(), []
    bot = Bot(town.server.url, bot_token(town.server, "Slow", "read", "moderate", "staff-feed"))

    @bot.on_held()
    async def judge(found: Comment, room: Room) -> None:
        looking.set()
        await edited.wait()
        judged.append(found.body)
        await room.moderate(found.id, "approve", seq=found.seq)

    serving_bot = asyncio.create_task(bot.serve())
    await asyncio.wait_for(looking.wait(), PATIENCE_S)
    if change == "edit":
        await ask(mara, type="edit", room=ROOM, comment=comment["id"], body="otherwise")
    else:
        await ask(mod, type="moderate", room=ROOM, comment=comment["id"], action="pin")
    edited.set()
    async with asyncio.timeout(PATIENCE_S):
        while (await mod.hear("queued"))["comment"]["state"] != "visible":
            pass
    assert judged == ["fine", "otherwise" if change == "edit" else "fine"]
    bot.stop()
    await asyncio.wait_for(serving_bot, PATIENCE_S)


@pytest.mark.parametrize(("default", "state"), [("approve", "visible"), ("hold", "held")])
async def test_without_a_judgement_in_time_the_default_is_done(
    town: Town, default: str, state: str
) -> None:
    await set_filters(town, judge_s=1, judge_default=default)
    mod, mara = await town.staff(), await town.guest("Mara")
    await ask(mod, type="watch", on=True)
    comment = await first_held(mara)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            told = await mod.hear("queued", action=default)
            if told["comment"]["id"] == comment["id"]:
                break
    assert told["comment"]["state"] == state
    assert told["by"]["name"] == "Time limit"


# ── row 7 ──


@asynccontextmanager
async def events(server: ServerProcess) -> AsyncIterator[bytearray]:
    """Everything that server-sent events bring while the block lasts."""
    heard = bytearray()

    async def listen() -> None:
        url = f"{server.url}{API}/rooms/{ROOM}/events"
        async with httpx.AsyncClient(timeout=None) as client, client.stream("GET", url) as stream:
            async for data in stream.aiter_raw():
                heard.extend(data)

    task = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while b"joined" not in heard:  # noqa: ASYNC110 (nothing signals it)
                await asyncio.sleep(0.01)
        yield heard
    finally:
        task.cancel()


WAYS = range(1, 40)
"""Ids to ask for: whatever is there, and what isn't."""


async def test_what_the_public_may_not_see_never_reaches_it(town: Town) -> None:
    """Every byte that anyone but staff and the author gets, over every way there is."""
    mod, mara, tom = await town.staff(), await town.guest("Mara"), await town.guest("Tom")
    archive = bot_token(town.server, "Archive", "read", "replay")
    heard: dict[str, bytes] = {}
    http = httpx.AsyncClient(base_url=town.server.url)
    async with http, events(town.server) as streamed:
        for one in (mod, tom):
            await ask(one, type="join", room=ROOM)
        await say_what_is_not_for_all(town, http, mod, mara)
        for id in WAYS:
            for command in (
                {"type": "post", "parent": id, "body": "x"},
                {"type": "react", "comment": id, "reaction": "like", "on": True},
                {"type": "report", "comment": id, "reason": "other"},
                {"type": "edit", "comment": id, "body": "x"},
                {"type": "page", "comment": id},
                {"type": "page", "parent": id},
            ):
                await ask(tom, room=ROOM, **command)
        toms = (await ask(tom, type="post", room=ROOM, body="Tom's"))["comment"]["author"]["id"]
        await ask(mod, type="post", room=ROOM, body=THE_END)
        late = await town.speaking()
        replay = await town.speaking(archive)
        for order in ("oldest", "newest", "best"):
            await ask(late, type="join", room=ROOM, order=order)
        await ask(replay, type="join", room=ROOM, since="0")
        for name, ear in {"follower": tom, "late": late, "replay": replay}.items():
            assert isinstance(ear, Ear)
            heard[name] = await to_the_end(ear)
        async with asyncio.timeout(PATIENCE_S):
            while THE_END.encode() not in streamed:  # noqa: ASYNC110 (nothing signals it)
                await asyncio.sleep(0.01)
        heard["events"] = bytes(streamed)
        for path in (
            f"{API}/rooms/{ROOM}",
            f"{API}/rooms/{ROOM}/comments?limit=100",
            *(
                f"{API}/rooms/{ROOM}/comments?{by}={id}"
                for id in WAYS
                for by in ("comment", "parent")
            ),
            f"{API}/counts?room={ROOM}",
            f"{API}/queue",
            f"{API}/acts",
            f"{API}/restrictions",
            f"{API}/filters",
            f"/rooms/{ROOM}",
            f"/feeds/{ROOM}",
            "/openapi.json",
            "/metrics",
        ):
            heard[path] = (await http.get(path)).content
        url = f"{API}/rooms/{ROOM}/changes?since=0"
        export = await asyncio.to_thread(say, town.server, "person", "export", toms)
        assert "Tom's" in export
        heard["export"] = export.encode()
        heard["changes"] = (await http.get(url, headers=bearer(archive))).content
    for way, data in heard.items():
        at = data.find(CANARY.encode())
        assert at < 0, f"{way}: {data[max(0, at - 200) : at + 50]!r}"
    assert all(THE_END.encode() in heard[way] for way in ("follower", "late", "replay", "changes"))
    page = json.loads(heard[f"{API}/rooms/{ROOM}/comments?limit=100"])
    visible = sum(comment["state"] == "visible" for comment in page["comments"])
    assert json.loads(heard[f"{API}/counts?room={ROOM}"])["counts"][ROOM] == visible
    for words in ("held", "hidden", "list", "edited", "shadowed", "reply"):
        assert f"{CANARY} {words}".encode() in mod.heard, words


async def to_the_end(ear: Ear) -> bytes:
    """What it heard, once it has heard the last comment."""
    async with asyncio.timeout(PATIENCE_S):
        while THE_END.encode() not in ear.heard:
            await ear.message()
    return bytes(ear.heard)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def say_what_is_not_for_all(town: Town, http: httpx.AsyncClient, mod: Ear, mara: Ear) -> None:
    """All that the public may not see, in every way that makes it so."""

    async def post(body: str, **more: Any) -> dict[str, Any]:
        return dict((await ask(mara, type="post", room=ROOM, body=body, **more))["comment"])

    async def act(action: str, **whom: Any) -> None:
        reason = f"{CANARY} reason"
        done = await ask(mod, type="moderate", room=ROOM, action=action, reason=reason, **whom)
        assert done["type"] == "ack", done

    async def premoderate(on: bool) -> None:
        reason = f"{CANARY} reason"
        await ask(mod, type="configure", room=ROOM, premoderate=on, reason=reason)

    async def edit(id: int, body: str) -> None:
        await ask(mara, type="edit", room=ROOM, comment=id, body=body)

    root = (await post("root"))["id"]
    await premoderate(True)
    await post(f"{CANARY} held")
    await post(f"{CANARY} reply", parent=root)
    await act("reject", comment=(await post(f"{CANARY} rejected"))["id"])
    own = (await post(f"{CANARY} deleted"))["id"]
    await ask(mara, type="delete", room=ROOM, comment=own)
    await premoderate(False)
    for action in ("hide", "hold", "reject", "delete"):
        id = (await post(f"public, then {action}"))["id"]
        await act(action, comment=id)
        await edit(id, f"{CANARY} hidden by {action}")
    await post("a trap", website=f"https://{CANARY}.example")
    filters = {"hold_words": [f"{CANARY} list", f"{CANARY} edited", "probe"], "hold_at_reports": 2}
    token = bot_token(town.server, "Page", "read", "moderate")
    answer = await http.put(f"{API}/filters", json=filters, headers=bearer(token))
    assert answer.status_code == 200, answer.text
    async with asyncio.timeout(PATIENCE_S):
        while (await post("probe"))["state"] != "held":
            await mod.ping()
    await post(f"{CANARY} list")
    await edit((await post("public, then edited"))["id"], f"{CANARY} edited")
    reader = await town.guest("Reader")
    reported = (await post("public, then reported"))["id"]
    text = f"{CANARY} report"
    await ask(reader, type="report", room=ROOM, comment=reported, reason="spam", text=text)
    await act("shadow", author=(await post("not yet"))["author"]["id"])
    async with asyncio.timeout(PATIENCE_S):
        while b"shadow ban" not in mod.heard:
            await post("not yet")
            await mod.ping()
    await post(f"{CANARY} shadowed")
    await mod.ping()
