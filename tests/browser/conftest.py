"""One server for the tests that don't harm it, a room each; readers with a browser context each.

Any page or console error fails the test, unless the reader was told to expect an outage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import CHROMIUM, CHROMIUM_ARGS
from tests.browser.reader import PATIENCE_S, Reader
from tests.browser.rooms import ROOM_OF_THE_PATH, Place
from tests.serverprocess import UNLIMITED, ServerProcess, serving

expect.set_options(timeout=PATIENCE_S * 1000)  # a busy machine is no reason to fail


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "args": CHROMIUM_ARGS,
    }


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One for all tests that neither end it nor look at more than a room."""
    with serving(tmp_path_factory.mktemp("server"), **UNLIMITED) as server:
        yield server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """For a test that ends it; what opens pages opens them there."""
    with serving(tmp_path, **UNLIMITED) as server:
        yield server


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """An article that no other test has: a demo page, whose room is named by its path."""
    own = "own_server" in request.fixturenames
    server: ServerProcess = request.getfixturevalue("own_server" if own else "server")
    return f"{server.url}/demo/{room_name(request)}"


def room_name(request: pytest.FixtureRequest) -> str:
    return re.sub(r"\W+", "-", f"{request.path.stem} {request.node.name}")


@pytest.fixture
def new_reader(url: str, browser: Browser) -> Iterator[Callable[..., Reader]]:
    """Opens the article, or another path, as somebody new; keywords go to the browser context."""
    readers: list[Reader] = []

    def new(path: str = "", **context_options: Any) -> Reader:
        options = {
            "viewport": {"width": 900, "height": 900},
            "locale": "en-GB",
            "timezone_id": "UTC",
            "reduced_motion": "reduce",
            **context_options,
        }
        context = browser.new_context(**options)
        context.add_init_script(ROOM_OF_THE_PATH)
        reader = Reader(context, urljoin(url, path))
        readers.append(reader)
        return reader

    yield new
    errors = [error for reader in readers for error in reader.errors]
    for reader in readers:
        reader.context.close()
    assert errors == []


@pytest.fixture
def place(
    server: ServerProcess, browser: Browser, request: pytest.FixtureRequest
) -> Iterator[Place]:
    """A room that no other test has, on a page with little else."""
    place = Place(browser, server.url, f"test/{room_name(request)}")
    yield place
    place.close()
