"""``livethread admin link``: whoever has the link is that moderator, until it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from livethread.cli import main
from tests.web.site import a_site


def say(directory: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--data-dir", str(directory / "data")])


def link(directory: Path, *words: str) -> str:
    done = say(directory, "admin", "link", *words)
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def bearer(link: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {link.partition('#token=')[2]}"}


async def test_a_link_signs_in_and_the_same_name_is_the_same_person(tmp_path: Path) -> None:
    first = await asyncio.to_thread(link, tmp_path, "Ana")
    second = await asyncio.to_thread(link, tmp_path, "Ana", "--role", "moderator")
    assert first.startswith("http://127.0.0.1:8080/moderation#token=")
    async with a_site(tmp_path) as site:
        ids: list[dict[str, str]] = []
        for given in (first, second):
            headers = {**bearer(given), "Idempotency-Key": f"key-{len(ids)}-12345"}
            url = "/api/v1/rooms/a/comments"
            answer = await site.client.post(url, json={"body": "Hello"}, headers=headers)
            assert answer.status_code == 201, answer.text
            ids.append(answer.json()["comment"]["author"])
            assert (await site.client.get("/api/v1/queue", headers=headers)).status_code == 200
        assert ids[0] == ids[1]
        assert (ids[0]["name"], ids[0]["badge"]) == ("Ana", "staff")
        guest = await site.client.post("/api/v1/guests", json={"name": "\u0410n\u0430"})
        assert guest.status_code == 422  # taken, whatever script it is written in


def test_a_link_to_another_site_leads_to_its_page(tmp_path: Path) -> None:
    assert say(tmp_path, "site", "add", "news").exit_code == 0
    given = link(tmp_path, "Ana", "--site", "news")
    assert given.startswith("http://127.0.0.1:8080/moderation?site=news#token=")


async def test_a_link_ends_with_its_role(tmp_path: Path) -> None:
    given = await asyncio.to_thread(link, tmp_path, "Ana")
    roles = (await asyncio.to_thread(say, tmp_path, "role", "list")).stdout.split("\t")
    assert roles[2:] == ["admin", "Ana\n"]
    assert (await asyncio.to_thread(say, tmp_path, "role", "take", roles[1])).exit_code == 0
    async with a_site(tmp_path) as site:
        answer = await site.client.get("/api/v1/queue", headers=bearer(given))
        assert answer.status_code == 403


@pytest.mark.parametrize("words", [["", "--hours", "1"], ["Ana", "--hours", "0"]])
def test_a_link_needs_a_name_and_an_end(tmp_path: Path, words: list[str]) -> None:
    assert say(tmp_path, "admin", "link", *words).exit_code == 2


def test_a_link_is_of_a_site_that_is_there(tmp_path: Path) -> None:
    done = say(tmp_path, "admin", "link", "Ana", "--site", "nowhere")
    assert "no site 'nowhere'" in done.output
