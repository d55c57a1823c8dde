"""In somebody else's page: another origin, a policy that allows no more than it must."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.reader import Reader
from tests.browser.writing import fill
from tests.serverprocess import UNLIMITED, ServerProcess, serving

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>News</title>
<link rel="icon" href="data:,"><p>An article.</p>
<script type="module" src="{server}/embed.js"></script>
<live-thread room="news/2026/bridge-opens"></live-thread></html>"""

POLICY = (
    "default-src 'none'; img-src data:; script-src {server}; connect-src {socket}; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@contextmanager
def hosting(answer: Callable[[], tuple[str, str]]) -> Iterator[str]:
    """A site that answers everything with one page and its policy; yields its origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page, policy = answer()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=site.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{site.server_port}"
    finally:
        site.shutdown()
        site.server_close()
        thread.join()


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
    assert asked.value.url.endswith("?room=busy&room=quiet")
    expect(reader.page.locator("live-count[room=busy]")).to_have_text("2")
    expect(reader.page.locator("live-count[room=quiet]")).to_have_text("0")
