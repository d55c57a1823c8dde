"""SIGTERM under load: no new work, what is under way is answered, and all are told to come back."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.faults.crowd import Crowd
from tests.faults.history import faults_of
from tests.serverprocess import STOP_S, UNLIMITED, ServerProcess, serving
from tests.system.data import Seeded

RUN = {**UNLIMITED, "max_connections_per_identity": 0, "resume_changes": 100_000}
MIB_64 = 2**26
POSTERS, FOLLOWERS = 4, 3


@pytest.mark.parametrize(
    ("cycles", "acks"), [(3, 250), pytest.param(50, 500, marks=pytest.mark.slow)]
)
async def test_signal_under_load_answers_what_is_under_way_and_loses_nothing(
    tmp_path: Path, seeded: Seeded, cycles: int, acks: int
) -> None:
    seeded.copy_to(tmp_path)
    with serving(tmp_path, **RUN, resume_bytes=MIB_64) as server:
        crowd = Crowd(
            server.port, seeded.all_token, "drained", posters=POSTERS, followers=FOLLOWERS
        )
        crowd.start()
        for cycle in range(cycles):
            number = signal.SIGINT if cycle % 3 == 2 else signal.SIGTERM
            await crowd.acks(acks + cycle)
            crowd.goodbyes.codes.clear()
            crowd.goodbyes.notices.clear()
            started = time.monotonic()
            assert await asyncio.to_thread(_stop, server, number) == 0
            assert time.monotonic() - started < 10
            await crowd.all_gone()
            assert crowd.goodbyes.codes == [1012] * (POSTERS + FOLLOWERS)
            assert len(crowd.goodbyes.notices) == POSTERS + FOLLOWERS
            for notice in crowd.goodbyes.notices:
                assert notice["code"] == "draining"
                assert notice["reconnect_after_ms"] == [500, 5000]
            await asyncio.to_thread(server.start)
            crowd.go_on()
        await crowd.acks(acks)
        history = await crowd.finish()
        assert crowd.duplicates == 0  # what was saved before the end was answered before it
        log = server.log.read_text()
    assert faults_of(history) == []
    assert "Traceback" not in log


def _stop(server: ServerProcess, number: signal.Signals) -> int:
    server.process.send_signal(number)
    server.process.wait(STOP_S)
    return server.terminate()  # has ended: only its code is fetched
