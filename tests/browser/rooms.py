"""Pages with little but a thread, each in a room of its own: tests may share a server."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Browser

from tests.browser.reader import Reader
from tests.browser.writing import Writer

# Before the element starts: the page is the server's own, so that all its rules hold.
PREPARE = """({lang, dir, attributes}) => {
  new MutationObserver((_, observer) => {
    const thread = document.querySelector("live-thread");
    if (!thread) return;
    observer.disconnect();
    document.documentElement.lang = lang;
    document.documentElement.dir = dir;
    const title = document.createElement("h1");
    title.textContent = "Thread";
    document.querySelector("article").replaceWith(title);
    for (const [name, value] of Object.entries(attributes)) thread.setAttribute(name, value);
  }).observe(document, {childList: true, subtree: true});
}"""

# The demo article stands under any name, with one discussion: tests give it one for each.
ROOM_OF_THE_PATH = """new MutationObserver((_, observer) => {
  const thread = document.querySelector("live-thread[room='demo/bridge']");
  if (!thread) return;
  observer.disconnect();
  thread.setAttribute("room", location.pathname.slice(1));
}).observe(document, {childList: true, subtree: true});"""


class Place:
    """A room that a test has for itself, with people who write there and readers who look at it."""

    def __init__(self, browser: Browser, server_url: str, room: str) -> None:
        self.room = room
        self.readers: list[Reader] = []
        self.server_url = server_url
        self._browser = browser
        self._writers: dict[str, Writer] = {}

    def writer(self, name: str = "Ines") -> Writer:
        if name not in self._writers:
            self._writers[name] = Writer(self.server_url, self.room, name)
        return self._writers[name]

    def reader(
        self,
        *,
        attributes: dict[str, str] | None = None,
        lang: str = "en",
        dir: str = "ltr",
        fragment: str = "",
        **context_options: Any,
    ) -> Reader:
        """Somebody at a page with little but the thread; not yet open.

        Keywords go to the browser context.
        """
        options = {
            "viewport": {"width": 760, "height": 900},
            "locale": "en-GB",
            "timezone_id": "UTC",
            "reduced_motion": "reduce",
            **context_options,
        }
        context = self._browser.new_context(**options)
        given = {"lang": lang, "dir": dir, "attributes": {"room": self.room, **(attributes or {})}}
        context.add_init_script(f"({PREPARE})({json.dumps(given)})")
        reader = Reader(context, f"{self.server_url}/demo/thread{fragment}")
        self.readers.append(reader)
        return reader

    def close(self) -> None:
        """Everybody leaves; page and console errors are errors."""
        for writer in self._writers.values():
            writer.close()
        errors = [error for reader in self.readers for error in reader.errors]
        for reader in self.readers:
            reader.context.close()
        assert errors == []
