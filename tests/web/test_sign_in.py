"""Signing in by mail, against a real mail server."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from click.testing import CliRunner

from livethread.cli import main
from tests.notify.mailserver import Mailbox, a_mailbox, text_of
from tests.web.site import ORIGIN, ROOM, ROOMS, Site, a_site

NEWS = "https://news.example"
MARA = "mara@mail.example"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with a_mailbox() as box:
        yield box


@asynccontextmanager
async def mailing(tmp_path: Path, box: Mailbox, **settings: Any) -> AsyncIterator[Site]:
    given: dict[str, Any] = {
        "smtp_url": box.url,
        "mail_from": "comments@news.example",
        "public_url": ORIGIN,
        "origins": [NEWS],
        "mail_rate": 0,
        "mailbox_rate": 0,
        **settings,
    }
    async with a_site(tmp_path, **given) as site:
        yield site


async def ask(site: Site, email: str = MARA, origin: str = NEWS) -> httpx.Response:
    return await site.client.post("/sign-in/mail", data={"email": email, "origin": origin})


async def use(site: Site, link: str, name: str = "Mara Lind") -> httpx.Response:
    form = {"token": link.partition("token=")[2], "name": name}
    return await site.client.post("/sign-in/link", data=form)


def handed(answer: httpx.Response) -> dict[str, str]:
    """What the page tells its script."""
    place = re.search(r'<div id="sign-in"([^>]*)>', answer.text)
    assert place is not None, answer.text
    found = re.findall(r'data-(\w+)="([^"]*)"', place[1])
    return {name: html.unescape(value) for name, value in found}


async def signed_in(site: Site, box: Mailbox, email: str = MARA, name: str = "Mara Lind") -> str:
    assert (await ask(site, email)).status_code == 200
    link = await asyncio.to_thread(box.next_link)
    answer = await use(site, link, name)
    assert answer.status_code == 200, answer.text
    return handed(answer)["token"]


async def test_a_reader_signs_in_by_a_link_and_comes_back_as_the_same(
    tmp_path: Path, box: Mailbox
) -> None:
    async with mailing(tmp_path, box) as site:
        assert (await site.client.get("/api/v1/sign-in")).json() == {"ways": ["mail"]}
        opened = await site.client.get("/sign-in", params={"origin": NEWS})
        assert opened.status_code == 200
        assert "Mail address" in opened.text
        asked = await ask(site)
        assert handed(asked) == {"site": "default", "origin": NEWS}
        letter = await asyncio.to_thread(box.next)
        assert letter["To"] == MARA
        text = text_of(letter)
        found = re.search(r"\S+/sign-in/link\?token=\S+", text)
        assert found is not None
        link = found[0]
        assert link.startswith(f"{ORIGIN}/")
        shown = await site.client.get(link)
        assert 'value=""' in shown.text
        done = await use(site, link)
        token = handed(done)["token"]
        assert "origin" not in handed(done)  # that page tells the window that waits, nobody else
        bearer = {"Authorization": f"Bearer {token}"}
        comment = await site.post(bearer, "signed in")
        assert comment["author"]["name"] == "Mara Lind"
        await ask(site, MARA.upper())
        link = await asyncio.to_thread(box.next_link)
        assert 'value="Mara Lind"' in (await site.client.get(link)).text
        again = handed(await use(site, link, "Mara L."))["token"]
        renamed = await site.post({"Authorization": f"Bearer {again}"}, "again")
        assert renamed["author"]["id"] == comment["author"]["id"]
        assert renamed["author"]["name"] == "Mara L."
        assert "mara@" not in str(comment)


async def test_who_is_erased_comes_back_only_as_somebody_else(tmp_path: Path, box: Mailbox) -> None:
    data = str(tmp_path / "data")
    async with mailing(tmp_path, box) as site:
        old = {"Authorization": f"Bearer {await signed_in(site, box)}"}
        before = (await site.post(old, "before"))["author"]["id"]
        words = ["person", "erase", before, "--yes", "--data-dir", data]
        done = await asyncio.to_thread(CliRunner().invoke, main, words)
        assert done.exit_code == 0, done.output
        await site.up_to_date()
        assert (await site.client.get(f"{ROOMS}/{ROOM}", headers=old)).status_code == 401
    async with mailing(tmp_path, box) as site:
        assert (await site.client.get(f"{ROOMS}/{ROOM}", headers=old)).status_code == 401
        new = {"Authorization": f"Bearer {await signed_in(site, box)}"}
        after = (await site.post(new, "after"))["author"]["id"]
        assert after != before
        assert (await site.client.get(f"{ROOMS}/{ROOM}", headers=old)).status_code == 401


async def test_who_has_just_signed_in_here_is_new(tmp_path: Path, box: Mailbox) -> None:
    async with mailing(tmp_path, box) as site:
        staff = await site.bot("moderate")
        for hold_new_s, state in ((3_600, "held"), (0, "visible")):
            filters = {"hold_new_s": hold_new_s}
            put = await site.client.put("/api/v1/filters", json=filters, headers=staff)
            assert put.status_code == 200, put.text
            await site.up_to_date()
            bearer = {"Authorization": f"Bearer {await signed_in(site, box)}"}
            assert (await site.post(bearer, state))["state"] == state


async def test_a_link_is_good_once(tmp_path: Path, box: Mailbox) -> None:
    async with mailing(tmp_path, box) as site:
        await ask(site)
        link = await asyncio.to_thread(box.next_link)
        for _ in range(3):  # programs that look into mails use nothing up
            assert (await site.client.get(link)).status_code == 200
        answers = await asyncio.gather(*(use(site, link) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404]
        assert (await site.client.get(link)).status_code == 404
        assert sum("data-token" in answer.text for answer in answers) == 1


async def test_a_link_is_good_for_a_quarter_of_an_hour(
    tmp_path: Path, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mailing(tmp_path, box) as site:
        await ask(site)
        link = await asyncio.to_thread(box.next_link)
        links: Any = cast(Any, site.gateway.services.sign_in).links
        now = links._clock_ms()
        monkeypatch.setattr(links, "_clock_ms", lambda: now + 901_000)
        assert (await site.client.get(link)).status_code == 404
        assert (await use(site, link)).status_code == 404
        monkeypatch.setattr(links, "_clock_ms", lambda: now + 890_000)
        assert (await use(site, link)).status_code == 200


async def test_whoever_asks_learns_nothing_of_an_address(tmp_path: Path, box: Mailbox) -> None:
    """Known, unknown, or sent too many already: the same answer."""
    async with mailing(tmp_path, box, mailbox_rate=0.0001, mailbox_burst=2) as site:
        await signed_in(site, box)
        known, unknown, bombed, bombed_again = [
            await ask(site, email) for email in (MARA, "else@mail.example", MARA, MARA)
        ]
        assert known.status_code == 200
        assert known.text == unknown.text == bombed.text == bombed_again.text
        assert known.headers == unknown.headers == bombed.headers
        letters = [await asyncio.to_thread(box.next) for _ in range(2)]
        assert [letter["To"] for letter in letters] == [MARA, "else@mail.example"]
        assert box.waiting == 0
        names = [text_of(letter).partition("token=")[0] for letter in letters]
        assert names[0] == names[1]


async def test_one_who_asks_too_often_is_told_so(tmp_path: Path, box: Mailbox) -> None:
    async with mailing(tmp_path, box, mail_rate=0.0001, mail_burst=2) as site:
        found = [(await ask(site, f"{n}@mail.example")).status_code for n in range(4)]
        assert found == [200, 200, 429, 429]


async def test_a_name_of_somebody_else_is_refused_and_the_link_still_good(
    tmp_path: Path, box: Mailbox
) -> None:
    async with mailing(tmp_path, box) as site:
        await signed_in(site, box)
        await ask(site, "evil@mail.example")
        link = await asyncio.to_thread(box.next_link)
        for name in ("Mara Lind", "M\u0430RA LIND", "admin", "", "\u200b", "x" * 41):
            answer = await use(site, link, name)
            assert answer.status_code == 400, name
            assert 'role="alert"' in answer.text
            assert "data-token" not in answer.text
        assert (await use(site, link, "Other")).status_code == 200
        guest = await site.client.post("/api/v1/guests", json={"name": "mara lind"})
        assert guest.status_code == 422


@pytest.mark.parametrize(
    "email",
    [
        "",
        "mara",
        "mara@localhost",
        "a@b.example, c@d.example",
        "a@b.example\r\nBcc: c@d.example",
        "<a@b.example>",
        '"a b"@c.example',
        "a@b..example",
        "é@b.example",
        f"{'a' * 65}@b.example",
    ],
)
async def test_what_is_no_address_gets_no_mail(tmp_path: Path, box: Mailbox, email: str) -> None:
    async with mailing(tmp_path, box) as site:
        answer = await ask(site, email)
        assert answer.status_code == 400
        assert "no mail address" in answer.text
        assert box.waiting == 0


async def test_the_window_is_for_pages_of_the_sites_origins_only(
    tmp_path: Path, box: Mailbox
) -> None:
    async with mailing(tmp_path, box) as site:
        for origin in (
            "https://evil.example",
            "null",
            "",
            "*",
            f"{NEWS}.evil.example",
            f"{NEWS}/",
            f'{NEWS}"><script>',
        ):
            opened = await site.client.get("/sign-in", params={"origin": origin})
            assert opened.status_code == 403, origin
            assert "<script>" not in opened.text
            assert (await ask(site, origin=origin)).status_code == 403
        assert box.waiting == 0


async def test_forms_of_other_pages_do_nothing(tmp_path: Path, box: Mailbox) -> None:
    async with mailing(tmp_path, box) as site:
        await ask(site)
        link = await asyncio.to_thread(box.next_link)
        token = link.partition("token=")[2]
        for headers in (
            {"Origin": NEWS},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {},
        ):
            async with site.peer(**headers) as client:
                mail = {"email": "x@y.example", "origin": NEWS}
                assert (await client.post("/sign-in/mail", data=mail)).status_code == 403
                form = {"token": token, "name": "Mara"}
                assert (await client.post("/sign-in/link", data=form)).status_code == 403
        assert box.waiting == 0
        assert (await use(site, link)).status_code == 200


async def test_pages_are_kept_by_nobody_and_framed_by_nobody(tmp_path: Path, box: Mailbox) -> None:
    async with mailing(tmp_path, box) as site:
        await ask(site)
        link = await asyncio.to_thread(box.next_link)
        for answer in (
            await site.client.get("/sign-in", params={"origin": NEWS}),
            await site.client.get(link),
            await use(site, link),
        ):
            assert answer.headers["cache-control"] == "no-store"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["cross-origin-opener-policy"] == "unsafe-none"
            assert "set-cookie" not in answer.headers


async def test_without_a_mail_server_there_is_no_such_window(site: Site) -> None:
    assert (await site.client.get("/api/v1/sign-in")).json() == {"ways": []}
    opened = await site.client.get("/sign-in", params={"origin": ORIGIN})
    assert opened.status_code == 404
