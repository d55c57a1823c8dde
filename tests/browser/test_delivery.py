"""What a page fetches until comments are there, and in which language they come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.hosting import POLICY, hosting
from tests.browser.reader import Reader
from tests.browser.writing import fill
from tests.serverprocess import UNLIMITED, serving

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>News</title>
<link rel="icon" href="data:,">
<script type="module" src="{server}/embed.js"></script>
<live-thread room="news"></live-thread></html>"""
MAX_REQUESTS = 4  # the design's budget, from the script to the first comments


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
    with hosting(answer) as site, serving(tmp_path, origins=[site], **UNLIMITED) as server:
        places.append(server.url)
        fill(server.url, "news", [("One", None), ("Two", None), ("Three", 0)])
        context = browser.new_context(locale="en-GB", reduced_motion="reduce")
        reader = Reader(context, f"{site}/news")
        for event in ("request", "websocket"):
            reader.page.on(event, lambda request: asked.append(request.url.partition("//")[2]))
        reader.open()
        address = server.url.partition("//")[2]
        yield reader, [url for url in asked if url.startswith(address)]
        context.close()
    assert reader.errors == []


@pytest.mark.parametrize(("lang", "title"), [("en", "Comments 3"), ("de", "Kommentare 3")])
def test_first_comments_take_few_requests_and_only_the_pages_own_language(
    tmp_path: Path, browser: Browser, lang: str, title: str
) -> None:
    with reading(tmp_path, browser, lang) as (reader, asked):
        expect(reader.comment("One").first).to_be_visible()
        expect(reader.page.locator("live-thread h2")).to_have_text(title)
        paths = sorted(url.partition("/")[2].partition("?")[0] for url in asked)
        assert paths == ["embed.js", f"static/lang/{lang}.js", "ws"]
        assert len(paths) <= MAX_REQUESTS


def test_arabic_is_written_from_right_to_left(tmp_path: Path, browser: Browser) -> None:
    with reading(tmp_path, browser, "ar-EG") as (reader, _):
        title = reader.page.locator("live-thread h2")
        expect(title).to_have_text("التعليقات ٣")
        state = reader.page.locator("live-thread .state")
        boxes = title.bounding_box(), state.bounding_box()
        assert boxes[0] is not None
        assert boxes[1] is not None
        assert boxes[0]["x"] > boxes[1]["x"], "the title begins at the right"
