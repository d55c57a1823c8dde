"""The same nonce a hundred times at once: one comment, one answer."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.system.conftest import Shared
from tests.system.peer import Peer, closing


async def test_nonce_used_100_times_at_once_is_one_comment(server: Shared) -> None:
    peers = [await Peer.speaking(server.port, token=server.post_token) for _ in range(20)]
    follower = await Peer.speaking(server.port)
    with closing(follower, *peers):
        await follower.say(type="join", room="once")
        await follower.hear("joined")

        async def post(peer: Peer) -> list[dict[str, Any]]:
            for _ in range(5):
                await peer.say(type="post", room="once", nonce="again-and-again", body="once")
            return [await peer.hear("ack") for _ in range(5)]

        answers = [ack for acks in await asyncio.gather(*map(post, peers)) for ack in acks]
        assert len(answers) == 100
        assert {ack["seq"] for ack in answers} == {1}
        comments = {ack["comment"]["id"]: ack["comment"] for ack in answers}
        assert list(comments) == [1]
        assert all(ack["comment"] == comments[1] for ack in answers)
        assert sum("duplicate" not in ack for ack in answers) == 1

        await peers[0].say(type="post", room="once", nonce="something-else", body="twice")
        heard: list[int] = []
        while len(heard) < 2:
            heard += [change["seq"] for change in (await follower.hear("changes"))["changes"]]
        assert heard == [1, 2]


async def test_nonce_used_for_something_else_is_a_conflict(server: Shared) -> None:
    peer = await Peer.speaking(server.port, token=server.post_token)
    with closing(peer):
        await peer.say(type="post", room="conflict", nonce="used-before", body="one")
        await peer.say(type="post", room="conflict", nonce="used-before", body="another")
        await peer.hear("ack")
        assert (await peer.hear("error"))["code"] == "conflict"


async def test_same_nonce_of_another_author_is_another_comment(server: Shared) -> None:
    one = await Peer.speaking(server.port, token=server.post_token)
    other = await Peer.speaking(server.port, token=server.all_token)
    with closing(one, other):
        for peer in (one, other):
            await peer.say(type="post", room="authors", nonce="the-same-one", body="mine")
        assert {(await peer.hear("ack"))["seq"] for peer in (one, other)} == {1, 2}
