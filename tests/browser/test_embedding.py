"""In somebody else's page: another origin, a policy that allows no more than it must."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.hosting import POLICY, hosting
from tests.browser.reader import Reader
from tests.browser.writing import fill
from tests.serverprocess import UNLIMITED, ServerProcess, serving

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>News</title>
<link rel="icon" href="data:,"><p>An article.</p>
<script type="module" src="{server}/embed.js"></script>
<live-thread room="news/2026/bridge-opens"></live-thread></html>"""


def test_it_works_in_another_sites_page_under_a_strict_policy(
    tmp_path: Path, browser: Browser
) -> None:
    servers: list[str] = []

    def answer() -> tuple[str, str]:
        [server] = servers
        socket = server.replace("http", "ws", 1)
        return PAGE.format(server=server), POLICY.format(server=server, socket=socket)

    with hosting(answer) as site, serving(tmp_path, origins=[site], **UNLIMITED) as server:
        servers.append(server.url)
        reader = Reader(browser.new_context(reduced_motion="reduce"), f"{site}/news")
        reader.open().write("From afar", name="Mara")
        reader.sees([("Mara: From afar", [])])
        sizes = reader.page.evaluate(
            """() => {
              const title = document.querySelector("live-thread").shadowRoot.querySelector("h2");
              return getComputedStyle(title).fontSize;
            }"""
        )
        assert sizes == "20px", "its styles need no style-src"
        assert reader.context.cookies() == []
        reader.context.close()
    assert reader.errors == []


def test_counts_of_several_rooms_come_in_one_request(
    server: ServerProcess, new_reader: Callable[..., Reader]
) -> None:
    fill(server.url, "busy", [("One", None), ("Two", 0)])
    reader = new_reader().open()
    with reader.page.expect_request("**/api/v1/counts?*") as asked:
        reader.page.evaluate(
            """() => {
              for (const room of ["busy", "quiet"]) {
                const count = document.createElement("live-count");
                count.setAttribute("room", room);
                document.body.append(count);
              }
            }"""
        )
    query = parse_qsl(urlsplit(asked.value.url).query)
    assert sorted(query) == [("room", "busy"), ("room", "quiet")]
    expect(reader.page.locator("live-count[room=busy]")).to_have_text("2")
    expect(reader.page.locator("live-count[room=quiet]")).to_have_text("0")
