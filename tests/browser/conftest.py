"""A server of its own for each test, and readers with a browser context each.

Any page or console error fails the test, unless the reader was told to expect an outage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import CHROMIUM, CHROMIUM_ARGS
from tests.browser.reader import PATIENCE_S, Reader
from tests.browser.rooms import Place
from tests.serverprocess import UNLIMITED, ServerProcess, serving

expect.set_options(timeout=PATIENCE_S * 1000)  # a busy machine is no reason to fail


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_type_launch_args,
        "executable_path": str(CHROMIUM),
        "args": CHROMIUM_ARGS,
    }


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with serving(tmp_path, **UNLIMITED) as server:
        yield server


@pytest.fixture
def new_reader(server: ServerProcess, browser: Browser) -> Iterator[Callable[..., Reader]]:
    """Opens the demo article as somebody new; keywords go to the browser context."""
    readers: list[Reader] = []

    def new(path: str = "/demo/bridge", **context_options: Any) -> Reader:
        options = {
            "viewport": {"width": 900, "height": 900},
            "locale": "en-GB",
            "timezone_id": "UTC",
            "reduced_motion": "reduce",
            **context_options,
        }
        reader = Reader(browser.new_context(**options), server.url + path)
        readers.append(reader)
        return reader

    yield new
    errors = [error for reader in readers for error in reader.errors]
    for reader in readers:
        reader.context.close()
    assert errors == []


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests of a module that don't harm it."""
    with serving(tmp_path_factory.mktemp("shared"), **UNLIMITED) as server:
        yield server


@pytest.fixture
def place(
    shared_server: ServerProcess, browser: Browser, request: pytest.FixtureRequest
) -> Iterator[Place]:
    """A room of the shared server that no other test has."""
    room = re.sub(r"\W+", "-", request.node.name)
    place = Place(browser, shared_server.url, f"test/{room}")
    yield place
    place.close()
