"""Coming back with a cursor: no gap, no repeat, over many disconnects and in many rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serverprocess import UNLIMITED, serving
from tests.system.conftest import Shared
from tests.system.data import Seeded
from tests.system.peer import Peer, closing, command, fill


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory, seeded: Seeded) -> Iterator[Shared]:
    """Keeps the last 16 changes in memory, and continues nobody who is more than 50 behind."""
    directory = tmp_path_factory.mktemp("forgetful")
    seeded.copy_to(directory)
    settings = {"ring_entries": 16, "resume_changes": 50, "replay_changes": 10}
    with serving(directory, **UNLIMITED, **settings) as process:
        yield Shared(process, seeded.all_token, seeded.post_token)


class Reader:
    """Keeps a room as the protocol tells a client to, and what it was told."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.cursor: str | None = None
        self.modes: list[str] = []
        self.seqs: list[int] = []

    @property
    def seq(self) -> int:
        return int((self.cursor or ".0").partition(".")[2])

    async def join(self, peer: Peer) -> None:
        since = {} if self.cursor is None else {"since": self.cursor}
        await peer.say(type="join", room=self.room, **since)
        joined = await _joined(peer, self.room)
        self.modes.append(joined["mode"])
        if joined["mode"] == "resume":
            assert joined["cursor"] == self.cursor
        else:
            self.seqs = list(range(1, joined["room"]["seq"] + 1))
        self.cursor = joined["cursor"]

    async def follow(self, peer: Peer, until: int) -> None:
        while self.seq < until:
            self.take(await peer.hear("changes", room=self.room))

    def take(self, message: dict[str, Any]) -> None:
        assert message["from"] == self.seq
        self.seqs += [change["seq"] for change in message["changes"]]
        assert self.cursor is not None
        self.cursor = f"{self.cursor.partition('.')[0]}.{message['to']}"


async def _joined(peer: Peer, room: str) -> dict[str, Any]:
    while (joined := await peer.hear("joined"))["room"]["name"] != room:
        pass
    return joined


async def test_reader_cut_off_a_hundred_times_misses_and_repeats_nothing(server: Shared) -> None:
    posting = asyncio.create_task(
        fill(server.port, server.post_token, "cut-off", 400, body_chars=20)
    )
    reader = Reader("cut-off")
    for cut in range(100):
        peer = await Peer.speaking(server.port)
        with closing(peer):
            await reader.join(peer)
            if not posting.done():
                await reader.follow(peer, reader.seq + 1 + cut % 5)
            if cut % 3 == 0:
                peer.reset()
    head = await posting
    peer = await Peer.speaking(server.port)
    with closing(peer):
        await reader.join(peer)
        await reader.follow(peer, head)
    assert reader.seqs == list(range(1, head + 1))
    assert set(reader.modes[1:]) == {"resume"}


async def test_reader_behind_the_ring_is_continued_from_the_store(forgetful: Shared) -> None:
    await _fall_behind(forgetful, "behind-the-ring", posts=45, mode="resume")


async def test_reader_too_far_behind_gets_a_snapshot(forgetful: Shared) -> None:
    await _fall_behind(forgetful, "too-far", posts=60, mode="snapshot")


async def _fall_behind(forgetful: Shared, room: str, posts: int, mode: str) -> None:
    await fill(forgetful.port, forgetful.all_token, room, 1, body_chars=5)
    reader = Reader(room)
    peer = await Peer.speaking(forgetful.port)
    with closing(peer):
        await reader.join(peer)
    head = await fill(forgetful.port, forgetful.post_token, room, posts, body_chars=5)
    peer = await Peer.speaking(forgetful.port)
    with closing(peer):
        await reader.join(peer)
        await reader.follow(peer, head)
    assert reader.modes == ["snapshot", mode]
    assert reader.seqs == list(range(1, head + 1))


@pytest.mark.parametrize("cursor", ["zzzzzz.1", "{epoch}.999"])
async def test_cursor_of_another_history_or_the_future_gets_a_snapshot(
    server: Shared, cursor: str
) -> None:
    await fill(server.port, server.all_token, "histories", 3, body_chars=5)
    peer = await Peer.speaking(server.port)
    with closing(peer):
        await peer.say(type="join", room="histories")
        epoch = (await peer.hear("joined"))["cursor"].partition(".")[0]
        await peer.say(type="join", room="histories", since=cursor.format(epoch=epoch))
        joined = await peer.hear("joined")
        assert joined["mode"] == "snapshot"
        assert joined["cursor"] == f"{epoch}.{joined['room']['seq']}"


async def test_reader_who_stalls_too_long_is_reset_and_starts_anew(forgetful: Shared) -> None:
    """Its place is lost while its socket is full; the connection is not."""
    reader = await Peer.speaking(forgetful.port, receive_buffer=4_096)
    with closing(reader):
        for number in range(40):
            await reader.say(type="join", room=f"lost-{number % 4}")
        posting = [
            fill(forgetful.port, forgetful.all_token, f"lost-{number}", 1_000, body_chars=4_000)
            for number in range(4)
        ]
        await asyncio.gather(*posting)
        lost = (await reader.hear("reset", reason="too_far"))["room"]
        await reader.say(type="join", room=lost, ref="again")
        joined = await reader.hear("joined", ref="again")
        assert (joined["mode"], joined["room"]["seq"]) == ("snapshot", 1_000)


async def test_many_rooms_over_one_connection_are_each_in_order(server: Shared) -> None:
    readers = {f"many-{number}": Reader(f"many-{number}") for number in range(30)}
    peer = await Peer.speaking(server.port)
    with closing(peer):
        for reader in readers.values():
            await reader.join(peer)
        async with asyncio.TaskGroup() as posting:
            for room in readers:
                posting.create_task(fill(server.port, server.all_token, room, 10, body_chars=5))
            while any(reader.seq < 10 for reader in readers.values()):
                message = await peer.hear("changes")
                readers[message["room"]].take(message)
    assert all(reader.seqs == list(range(1, 11)) for reader in readers.values())


async def test_joins_and_leaves_in_one_breath_end_as_the_last_one_says(server: Shared) -> None:
    await fill(server.port, server.all_token, "breath", 2, body_chars=5)
    peer = await Peer.speaking(server.port)
    with closing(peer):
        for number in range(20):
            await peer.say(type="join", room="breath", ref=f"j{number}")
            await peer.say(type="leave", room="breath", ref=f"l{number}")
        await peer.hear("left", ref="l19")
        await fill(server.port, server.post_token, "breath", 3, body_chars=5)
        await peer.say(type="ping", t=1)
        types = []
        while (message := await peer.message())["type"] != "pong":
            types.append(message["type"])
        assert "changes" not in types

        for number in range(20):
            await peer.say(type="leave", room="breath")
            await peer.say(type="join", room="breath", ref=f"j{number}")
        seqs: list[int] = []
        await fill(server.port, server.all_token, "breath-2", 1, body_chars=5)
        joined = await peer.hear("joined", ref="j19")
        cursor = int(joined["cursor"].partition(".")[2])
        late = await Peer.speaking(server.port, token=server.post_token)
        with closing(late):
            await late.say(type="post", room="breath", nonce="breath-last", body="x")
            head = (await late.hear("ack"))["seq"]
        while cursor < head:
            message = await peer.message()
            if message["type"] == "joined":
                cursor = int(message["cursor"].partition(".")[2])
            elif message["type"] == "changes":
                assert message["from"] == cursor
                seqs += [change["seq"] for change in message["changes"]]
                cursor = message["to"]
        assert seqs[-1] == head


async def test_a_join_whose_room_is_left_while_it_waits_is_answered_all_the_same(
    server: Shared,
) -> None:
    peer = await Peer.speaking(server.port)
    with closing(peer):
        await peer.send(
            command(type="join", room="left-at-once", ref="j")
            + command(type="leave", room="left-at-once", ref="l")
        )
        answers: dict[Any, dict[str, Any]] = {}
        while len(answers) < 2:
            message = await peer.message()
            answers[message.get("ref")] = message
        assert answers["l"]["type"] == "left"
        assert (answers["j"]["code"], answers["j"]["retryable"]) == ("unavailable", True)
