"""What readers like, from their click to everybody's page, on a server as it is run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.peer import Peer

READERS = 12


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    directory = tmp_path_factory.mktemp("reactions")
    with serving(directory, reactions='["like","dislike"]', **UNLIMITED) as process:
        yield process


async def a_guest(server: ServerProcess, name: str) -> tuple[Peer, str]:
    """Connected; and its token."""
    peer = await Peer.open(server.port)
    await peer.say(type="hello", version=1, guest={"name": name})
    return peer, (await peer.hear("welcome"))["guest_token"]


async def asked(peer: Peer, answer: str, **command: Any) -> dict[str, Any]:
    await peer.say(**command)
    return await peer.hear(answer)


async def test_likes_reach_everyone_as_counts_and_their_givers_as_their_own(
    server: ServerProcess,
) -> None:
    with ExitStack() as stack:
        mara, token = await a_guest(server, "Mara")
        watcher = await Peer.speaking(server.port)
        stack.enter_context(closing(mara))
        stack.enter_context(closing(watcher))
        for number in (1, 2):
            post = {"nonce": f"nonce-{number:04}", "body": "x" * 3_000}
            await asked(mara, "ack", type="post", room="likes", **post)
        joined = await asked(watcher, "joined", type="join", room="likes")
        held = {comment["id"]: comment for comment in joined["comments"]}
        others = [(await a_guest(server, f"Reader {i}"))[0] for i in range(READERS)]
        for other in others:
            stack.enter_context(closing(other))
        react = {"type": "react", "room": "likes", "comment": 1, "reaction": "like", "on": True}
        for other in (mara, *others):
            await other.say(**react)
        changes: list[dict[str, Any]] = []
        to = 2
        while to < 2 + 1 + READERS:
            frame = await watcher.hear("changes")
            assert frame["from"] == to
            to = frame["to"]
            changes += frame["changes"]
        assert all(list(change) == ["seq", "reactions"] for change in changes)
        assert changes[-1] == {
            "seq": to,
            "reactions": {"comment": 1, "counts": {"like": READERS + 1}},
        }
        held[1] |= {"reactions": changes[-1]["reactions"]["counts"], "seq": to}

        again = await Peer.speaking(server.port, token=token)
        stack.enter_context(closing(again))
        fresh = await asked(again, "joined", type="join", room="likes", order="best")
        assert [comment["id"] for comment in fresh["comments"]] == [1, 2]
        assert {comment["id"]: comment for comment in fresh["comments"]} == held
        assert fresh["reacted"] == {"1": ["like"]}
        place = await asked(again, "page", type="page", room="likes", comment=1)
        assert (place["comments"], place["reacted"]) == ([held[1]], {"1": ["like"]})
        shared = await asked(others[0], "joined", type="join", room="likes")
        assert shared["reacted"] == {"1": ["like"]}
        assert "reacted" not in await asked(watcher, "joined", type="join", room="likes")
