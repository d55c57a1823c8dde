"""A moderator at the moderation page, and what readers see of what is decided there."""

from __future__ import annotations

import json
import re
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page, expect

from livethread.cli import main
from tests.browser.reader import PATIENCE_S, Reader
from tests.browser.test_thread import HOSTILE
from tests.serverprocess import ServerProcess

pytestmark = pytest.mark.browser

ROOM = "demo/bridge"
NewReader = Callable[..., Reader]


@pytest.fixture
def server(own_server: ServerProcess) -> ServerProcess:
    """A desk looks at all rooms."""
    return own_server


@pytest.fixture
def url(server: ServerProcess) -> str:
    return f"{server.url}/{ROOM}"


def link(server: ServerProcess, name: str, *flags: str) -> str:
    """What ``livethread admin link`` prints, for the server as it listens."""
    words = ["admin", "link", name, *flags, "--data-dir", str(server.data_dir)]
    done = CliRunner().invoke(main, [*words, "--public-url", server.url])
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


class Desk:
    """A moderator: the page, and calls with the same token."""

    def __init__(self, server: ServerProcess, page: Page, url: str) -> None:
        self.page = page
        self._server = server
        self.token = url.partition("#token=")[2]
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.errors.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        self._url = url

    def open(self) -> Desk:
        self.until_known()
        self.page.goto(self._url)
        expect(self.page.locator(".state")).to_have_text("Live")
        return self

    def until_known(self) -> None:
        """The server looks each second for roles that an operator has given."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.ask("GET", "queue")
            except urllib.error.HTTPError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self._server.url}/api/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Origin": self._server.url,
                "Idempotency-Key": secrets.token_urlsafe(),
            },
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def rows(self) -> list[str]:
        return self.page.locator(".queue .excerpt").all_text_contents()

    def current(self) -> str:
        return self.page.locator(".queue [aria-current=true] .excerpt").text_content() or ""

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def tab(self, name: str) -> None:
        self.page.get_by_role("navigation").get_by_role("button", name=re.compile(name)).click()


@pytest.fixture
def new_desk(server: ServerProcess, browser: Browser) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def new(name: str = "Ana", **options: Any) -> Desk:
        given = {"viewport": {"width": 1200, "height": 800}, "locale": "en-GB", **options}
        context = browser.new_context(timezone_id="UTC", reduced_motion="reduce", **given)
        desks.append(Desk(server, context.new_page(), link(server, name)))
        return desks[-1]

    yield new
    errors = [error for desk in desks for error in desk.errors]
    for desk in desks:
        desk.page.context.close()
    assert errors == []


def premoderate(desk: Desk) -> None:
    desk.ask("PATCH", f"rooms/{ROOM}", {"premoderate": True})


def test_an_approved_comment_is_seen_by_another_reader_within_a_second(
    new_desk: Callable[..., Desk], new_reader: NewReader
) -> None:
    ana = new_desk().open()
    premoderate(ana)
    mara, jon = new_reader().open(), new_reader().open()
    mara.write("Is it open yet?", name="Mara")
    expect(ana.page.locator(".pill")).to_have_text("1 new in queue")
    ana.press("n")
    expect(ana.page.locator(".detail .body")).to_have_text("Is it open yet?")
    expect(ana.page.locator(".why")).to_have_text("Held: every comment waits here")
    jon.sees([])
    started = time.monotonic()
    with ana.page.expect_request("**/moderation") as asked:
        ana.press("a")
    expect(jon.comment("Is it open yet?")).to_be_visible()
    took_s = time.monotonic() - started
    print(f"seen after {took_s * 1000:.0f} ms")
    assert '"seq"' in (asked.value.post_data or "")  # what was read, not what may stand there since
    expect(ana.page.get_by_role("status")).to_have_text("Approved.")
    jon.sees([("Mara: Is it open yet?", [])])
    ana.press("u")
    expect(ana.page.get_by_role("status")).to_have_text("Undone: approved.")
    expect(jon.page.locator("live-thread")).not_to_contain_text("Is it open yet?")


def test_the_row_at_hand_stays_while_more_comes(
    new_desk: Callable[..., Desk], new_reader: NewReader
) -> None:
    ana = new_desk().open()
    premoderate(ana)
    mara = new_reader().open()
    for text in ("one", "two", "three"):
        mara.write(text, name="Mara" if text == "one" else None)
    expect(ana.page.locator(".pill")).to_have_text("3 new in queue")
    ana.press("n")
    assert (ana.rows(), ana.current()) == (["three", "two", "one"], "three")
    ana.press("j")
    top = ana.page.locator(".queue [aria-current=true]").bounding_box()
    mara.write("four")
    expect(ana.page.locator(".pill")).to_have_text("1 new in queue")
    assert ana.current() == "two"
    assert ana.rows() == ["three", "two", "one"]
    ana.press("n")
    assert (ana.rows()[0], ana.current()) == ("four", "two")
    assert top is not None


def test_many_are_rejected_at_once_and_the_bar_says_how_many(
    new_desk: Callable[..., Desk], new_reader: NewReader
) -> None:
    ana, bob = new_desk().open(), new_desk("Bob").open()
    premoderate(ana)
    mara = new_reader().open()
    for text in ("one", "two", "three"):
        mara.write(text, name="Mara" if text == "one" else None)
    for desk in (ana, bob):
        expect(desk.page.locator(".pill")).to_have_text("3 new in queue")
        desk.press("n")
    for text in ("one", "three"):
        ana.page.locator(".row").filter(has_text=text).get_by_role("checkbox").check()
    expect(ana.page.locator(".bulk")).to_contain_text("2 selected")
    ana.page.locator(".bulk").get_by_role("button", name="Reject").click()
    expect(ana.page.get_by_role("status")).to_have_text("Rejected: 2 comments.")
    decided = bob.page.locator(".row.decided")
    expect(decided).to_have_count(2)
    expect(decided.first).to_contain_text("Rejected by Ana")
    expect(bob.page.get_by_role("navigation")).to_contain_text("Held 1")


def test_reports_are_listed_with_the_comment_it_answers_and_kept(
    new_desk: Callable[..., Desk], new_reader: NewReader
) -> None:
    ana = new_desk().open()
    mara, jon = new_reader().open(), new_reader().open()
    mara.write("A question", name="Mara")
    jon.reply("A question", "<img src=x onerror=alert(1)> rude", name="Jon")
    jon.sees([("Mara: A question", [("Jon: <img src=x onerror=alert(1)> rude", [])])])
    reply = ana.ask("GET", "queue?list=recent")["items"][0]["comment"]
    guest = ana.ask("POST", "guests", {"name": "Reader"})["guest_token"]
    ana_token, ana.token = ana.token, guest
    body = {"reason": "abuse", "text": "look at that"}
    ana.ask("POST", f"rooms/{ROOM}/comments/{reply['id']}/reports", body)
    ana.token = ana_token
    ana.tab("Reported")
    expect(ana.page.locator(".reports")).to_contain_text("Abuse: look at that")
    expect(ana.page.locator(".parent")).to_contain_text("A question")
    assert ana.page.locator(".detail img, .queue img").count() == 0
    ana.page.get_by_role("button", name="Keep").click()
    expect(ana.page.get_by_role("status")).to_have_text("Approved.")
    ana.tab("Held")
    expect(ana.page.locator(".empty")).to_have_text("Nothing waits.")
    ana.tab("Recent")
    expect(ana.page.locator(".row")).to_have_count(2)


def test_comments_are_found_by_their_words(
    new_desk: Callable[..., Desk], new_reader: NewReader
) -> None:
    mara = new_reader().open()
    mara.write("A bridge", name="Mara")
    mara.write("A tunnel")
    mara.sees([("Mara: A tunnel", []), ("Mara: A bridge", [])])
    ana = new_desk().open()
    ana.page.get_by_role("searchbox").fill("BRIDGE")
    ana.press("Enter")
    expect(ana.page.locator(".queue .excerpt")).to_have_text(["A bridge"])
    ana.page.get_by_role("searchbox").fill("viaduct")
    ana.press("Enter")
    expect(ana.page.locator(".empty")).to_have_text("Nothing found.")
    ana.tab("Recent")
    expect(ana.page.locator(".row")).to_have_count(2)


def test_hostile_text_in_every_field_is_text(new_desk: Callable[..., Desk]) -> None:
    """Names, bodies, titles, reports, reasons of filters and of moderators."""
    ana = new_desk()
    ana.until_known()
    staff = ana.token
    for number, text in enumerate([*HOSTILE, "<b onmouseover=window.harmed=1>x"]):
        room = f"hostile/{number}"
        ana.token = staff
        ana.ask("PATCH", f"rooms/{room}", {"title": text, "reason": text})
        ana.token = ana.ask("POST", "guests", {"name": text[:40]})["guest_token"]
        comment = ana.ask("POST", f"rooms/{room}/comments", {"body": text})["comment"]
        report = {"reason": "other", "text": text}
        ana.token = ana.ask("POST", "guests", {"name": "Reader"})["guest_token"]
        ana.ask("POST", f"rooms/{room}/comments/{comment['id']}/reports", report)
        ana.token = staff
        hold = {"action": "hold", "reason": text}
        ana.ask("POST", f"rooms/{room}/comments/{comment['id']}/moderation", hold)
    ana.open()
    for tab, rows in (("Held", len(HOSTILE) + 1), ("Recent", len(HOSTILE) + 1)):
        ana.tab(tab)
        expect(ana.page.locator(".row")).to_have_count(rows)
        for row in range(rows):
            ana.page.locator(".row .open").nth(row).click()
            expect(ana.page.locator(".log")).to_be_visible()
            expect(ana.page.locator(".reports")).to_be_visible()
            made = "body :is(img, svg, iframe, script, b, object, [onmouseover], [onerror])"
            assert ana.page.locator(made).count() == 0
            assert ana.page.evaluate("window.harmed") is None
    assert ana.page.locator(".detail a[href^='javascript']").count() == 0


def test_the_room_is_closed_from_the_page_for_all_who_read_it(
    new_desk: Callable[..., Desk], new_reader: NewReader
) -> None:
    mara = new_reader().open()
    mara.write("Hello", name="Mara")
    mara.sees([("Mara: Hello", [])])
    ana = new_desk().open()
    ana.tab("Recent")
    ana.page.get_by_label("State").select_option("closed")
    expect(mara.page.locator("live-thread")).to_contain_text("Comments are closed.")


def test_a_wrong_token_is_told_and_nothing_is_shown(
    server: ServerProcess, browser: Browser
) -> None:
    page = browser.new_context().new_page()
    page.goto(f"{server.url}/moderation")
    page.get_by_label(re.compile("^Token")).fill("ltb_wrong_token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.locator(".queue").count() == 0
    page.context.close()


def test_the_page_cannot_be_framed_and_keeps_its_token_out_of_the_address(
    server: ServerProcess, new_desk: Callable[..., Desk], browser: Browser
) -> None:
    ana = new_desk().open()
    assert "token" not in ana.page.url
    ana.page.reload()
    expect(ana.page.locator(".state")).to_have_text("Live")
    ana.press("?")
    expect(ana.page.get_by_role("dialog")).to_contain_text("approve")
    ana.press("?")
    expect(ana.page.get_by_role("dialog")).not_to_be_visible()
    with urllib.request.urlopen(f"{server.url}/moderation") as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
