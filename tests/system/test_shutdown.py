"""The order of the end: no new work, what is under way is answered, then 1012."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.system.data import Seeded
from tests.system.inside import serving_inside
from tests.system.peer import Ended, Peer, Refused, closing


async def test_what_is_under_way_is_answered_before_the_close(
    tmp_path: Path, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.copy_to(tmp_path)
    async with serving_inside(tmp_path / "data", monkeypatch) as inside:
        store = inside.gateway.services.store
        commit, begun, go_on = store.commit, asyncio.Event(), asyncio.Event()

        async def slow_commit(writes: Any) -> Any:
            begun.set()
            await go_on.wait()
            return await commit(writes)

        monkeypatch.setattr(store, "commit", slow_commit)
        poster = await Peer.speaking(inside.port, token=seeded.post_token)
        reader = await Peer.speaking(inside.port)
        half = await Peer.dial(inside.port)
        with closing(poster, reader, half):
            await poster.say(type="post", room="end", nonce="under-way", body="under way", ref="1")
            await begun.wait()
            inside.server.should_exit = True
            assert (await reader.hear("notice"))["code"] == "draining"
            assert (await reader.ended()).code == 1012
            await poster.hear("notice")
            await poster.say(type="post", room="end", nonce="too-late", body="too late", ref="2")
            late = await poster.hear("error")
            assert (late["ref"], late["code"], late["retryable"]) == ("2", "unavailable", True)
            with pytest.raises((Refused, Ended, ConnectionError)):
                await Peer.open(inside.port)
            go_on.set()
            assert (await poster.hear("ack"))["ref"] == "1"
            assert (await poster.ended()).code == 1012


async def test_client_that_does_not_answer_the_close_delays_the_end_by_seconds_only(
    tmp_path: Path, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.copy_to(tmp_path)
    async with serving_inside(tmp_path / "data", monkeypatch, drain_s=30) as inside:
        deaf = await Peer.speaking(inside.port)
    with closing(deaf):  # the server has ended
        assert (await deaf.ended(is_polite=False)).code == 1012


@pytest.mark.parametrize("drain_s", [0, 0.4])
async def test_shortest_drain_still_ends(
    tmp_path: Path, seeded: Seeded, monkeypatch: pytest.MonkeyPatch, drain_s: float
) -> None:
    """Zero once meant forever to uvicorn."""
    seeded.copy_to(tmp_path)
    async with serving_inside(tmp_path / "data", monkeypatch, drain_s=drain_s) as inside:
        assert inside.server.config.timeout_graceful_shutdown == 1
