"""The client against a real server that is killed, restarted and left behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from livethread.protocol.errors import (
    BadFrame,
    Forbidden,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from livethread_client import Change, Room, Snapshot, connect
from livethread_client.live import Live, Options
from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.bots import bot_token

QUICK = Options(random=lambda low, high: min(high, 0.05))
"""Comes back at once: a test has no crowd to spread."""


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    with serving(tmp_path, **UNLIMITED, reconnect_window_ms=[0, 200]) as server:
        yield server


@pytest.fixture
def short_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """One that brings nobody up to date who is more than ten changes behind."""
    with serving(tmp_path, **UNLIMITED, resume_changes=10) as server:
        yield server


async def collect(room: Room, last: str) -> list[Snapshot | Change]:
    """Everything up to the comment with that body."""
    items = []
    async for item in room.changes():
        items.append(item)
        if isinstance(item, Change) and item.comment and item.comment.body == last:
            return items
    raise AssertionError("the changes ended")


def bodies(items: list[Snapshot | Change]) -> list[str]:
    return [i.comment.body or "" for i in items if isinstance(i, Change) and i.comment is not None]


@pytest.mark.parametrize("stops", ["kill", "terminate"])
async def test_posting_through_deaths_of_the_server_loses_and_doubles_nothing(
    own_server: ServerProcess, stops: str
) -> None:
    async with (
        Live(own_server.url, guest="Ann", options=QUICK) as writer,
        Live(own_server.url, options=QUICK) as reader,
    ):
        room = await reader.join("news/bridge")
        collecting = asyncio.create_task(collect(room, "end"))
        posted: list[str] = []
        progress = asyncio.Condition()

        async def post(number: int) -> None:
            for n in range(40):
                body = f"{number}.{n}"
                ack = await writer.room("news/bridge").post(body)
                assert ack.comment is not None
                assert ack.comment.body == body
                async with progress:
                    posted.append(body)
                    progress.notify_all()

        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(post(number))
            for goal in (30, 70, 110):
                async with progress:
                    await progress.wait_for(lambda goal=goal: len(posted) >= goal)  # type: ignore[misc]
                await asyncio.to_thread(getattr(own_server, stops))
                await asyncio.to_thread(own_server.start)
        await writer.room("news/bridge").post("end")
        items = await collecting
        seqs = [item.seq for item in items if isinstance(item, Change)]
        assert seqs == list(range(1, 162))
        assert Counter(bodies(items)) == Counter([*posted, "end"])
        assert [type(item) for item in items[:1]] == [Snapshot]
        assert room.cursor is not None
        assert room.cursor.endswith(".161")


async def test_a_saved_cursor_goes_on_where_it_was(own_server: ServerProcess) -> None:
    async with connect(own_server.url, guest="Ann") as live:
        room = live.room("news/bridge")
        for n in range(5):
            await room.post(str(n))
    async with connect(own_server.url) as reader:
        first = await reader.join("news/bridge")
        async for _ in first.changes():
            break
        cursor = first.cursor
        assert cursor is not None
    async with connect(own_server.url, guest="Ann") as live:
        await live.room("news/bridge").post("after")
    async with connect(own_server.url) as reader:
        again = await reader.join("news/bridge", cursor)
        assert bodies(await collect(again, "after")) == ["after"]


async def test_who_is_too_far_behind_gets_a_snapshot_that_says_so(
    short_server: ServerProcess,
) -> None:
    async with connect(short_server.url, guest="Ann") as live:
        room = live.room("r")
        await room.post("first")
        reader = await live.join("r")
        async for _ in reader.changes():
            break
        cursor = reader.cursor
        for n in range(20):
            await room.post(str(n))
    async with connect(short_server.url) as live:
        behind = await live.join("r", cursor)
        async for item in behind.changes():
            assert isinstance(item, Snapshot)
            assert item.reason == "behind"
            break
        found = [comment async for page in behind.history() for comment in page.comments]
        assert len(found) == 21


async def test_a_cursor_of_another_history_gets_a_snapshot_that_says_so(
    own_server: ServerProcess,
) -> None:
    async with connect(own_server.url) as live:
        room = await live.join("r", "otherepoch.5")
        async for item in room.changes():
            assert isinstance(item, Snapshot)
            assert item.reason == "new_history"
            break


async def test_who_may_replay_misses_nothing_however_far_behind(
    short_server: ServerProcess,
) -> None:
    token = bot_token(short_server, "Archive", "read", "replay", "post")
    async with connect(short_server.url, token=token) as live:
        for n in range(30):
            await live.room("r").post(str(n))
        room = await live.join("r", "0")
        cursor = None
        async for item in room.changes():
            assert isinstance(item, Change)
            if item.seq == 3:
                cursor = room.cursor
                break
    async with connect(short_server.url, token=token) as live:
        again = await live.join("r", cursor)
        items = await collect(again, "29")
        assert [item.seq for item in items if isinstance(item, Change)] == list(range(4, 31))
        assert not any(isinstance(item, Snapshot) for item in items)


async def test_a_slow_consumer_gets_everything_and_the_inbox_stays_bounded(
    own_server: ServerProcess,
) -> None:
    """Its consumer sleeps while another room of the same connection goes on and posts."""
    async with (
        connect(own_server.url, guest="Ann") as writer,
        connect(own_server.url, guest="Bo", max_waiting=8) as reader,
    ):
        slow = await reader.join("slow")
        for n in range(100):
            await writer.room("slow").post(str(n))
            if n % 10 == 0:  # an answer that may be behind what nobody takes
                await reader.room("other").post("hi")
                assert slow.waiting <= 3 * 8 + 32
        await writer.room("slow").post("end")
        items = await collect(slow, "end")
        assert bodies(items) == [*map(str, range(100)), "end"]


async def test_several_rooms_on_one_connection(own_server: ServerProcess) -> None:
    async with connect(own_server.url, guest="Ann") as live:
        rooms = [await live.join(f"room/{n}") for n in range(5)]
        for room in rooms:
            await room.post(f"end of {room.name}")
        for room in rooms:
            assert bodies(await collect(room, f"end of {room.name}")) == [f"end of {room.name}"]
        rooms[0].leave()
        assert [item async for item in rooms[0].changes()] == []
        with pytest.raises(ValueError, match="already"):
            await live.join("room/1")


async def test_others_in_the_room_are_told_that_a_client_writes(tmp_path: Path) -> None:
    with serving(tmp_path, **UNLIMITED, presence_s=0.1) as server:
        async with (
            connect(server.url, guest="Ann") as ann,
            connect(server.url, guest="Ben") as ben,
            asyncio.timeout(30),
        ):
            writes, reads = await ann.join("a"), await ben.join("a")
            for on in (True, False):
                writes.tell_writing(on)
                while reads.writing != on:
                    await reads.page()  # presence comes in between


async def test_everything_one_may_do(own_server: ServerProcess) -> None:
    token = bot_token(own_server, "Mod", "read", "post", "moderate")
    async with connect(own_server.url, token=token) as live:
        room = await live.join("r")
        root = (await room.post("Root")).comment
        assert root is not None
        reply = (await room.post("Reply", parent=root.id)).comment
        assert reply is not None
        assert reply.parent == root.id
        edited = await room.edit(reply.id, "Better", nonce="nonce-0001")
        again = await room.edit(reply.id, "Better", nonce="nonce-0001")
        assert (again.seq, again.duplicate) == (edited.seq, True)
        await room.react(root.id, "like", True)
        await room.report(root.id, "spam", "just a test")
        await room.moderate(root.id, "pin")
        await room.configure(title="Bridge", slow_mode_s=0)
        await room.delete(reply.id)
        page = await room.page()
        assert [(c.id, c.state) for c in page.comments] == [(1, "visible"), (2, "deleted")]


async def test_refusals_are_typed(own_server: ServerProcess) -> None:
    async with connect(own_server.url) as nobody:
        with pytest.raises(Unauthorized):
            await nobody.room("r").post("Hello")
        with pytest.raises(Forbidden):
            await nobody.join("r", "0")
        with pytest.raises(BadFrame):
            await nobody.join("no room")
        with pytest.raises(ValueError, match="cursor"):
            await nobody.join("r", "nonsense")
    async with connect(own_server.url, guest="Ann") as ann:
        with pytest.raises(NotFound):
            await ann.room("r").post("Hello", parent=99)
        with pytest.raises(BadFrame, match="empty"):
            await ann.room("r").post("   ")


async def test_a_wrong_token_and_a_missing_server_are_told_at_once(
    own_server: ServerProcess,
) -> None:
    with pytest.raises(Unauthorized):
        async with connect(own_server.url, token="ltb_00000000_wrong"):
            pass
    own_server.terminate()
    with pytest.raises(Unavailable, match="refused"):
        async with connect(own_server.url):
            pass


async def test_a_server_that_is_not_up_yet_can_be_waited_for(own_server: ServerProcess) -> None:
    own_server.kill()

    async def post() -> None:
        async with connect(own_server.url, guest="Ann", keep_trying=True) as live:
            await live.room("r").post("Hello")

    posting = asyncio.create_task(post())
    await asyncio.to_thread(own_server.start)
    await posting


async def test_a_guest_comes_back_as_the_same_person(own_server: ServerProcess) -> None:
    async with connect(own_server.url, guest="Ann") as live:
        id, token = live.user.id, live.token
    async with connect(own_server.url, guest="Ann", token=token) as live:
        assert live.user.id == id


async def test_rate_limits_are_waited_for_as_far_as_patience_goes(tmp_path: Path) -> None:
    settings = {**UNLIMITED, "post_rate": 2, "post_burst": 1}
    with serving(tmp_path, **settings) as server:
        async with connect(server.url, guest="Ann") as live:
            room = live.room("r")
            await room.post("one")
            with pytest.raises(RateLimited):
                await room.post("two")
            ack = await room.post("three", patience_s=30)
            assert ack.seq == 2


async def test_a_silent_server_is_left_and_come_back_to(own_server: ServerProcess) -> None:
    """Nothing is heard for ``silence_s``: the link is dead, whatever TCP thinks."""
    losses, was_lost_twice = count(1), asyncio.Event()

    def lost(_low: float, _high: float) -> float:
        if next(losses) == 2:
            was_lost_twice.set()
        return 0

    async with Live(
        own_server.url, guest="Ann", options=Options(silence_s=0.2, random=lost)
    ) as live:
        async with asyncio.timeout(30):
            await was_lost_twice.wait()
        await live.room("r").page()


async def test_closing_ends_those_who_wait(own_server: ServerProcess) -> None:
    async with connect(own_server.url) as live:
        room = await live.join("r")
        collecting = asyncio.create_task(collect(room, "never"))
        await asyncio.sleep(0)
    with pytest.raises(AssertionError, match="ended"):
        await collecting
    with pytest.raises(Unavailable):
        await live.room("r").page()
