"""Health and figures."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from livethread.protocol.errors import Unavailable
from tests.web.site import ORIGIN, ROOM, Site, a_site, until


async def figures(site: Site) -> dict[str, float]:
    async with site.peer("127.0.0.1") as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        sample.name + "".join(f",{k}={v}" for k, v in sample.labels.items()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_a_running_server_is_alive_and_ready(site: Site) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await site.client.get(path)).status_code == 200


async def test_a_draining_server_is_alive_but_not_ready(site: Site) -> None:
    site.gateway.drain()
    assert (await site.client.get("/healthz")).status_code == 200
    answer = await site.client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_a_server_whose_database_does_not_answer_is_not_ready(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise Unavailable

    monkeypatch.setattr(site.gateway.services.store, "ping", fail)
    assert (await site.client.get("/healthz")).status_code == 200
    assert (await site.client.get("/readyz")).status_code == 503


async def test_tasks_are_counted(site: Site) -> None:
    before = (await figures(site))["livethread_tasks"]
    task = asyncio.create_task(asyncio.Event().wait())
    assert (await figures(site))["livethread_tasks"] == before + 1
    task.cancel()


async def test_the_docs_name_each_figure_and_no_other(site: Site) -> None:
    async with site.peer("127.0.0.1") as client:
        text = (await client.get("/metrics")).text
    names = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(text)
        if family.name.startswith("livethread_")
    }
    assert len(names) > 20
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    assert set(re.findall(r"^\| `(livethread_[a-z_]+)` \|", text, re.MULTILINE)) == names
    assert set(re.findall(r"`(livethread_[a-z_]+)`", text)) == names


async def test_the_figures_follow_what_happens(site: Site) -> None:
    before = await figures(site)
    guest = await site.guest()
    await site.post(guest, "one")
    await site.post(guest, "two")
    after = await figures(site)
    assert after["livethread_writes_total"] - before["livethread_writes_total"] == 2
    assert after["livethread_commit_writes_count"] == 2
    assert after["livethread_commit_writes_sum"] == 2
    assert after["livethread_commit_writes_bucket,le=1"] == 2
    assert after["livethread_commit_seconds_bucket,le=+Inf"] == 2
    assert after["livethread_commit_seconds_sum"] > 0
    assert after["livethread_http_answers_total,method=POST,status=201"] == 3
    for name in ("livethread_rooms", "livethread_readers", "livethread_readers_lagging"):
        assert name in after
    for name in ("flushes", "deliveries", "delivered_bytes", "feed_reads", "resets"):
        assert f"livethread_{name}_total" in after
    assert "livethread_connections,transport=websocket" in after
    assert after["process_resident_memory_bytes"] > 0


@pytest.mark.parametrize(
    ("peer", "header", "trusted", "networks", "status"),
    [
        ("127.0.0.1", None, [], None, 200),
        ("::1", None, [], None, 200),
        ("192.0.2.1", None, [], None, 403),
        # A proxy on the same machine that nobody told us of: not loopback's own request.
        ("127.0.0.1", ("X-Forwarded-For", "192.0.2.1"), [], None, 403),
        ("127.0.0.1", ("X-Forwarded-For", "127.0.0.1"), [], None, 403),
        ("127.0.0.1", ("Forwarded", "for=127.0.0.1"), [], None, 403),
        ("127.0.0.1", ("Via", "1.1 proxy"), [], None, 403),
        ("127.0.0.1", ("X-Forwarded-For", "192.0.2.1"), ["127.0.0.1"], None, 403),
        ("127.0.0.1", ("X-Forwarded-For", "10.0.0.9"), ["127.0.0.1"], ["10.0.0.0/8"], 200),
        ("192.0.2.1", ("X-Forwarded-For", "127.0.0.1"), [], None, 403),
        ("10.0.0.9", None, [], ["10.0.0.0/8"], 200),
        ("127.0.0.1", None, [], [], 403),
    ],
)
async def test_only_named_networks_read_the_figures(
    tmp_path: Path,
    peer: str,
    header: tuple[str, str] | None,
    trusted: list[str],
    networks: list[str] | None,
    status: int,
) -> None:
    given: dict[str, Any] = {} if networks is None else {"metrics_networks": networks}
    async with a_site(tmp_path, trusted_proxies=trusted, **given) as site:
        async with site.peer(peer) as client:
            answer = await client.get("/metrics", headers=dict([header] if header else []))
        assert answer.status_code == status


async def test_unknown_methods_do_not_grow_the_figures(site: Site) -> None:
    async with site.peer(Origin=ORIGIN) as client:
        for method in ("BREW", "WHEN"):
            await client.request(method, f"/rooms/{ROOM}")
    found = await figures(site)
    assert found["livethread_http_answers_total,method=other,status=405"] == 2


async def test_all_who_ask_at_once_cost_one_question_to_the_database(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = [], asyncio.Event()

    async def ping() -> None:
        asked.append(1)
        await answered.wait()

    monkeypatch.setattr(site.gateway.services.store, "ping", ping)
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(site.client.get("/readyz")) for _ in range(5)]
        await until(lambda: bool(asked))
        for _ in range(200):
            await asyncio.sleep(0)
        answered.set()
    assert [task.result().status_code for task in waiting] == [200] * 5
    assert len(asked) == 1
    assert (await site.client.get("/readyz")).status_code == 200
    assert len(asked) == 2
