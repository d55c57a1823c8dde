"""A wall clock that jumps an hour to and fro: order, places and sign-ins are as before."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from livethread import app
from livethread.gateway import Gateway
from livethread.settings import Settings
from livethread.store.base import Store
from tests.system.data import Seeded
from tests.system.inside import Inside, serving_inside
from tests.system.peer import Peer, closing

HOUR_MS = 3_600_000
ROOM = "time"


class Clock:
    """The program's wall clock, as far off as one likes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.off_ms = 0
        compose = app.compose

        def compose_by_this(settings: Settings, store: Store, clocks: app.Clocks) -> Gateway:
            clocks = app.Clocks(clocks.monotonic, lambda: app.clock_ms() + self.off_ms)
            return compose(settings, store, clocks)

        monkeypatch.setattr(app, "compose", compose_by_this)


@pytest.mark.parametrize("jumps", list(itertools.permutations((-1, 0, 1))))
async def test_order_is_that_of_the_commits_whatever_the_clock_says(
    tmp_path: Path, seeded: Seeded, monkeypatch: pytest.MonkeyPatch, jumps: tuple[int, ...]
) -> None:
    seeded.copy_to(tmp_path)
    clock = Clock(monkeypatch)
    async with serving_inside(tmp_path / "data", monkeypatch) as inside:
        poster = await Peer.speaking(inside.port, token=seeded.post_token)
        reader = await Peer.speaking(inside.port)
        guest, token = await _guest(inside, "Ada")
        with closing(poster, reader, guest):
            await reader.say(type="join", room=ROOM)
            cursor = (await reader.hear("joined"))["cursor"]
            for number, jump in enumerate(jumps):
                clock.off_ms = jump * HOUR_MS
                for peer, who in ((poster, "bot"), (guest, "guest")):
                    await _post(peer, f"{who} {number}")
                for _ in range(round(2 * inside.gateway.settings.heartbeat_s)):
                    inside.gateway.tick()  # nobody is silent, overdue or expired
                again = await Peer.speaking(inside.port, token=token)
                newer, _ = await _guest(inside, f"Eve {number}")
                with closing(again, newer):
                    await _post(again, f"again {number}")
            expected = [
                f"{who} {number}"
                for number in range(len(jumps))
                for who in ("bot", "guest", "again")
            ]
            assert await _changes(reader, len(expected)) == expected
            await reader.ping()

            late = await Peer.speaking(inside.port)
            with closing(late):
                await late.say(type="join", room=ROOM, since=cursor)
                assert (await late.hear("joined"))["mode"] == "resume"
                assert await _changes(late, len(expected)) == expected
                for order, shown in (("oldest", expected), ("newest", expected[::-1])):
                    await late.say(type="page", room=ROOM, order=order)
                    page = await late.hear("page")
                    assert [comment["body"] for comment in page["comments"]] == shown


@pytest.mark.parametrize("jump", [-1, 1])
async def test_slow_mode_and_editing_survive_a_jump(
    tmp_path: Path, seeded: Seeded, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    """Nobody is held off for longer than slow mode lasts; a new comment can be edited at once.

    Until a clock that was set back has caught up, slow mode holds nobody off.
    """
    seeded.copy_to(tmp_path)
    clock = Clock(monkeypatch)
    async with serving_inside(tmp_path / "data", monkeypatch) as inside:
        staff = await Peer.speaking(inside.port, token=seeded.all_token)
        guest, _ = await _guest(inside, "Ada")
        with closing(staff, guest):
            await staff.say(type="configure", room=ROOM, nonce="slow-mode", slow_mode_s=60)
            await staff.hear("ack")
            await _post(guest, "before")
            clock.off_ms = jump * HOUR_MS
            ack = await _post(guest, "after")
            edit = {"room": ROOM, "nonce": "edit-after", "comment": ack["comment"]["id"]}
            await guest.say(type="edit", body="after all", **edit)
            assert (await guest.hear("ack", "error"))["type"] == "ack"
            await guest.say(type="post", room=ROOM, nonce="too-soon", body="too soon")
            answer = await guest.hear("ack", "error")
            if jump > 0:
                assert answer["code"] == "held_off"
                assert 0 < answer["retry_after_ms"] <= 60_000


async def _guest(inside: Inside, name: str) -> tuple[Peer, str]:
    peer = await Peer.open(inside.port)
    await peer.say(type="hello", version=1, guest={"name": name})
    return peer, str((await peer.hear("welcome"))["guest_token"])


async def _post(peer: Peer, body: str) -> dict[str, Any]:
    await peer.say(type="post", room=ROOM, nonce=f"nonce-{body}".replace(" ", "-"), body=body)
    answer = await peer.hear("ack", "error")
    assert answer["type"] == "ack", answer
    return answer


async def _changes(peer: Peer, count: int) -> list[str]:
    bodies: list[str] = []
    cursor = 0
    while len(bodies) < count:
        message = await peer.hear("changes")
        assert message["from"] == cursor
        cursor = message["to"]
        bodies += [change["comment"]["body"] for change in message["changes"]]
    return bodies
