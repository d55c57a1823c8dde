"""After all have gone, nothing of them is left: memory, tasks, descriptors, entries."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvloop

from livethread.expiries import Expiries
from livethread.socket import Connection
from tests.system.conftest import Shared
from tests.system.data import Seeded
from tests.system.inside import serving_inside
from tests.system.peer import Peer, closing, until

MIB = 2**20


async def visit(port: int, token: str, number: int) -> None:
    """Come in one of several ways, leave in one of several others."""
    peer = await Peer.open(port)
    with closing(peer):
        if number % 7 == 6:
            return
        hello: dict[str, Any] = {"version": 1}
        match number % 3:
            case 0:
                hello["token"] = token
            case 1:
                hello["guest"] = {"name": f"Guest {number}"}
        await peer.say(type="hello", **hello)
        await peer.say(type="join", room=f"visited-{number % 10}")
        await peer.say(type="page", room=f"visited-{number % 10}")
        if number % 5:
            await peer.hear("joined")
        if number % 3 == 0:
            await peer.say(type="post", room="visited-0", nonce=f"visit-{number:05}", body="x")
        if number % 2:
            peer.reset()


@pytest.mark.parametrize(
    ("loop_factory", "visits"),
    [(asyncio.new_event_loop, 50), (uvloop.new_event_loop, 300)],
    ids=["asyncio", "uvloop"],
)
def test_gateway_hub_and_loop_are_as_before_when_all_have_left(
    tmp_path: Path,
    seeded: Seeded,
    monkeypatch: pytest.MonkeyPatch,
    loop_factory: Any,
    visits: int,
) -> None:
    seeded.copy_to(tmp_path)
    made: weakref.WeakSet[Connection] = weakref.WeakSet()

    class Counted(Connection):
        def __init__(self, *positional: Any, **keywords: Any) -> None:
            super().__init__(*positional, **keywords)
            made.add(self)

    monkeypatch.setattr("livethread.app.Connection", Counted)

    async def run() -> None:
        async with serving_inside(
            tmp_path / "data",
            monkeypatch,
            max_connections_per_address=0,
            max_connections_per_identity=0,
            hello_deadline_s=0.5,
            room_idle_s=1,
        ) as inside:
            gateway = inside.gateway
            await visit(inside.port, seeded.all_token, 0)
            await until(lambda: not inside.connections, "the first has left")
            tasks = len(asyncio.all_tasks())
            for start in range(0, visits, 25):
                numbers = range(start, start + 25)
                await asyncio.gather(
                    *(visit(inside.port, seeded.all_token, number) for number in numbers)
                )
            await until(lambda: not inside.connections, "all have left")
            assert len(gateway) == 0
            assert not gateway.addresses._counts
            assert not gateway.identities._counts
            await until(lambda: not list(gateway.services.hub.rooms()), "idle rooms are dropped")
            await until(lambda: len(asyncio.all_tasks()) <= tasks, "no task is left")

            def forgotten() -> bool:
                gc.collect()
                # Some entries without effect may stay; a bound, not a share of the visitors.
                return len(made) <= 20

            await until(forgotten, "connections are forgotten")

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())


async def test_memory_and_descriptors_are_as_before_when_all_have_left(server: Shared) -> None:
    process = psutil.Process(server.process.process.pid)

    async def crowd(size: int) -> None:
        for start in range(0, size, 50):
            await asyncio.gather(
                *(visit(server.port, server.all_token, n) for n in range(start, start + 50))
            )

    await crowd(200)  # what is allocated once is
    before_fds, before_rss = process.num_fds(), server.rss_bytes
    await crowd(400)
    # Four connections that read the database may have come, with their files.
    await until(lambda: process.num_fds() <= before_fds + 12, "descriptors are closed")
    assert server.rss_bytes - before_rss < 8 * MIB


def test_expiries_hold_no_more_than_twice_what_is_there() -> None:
    expiries: Expiries[int] = Expiries()
    for number in range(10_000):
        expiries.set(number, 10**15 + number)
        if number >= 10:
            expiries.discard(number - 10)
        assert len(expiries) <= 2 * 11 + 16
    for number in range(10_000):
        expiries.set(9_999, 10**15 + number)  # one who renews all the time
        assert len(expiries) <= 2 * 11 + 16


def test_expiries_give_each_once_and_only_its_last_time() -> None:
    expiries: Expiries[str] = Expiries()
    expiries.set("moved", 10)
    expiries.set("moved", 30)
    expiries.set("lifted", 10)
    expiries.set("lifted", None)
    expiries.set("gone", 10)
    expiries.discard("gone")
    expiries.set("due", 20)
    expiries.set("due", 20)
    assert expiries.take_due(19) == []
    assert expiries.take_due(20) == ["due"]
    assert expiries.take_due(20) == []
    assert expiries.take_due(30) == ["moved"]
    assert expiries.take_due(10**15) == []


async def test_command_that_fails_by_a_bug_closes_its_connection_only(
    tmp_path: Path,
    seeded: Seeded,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The client would wait in vain; it is told to come back."""
    seeded.copy_to(tmp_path)
    async with serving_inside(tmp_path / "data", monkeypatch) as inside:

        async def fail(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(inside.gateway.services.store, "page", fail)
        asking = await Peer.speaking(inside.port)
        other = await Peer.speaking(inside.port)
        with closing(asking, other):
            await asking.say(type="page", room="bug")
            assert (await asking.ended()).code == 1013
            await other.ping()


async def test_slow_visitors_do_not_pile_up_while_they_are_refused(server: Shared) -> None:
    started = time.monotonic()
    for _ in range(100):
        peer = await Peer.dial(server.port)
        await peer.send(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n")
        peer.reset()
    last = await Peer.speaking(server.port)
    with closing(last):
        await last.ping()
    assert time.monotonic() - started < 10


async def test_garbage_collector_need_not_look_through_what_stays(
    tmp_path: Path, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It held everyone up for 100 ms at a time."""
    seeded.copy_to(tmp_path)
    gc.unfreeze()
    async with serving_inside(tmp_path / "data", monkeypatch):
        assert gc.get_freeze_count() > 50_000
    gc.unfreeze()
