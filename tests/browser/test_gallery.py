"""The gallery: every state is what it says, and stays so without a server to ask."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser import gallery
from tests.browser.reader import Reader
from tests.serverprocess import ServerProcess

pytestmark = pytest.mark.browser

# What is seen in a state and in no conversation without it.
MARKS = {
    "few": "article .tag[data-badge=staff]",
    "loading": ".skeleton",
    "not-loaded": ".empty button",
    "empty": "p.empty >> text=No comments yet",
    "deep": "text=Show 23 more replies",
    "arabic": "section[dir=rtl]",
    "japanese": "section[lang=ja]",
    "rich": ".body blockquote",
    "gone": "text=Comment removed by a moderator.",
    "more": "text=Show more comments",
    "many": "text=Show 6 more replies >> nth=39",
    "pill": "text=Show 3 new comments",
    "new": "article.new",
    "writing": "text=14 reading · 2 writing",
    "closed": "text=Comments are closed.",
    "read-only": "button.like:disabled >> text=12",
    "lost": "text=Trying again in 4",
    "stopped": ".dot[data-state=stopped]",
    "stranger": "text=Your name",
    "counter": "text=120 characters left",
    "reply": "form.reply textarea",
    "sending": "article.pending >> text=Sending…",
    "failed": "article.pending >> text=Links are not allowed here.",
    "held": "text=Waiting for a moderator. Only you can see this.",
    "choices": "text=Delete",
    "report": "text=More for the moderators",
}


def test_each_state_shows_itself_and_nothing_is_asked_of_the_server(
    server: ServerProcess, new_reader: Callable[..., Reader]
) -> None:
    reader = new_reader("/gallery")
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.page.on("websocket", lambda socket: asked.append(socket.url))
    names = gallery.states(reader.page, server.url)
    assert len(names) == len(set(names)) >= 25
    for name in names:
        expect(reader.page.locator(f"#{name} h2#title")).to_have_count(1)
    for name, mark in MARKS.items():
        expect(reader.page.locator(f"#{name} .paper").locator(mark).first).to_be_visible()
    expect(reader.page.locator("#loading .paper button:visible")).to_have_count(0)
    expect(reader.page.locator("#not-loaded p.state")).to_have_text("Not connected")
    assert [url for url in asked if "/static/" not in url] == [f"{server.url}/gallery"]


def test_one_state_alone_as_for_a_screenshot(
    server: ServerProcess, new_reader: Callable[..., Reader]
) -> None:
    reader = new_reader("/gallery")
    gallery.show(reader.page, server.url, state="few", theme="dark", lang="de")
    expect(reader.page.locator("main > .state")).to_have_count(1)
    expect(reader.page.locator("h2#title")).to_have_text("Kommentare 6")
    background = reader.page.locator(".paper > div").evaluate(
        "(thread) => getComputedStyle(thread).backgroundColor"
    )
    assert background == "rgb(20, 24, 26)"


def test_on_a_narrow_page_the_order_stays_beside_the_title_in_every_language(
    server: ServerProcess, new_reader: Callable[..., Reader]
) -> None:
    reader = new_reader("/gallery", viewport={"width": 360, "height": 900})
    for language in ("en", "de", "fr", "es", "ar", "ja"):
        gallery.show(reader.page, server.url, state="more", lang=language)
        title = reader.page.locator("h2#title").bounding_box()
        order = reader.page.locator(".paper header select").bounding_box()
        assert title is not None
        assert order is not None
        assert abs(order["y"] + order["height"] / 2 - title["y"] - title["height"] / 2) < 2


def test_a_comment_on_its_way_looks_as_it_will(
    server: ServerProcess, new_reader: Callable[..., Reader]
) -> None:
    reader = new_reader("/gallery")
    gallery.show(reader.page, server.url, state="sending")
    pending = reader.page.get_by_role("article", name="Ana")
    expect(pending.locator(".avatar")).to_have_text("A")
    boxes = pending.bounding_box(), reader.page.get_by_role("article", name="Ines").bounding_box()
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["height"] == boxes[1]["height"], "nothing moves when it has come"


def test_on_a_wide_page_what_is_written_ends_where_what_is_read_ends(
    server: ServerProcess, new_reader: Callable[..., Reader]
) -> None:
    reader = new_reader("/gallery", viewport={"width": 1200, "height": 900})
    gallery.show(reader.page, server.url, state="reply")
    boxes = [
        reader.page.locator(f".paper {place}").first.bounding_box()
        for place in ("form.composer:not(.reply) textarea", ".body", "form.reply textarea")
    ]
    ends = [box["x"] + box["width"] for box in boxes if box]
    assert max(ends) - min(ends) < 1
    assert ends[0] < 800
