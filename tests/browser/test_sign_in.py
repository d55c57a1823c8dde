"""The sign-in window hands the token to the page that opened it, and to no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.hosting import hosting
from tests.notify.mailserver import Mailbox, a_mailbox
from tests.serverprocess import UNLIMITED, ServerProcess

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>News</title>
<link rel="icon" href="data:,"><button>Sign in</button><output></output>
<script type="module">
import {{ signIn }} from "{server}/static/sign-in-window.js";
const [button, output] = document.querySelectorAll("button, output");
button.onclick = async () => output.textContent = await signIn("{server}/") ?? "nobody";
</script></html>"""

THREAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>News</title>
<link rel="icon" href="data:,"><script type="module" src="{server}/embed.js"></script>
<live-thread room="news"></live-thread></html>"""

EVIL = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Evil</title>
<link rel="icon" href="data:,"><button>Win</button><output>nothing</output>
<script>
const [button, output] = document.querySelectorAll("button, output");
addEventListener("message", (event) => output.textContent = JSON.stringify(event.data));
button.onclick = () => open("{server}/sign-in?origin={news}", "w", "popup");
</script></html>"""


@dataclass
class Town:
    server: ServerProcess
    box: Mailbox
    news: str
    evil: str
    pages: dict[str, str]

    def embed(self) -> None:
        """From now on the news have a thread."""
        self.pages["news"] = THREAD.format(server=self.server.url)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    pages: dict[str, str] = {}
    with (
        a_mailbox() as box,
        hosting(lambda: (pages["news"], "")) as news,
        hosting(lambda: (pages["evil"], "")) as evil,
    ):
        given = {"smtp_url": box.url, "mail_from": "c@news.example", "origins": [news], **UNLIMITED}
        server = ServerProcess(tmp_path, given)
        url = f"http://127.0.0.1:{server.port}"
        server._settings["public_url"] = url
        pages["news"] = PAGE.format(server=url)
        pages["evil"] = EVIL.format(server=url, news=news)
        try:
            server.start()
            yield Town(server, box, news, evil, pages)
        finally:
            server.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as context:
        yield context


def ask(town: Town, opener: Page, button: str | None = None) -> tuple[Page, str]:
    """Open the window and ask for a link; returns the window, which waits, and the link."""
    with opener.expect_popup() as popup:
        opener.get_by_role("button", name=button).click()
    window = popup.value
    window.get_by_label("Mail address").fill("mara@mail.example")
    window.get_by_role("button", name="Send me a link").click()
    expect(window.get_by_role("heading", name="Look into your mail")).to_be_visible()
    return window, town.box.next_link()


def use(context: BrowserContext, link: str) -> Page:
    """Open the link from the mail in a page of its own."""
    page = context.new_page()
    page.goto(link)
    page.get_by_label("Name shown beside your comments").fill("Mara Lind")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    return page


def test_the_page_that_opened_the_window_gets_the_token(
    town: Town, context: BrowserContext
) -> None:
    opener = context.new_page()
    opener.goto(town.news)
    window, link = ask(town, opener)
    use(context, link)
    expect(opener.locator("output")).to_contain_text("eyJ")
    if not window.is_closed():
        window.wait_for_event("close")
    token = opener.locator("output").inner_text()
    assert token.count(".") == 2


def test_a_page_of_another_origin_gets_nothing(town: Town, context: BrowserContext) -> None:
    opener = context.new_page()
    opener.goto(town.evil)
    window, link = ask(town, opener)
    use(context, link)
    if not window.is_closed():
        window.wait_for_event("close")  # it has handed over what it had
    expect(opener.locator("output")).to_have_text("nothing")


def test_a_link_opened_in_another_browser_signs_nobody_in_here(
    town: Town, context: BrowserContext, browser: Browser
) -> None:
    opener = context.new_page()
    opener.goto(town.news)
    window, link = ask(town, opener)
    with browser.new_context() as elsewhere:
        use(elsewhere, link)
        assert not window.is_closed()
        assert opener.locator("output").inner_text() == ""


def test_a_window_that_is_closed_signs_nobody_in(town: Town, context: BrowserContext) -> None:
    opener = context.new_page()
    opener.goto(town.news)
    window, _ = ask(town, opener)
    window.close()
    expect(opener.locator("output")).to_have_text("nobody")


def test_who_writes_in_a_thread_signs_in_there_goes_on_writing_and_signs_out(
    town: Town, context: BrowserContext
) -> None:
    town.embed()
    page = context.new_page()
    page.goto(town.news)
    text = page.get_by_role("textbox", name="Write a comment")
    text.fill("Half written")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    _, link = ask(town, page, "Sign in")
    use(context, link)
    expect(page.get_by_text("Posting as \u2068Mara Lind\u2069")).to_be_visible()
    expect(text).to_have_value("Half written")
    expect(text).to_be_focused()
    text.press("Control+Enter")
    expect(page.get_by_role("article", name="Mara Lind")).to_contain_text("Half written")
    page.reload()
    text.focus()
    expect(page.get_by_text("Posting as \u2068Mara Lind\u2069")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("textbox", name="Your name")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(text).to_have_value("")  # the draft went with who wrote it, and was posted


def test_what_is_an_account_s_leaves_with_it_and_comes_back_with_it(
    town: Town, context: BrowserContext
) -> None:
    town.embed()
    page = context.new_page()
    page.goto(town.news)
    text = page.get_by_role("textbox", name="Write a comment")
    text.fill("Mine to like")
    _, link = ask(town, page, "Sign in")
    use(context, link)
    expect(page.get_by_text("Posting as \u2068Mara Lind\u2069")).to_be_visible()
    text.press("Control+Enter")
    like = page.get_by_role("button", name="Like the comment of")
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true")
    text.fill("For nobody else to see")
    page.get_by_role("button", name="Sign out").click()
    expect(text).to_have_value("")
    expect(like).to_have_attribute("aria-pressed", "false")
    _, link = ask(town, page, "Sign in")
    page_of_link = context.new_page()
    page_of_link.goto(link)
    page_of_link.get_by_role("button", name="Sign in").click()
    expect(text).to_have_value("For nobody else to see")
    expect(like).to_have_attribute("aria-pressed", "true")
