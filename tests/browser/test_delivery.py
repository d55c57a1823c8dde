"""What a page fetches until comments are there, and in which language they come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request, Route, WebSocket, expect

from tests.browser.hosting import POLICY, hosting
from tests.browser.reader import Reader
from tests.browser.rooms import Place
from tests.browser.writing import fill
from tests.serverprocess import UNLIMITED, serving

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>News</title>
<link rel="icon" href="data:,">
<script type="module" src="{server}/embed.js"></script>
<live-thread room="news"></live-thread></html>"""
FORMS = "**/static/comment-forms.js*"


@contextmanager
def reading(tmp_path: Path, browser: Browser, lang: str) -> Iterator[tuple[Reader, list[str]]]:
    """A reader of a page in this language on a site of its own, and what it asks the server for."""
    places: list[str] = []

    def answer() -> tuple[str, str]:
        [server] = places
        socket = server.replace("http", "ws", 1)
        page = PAGE.format(server=server, lang=lang)
        return page, POLICY.format(server=server, socket=socket)

    asked: list[str] = []

    def note(request: Request | WebSocket) -> None:
        _, _, place = request.url.partition("//")
        host, _, path = place.partition("/")
        if places[0].endswith(host):
            asked.append(path.partition("?")[0])

    with hosting(answer) as site, serving(tmp_path, origins=[site], **UNLIMITED) as server:
        places.append(server.url)
        fill(server.url, "news", [("One", None), ("Two", None), ("Three", 0)])
        context = browser.new_context(locale="en-GB", reduced_motion="reduce")
        reader = Reader(context, f"{site}/news")
        reader.page.on("request", note)
        reader.page.on("websocket", note)
        late = ("**/static/lang/more/*", "**/static/extra-styles.js*")
        with reader.page.expect_request(late[0]), reader.page.expect_request(late[1]):
            reader.open()
        yield reader, asked
        context.close()
    assert reader.errors == []


@pytest.mark.parametrize(("lang", "title"), [("en", "Comments 3"), ("de", "Kommentare 3")])
def test_first_comments_take_few_requests_and_only_the_pages_own_language(
    tmp_path: Path, browser: Browser, lang: str, title: str
) -> None:
    with reading(tmp_path, browser, lang) as (reader, asked):
        expect(reader.comment("One").first).to_be_visible()
        expect(reader.page.locator("live-thread h2")).to_have_text(title)
        assert sorted(asked[:3]) == ["embed.js", f"static/lang/{lang}.js", "ws"]
        late = ["static/comment-forms.js", "static/extra-styles.js", f"static/lang/more/{lang}.js"]
        assert sorted(asked[3:]) == late


def test_first_comments_wait_for_nothing_else_and_a_reply_pressed_before_its_form_is_here_opens(
    place: Place,
) -> None:
    place.writer().post("One")
    reader = place.reader()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    reader.page.route(FORMS, hold)
    reader.page.add_init_script("addEventListener('lt-ready', () => performance.mark('ready'))")
    with reader.page.expect_request(FORMS):
        reader.open()
    article = reader.comment("One")
    expect(article).to_be_visible()
    article.get_by_role("button", name="Reply to").click()
    expect(reader.page.locator("live-thread form.reply")).to_have_count(0)
    for route in held:
        route.continue_()
    expect(reader.page.get_by_role("textbox", name="Reply to")).to_be_focused()
    assert reader.page.evaluate(
        """() => {
          const [ready] = performance.getEntriesByName("ready");
          const asked = performance.getEntriesByType("resource");
          return asked.find(({name}) => name.includes("comment-forms")).startTime > ready.startTime;
        }"""
    )


def test_forms_that_did_not_come_are_asked_for_again(place: Place) -> None:
    place.writer().post("One")
    reader = place.reader()
    reader.page.route(FORMS, lambda route: route.abort())
    reader.expect_outage()
    with reader.page.expect_request(FORMS):
        reader.open()
    reader.comment("One").get_by_role("button", name="Reply to").click()
    expect(reader.page.locator("live-thread").get_by_role("status")).to_have_text(
        "That didn’t work. Try again."
    )
    reader.page.unroute(FORMS)
    reader.reply("One", "Two", name="Mara")
    reader.sees([("Ines: One", [("Mara: Two", [])])])


def test_arabic_is_written_from_right_to_left(tmp_path: Path, browser: Browser) -> None:
    with reading(tmp_path, browser, "ar-EG") as (reader, _):
        title = reader.page.locator("live-thread h2")
        expect(title).to_have_text("التعليقات ٣")
        state = reader.page.locator("live-thread .state")
        boxes = title.bounding_box(), state.bounding_box()
        assert boxes[0] is not None
        assert boxes[1] is not None
        assert boxes[0]["x"] > boxes[1]["x"], "the title begins at the right"
