"""Screenshots of the gallery's states: `python -m tests.browser.gallery OUT [STATE…]`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import CHROMIUM, CHROMIUM_ARGS
from tests.serverprocess import UNLIMITED, serving

WIDTHS = (360, 760, 1200)
EVERYWHERE = ("few", "arabic", "lost", "reply")  # at each width, light and dark; the others once


def states(page: Page, server_url: str) -> list[str]:
    """The names of all states, in the gallery's order."""
    page.goto(f"{server_url}/gallery")
    page.locator(":root[data-ready]").wait_for(state="attached")
    names: list[str] = page.locator("main > .state").evaluate_all(
        "found => found.map(({ id }) => id)"
    )
    return names


def show(page: Page, server_url: str, **query: Any) -> None:
    page.goto(f"{server_url}/gallery?{urlencode(query)}")
    page.locator(":root[data-ready]").wait_for(state="attached")


def shots(name: str) -> Iterator[tuple[int, str]]:
    if name not in EVERYWHERE:
        yield (360, "dark") if name in ("long", "failed") else (760, "light")
        return
    for width in WIDTHS:
        yield width, "light"
    yield 760, "dark"


def take(browser: Browser, server_url: str, out: Path, wanted: list[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(reduced_motion="reduce", locale="en-GB", timezone_id="UTC")
    for name in wanted or states(page, server_url):
        for width, theme in shots(name):
            page.set_viewport_size({"width": width, "height": 500})
            show(page, server_url, state=name, theme=theme)
            page.screenshot(path=out / f"{name}-{width}-{theme}.png", full_page=True)


def main() -> None:
    out, *wanted = sys.argv[1:]
    with (
        tempfile.TemporaryDirectory() as data,
        serving(Path(data), **UNLIMITED) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        take(browser, server.url, Path(out), wanted)
        browser.close()


if __name__ == "__main__":
    main()
