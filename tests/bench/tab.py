"""Chromium, and what a page costs in it: asked over its DevTools protocol.

Costs are CPU time of the page's main thread, so that another process on the core changes little.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Error, Request, WebSocket, sync_playwright

from tests.bench.frames import Broken
from tests.bench.peers import install
from tests.browser.chromium import CHROMIUM_ARGS, installed
from tools.bootstrap import BROWSERS

CHROMIUM = installed(("chromium", *BROWSERS))
"""A reader's, if there is one: what a shell without windows leaves out is part of the figures."""

FIRST_PAINT = """window.painted = new Promise((resolve, reject) => {
  setTimeout(() => reject(Error("no comments in 20 s")), 20_000);
  addEventListener("lt-ready", () => requestAnimationFrame(() => requestAnimationFrame(resolve)));
});
addEventListener("lt-count", ({detail}) => { window.count = detail.count; });"""
"""The frame after the one that the comments were put into: that one has been painted."""

WATCH = """window.watched = {frames: [], tasks: []};
new PerformanceObserver((list) => {
  for (const {duration} of list.getEntries()) watched.tasks.push(duration);
}).observe({type: "longtask"});
requestAnimationFrame(function next(now) {
  watched.frames.push(now);
  requestAnimationFrame(next);
});"""


def no_chromium() -> str | None:
    return None if CHROMIUM else "Chromium isn't installed (Debian: apt-get install chromium)"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser on all cores, as a reader's has, whatever the generator is pinned to."""
    # Playwright's own Node wants a library that a fresh Debian has not.
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(install.node()))
    pinned = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
            os.sched_setaffinity(0, pinned)
            yield browser
            browser.close()
    except Error as error:
        raise Broken(f"Chromium: {error}") from error
    finally:
        os.sched_setaffinity(0, pinned)


class Tab:
    """A reader's window: a process of its own, with nothing in its cache.

    ``asked`` are the addresses it has requested, websockets' among them.
    """

    def __init__(self, browser: Browser) -> None:
        self.asked: list[str] = []
        self._context = browser.new_context(
            viewport={"width": 760, "height": 900}, locale="en-GB", timezone_id="UTC"
        )
        self._context.add_init_script(FIRST_PAINT)
        self._page = self._context.new_page()
        self._page.on("request", self._asks)
        self._page.on("websocket", self._asks)
        self._cdp = self._context.new_cdp_session(self._page)
        self._cdp.send("Performance.enable", {"timeDomain": "threadTicks"})

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def open(self, url: str) -> None:
        """Load a page, no longer than until it is parsed."""
        self.asked.clear()
        self._page.goto(url, wait_until="domcontentloaded")

    def metrics(self) -> dict[str, float]:
        """Chromium's own since the page was opened: seconds, bytes, numbers."""
        metrics: list[dict[str, Any]] = self._cdp.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in metrics}

    def run(self, script: str) -> Any:
        """An expression's value, awaited; without Playwright's own scripts in the page."""
        given = {"expression": script, "awaitPromise": True, "returnByValue": True}
        answer = self._cdp.send("Runtime.evaluate", given)
        if "exceptionDetails" in answer:
            raise Broken(f"the page's script: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def heap_bytes(self) -> float:
        """What scripts hold after garbage was collected."""
        self._cdp.send("HeapProfiler.collectGarbage")
        return float(self._cdp.send("Runtime.getHeapUsage")["usedSize"])

    def _asks(self, request: Request | WebSocket) -> None:
        self.asked.append(request.url)
