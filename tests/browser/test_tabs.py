"""Several tabs of one reader: one socket for all, wherever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, WebSocket, expect

from tests.browser.reader import Reader, Tree
from tests.browser.rooms import ROOM_OF_THE_PATH

pytestmark = pytest.mark.browser

NewReader = Callable[..., Reader]


class Window:
    """One reader's tabs, and their sockets."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self._context = context
        self._url = url
        self.tabs: list[Reader] = []
        self.sockets: list[tuple[Reader, WebSocket]] = []

    def tab(self) -> Reader:
        reader = Reader(self._context, self._url)
        reader.expect_outage()  # a socket may be given up before it is open

        def opened(socket: WebSocket) -> None:
            self.sockets.append((reader, socket))

        reader.page.on("websocket", opened)
        self.tabs.append(reader)
        return reader

    def connected(self) -> list[Reader]:
        """The tabs that have a socket."""
        open_ = [(tab, socket) for tab, socket in self.sockets if tab in self.tabs]
        return [tab for tab, socket in open_ if not socket.is_closed()]

    def shares(self, sockets: int) -> None:
        """Waits until so many sockets are left, and every tab is live."""
        page = self.tabs[-1].page
        for _ in range(1_000):
            if len(self.connected()) == sockets:
                break
            page.wait_for_timeout(20)
        assert len(self.connected()) == sockets
        for tab in self.tabs:
            tab.sees_state("live")

    def close(self, tab: Reader) -> None:
        self.tabs.remove(tab)
        tab.page.close()


@pytest.fixture
def window(url: str, browser: Browser) -> Iterator[Window]:
    context = browser.new_context(
        viewport={"width": 900, "height": 900}, locale="en-GB", reduced_motion="reduce"
    )
    context.add_init_script(ROOM_OF_THE_PATH)
    window = Window(context, url)
    yield window
    errors = [error for tab in window.tabs for error in tab.errors]
    context.close()
    assert errors == []


def test_tabs_share_one_socket_and_each_sees_what_the_others_write(window: Window) -> None:
    one, two, three = [window.tab().open() for _ in range(3)]
    window.shares(1)
    one.write("First", name="Mara")
    # Who speaks is the same in all of them. (What comes while somebody writes would wait.)
    two.sees([("Mara: First", [])])
    two.write("Second")
    three.sees([("Mara: Second", []), ("Mara: First", [])])
    three.write("Third")
    tree: Tree = [("Mara: Third", []), ("Mara: Second", []), ("Mara: First", [])]
    for tab in (one, two, three):
        tab.sees(tree)
    assert len(window.connected()) == 1


def test_when_the_tab_with_the_socket_goes_another_leads(
    window: Window, new_reader: NewReader
) -> None:
    one, _, three = [window.tab().open() for _ in range(3)]
    window.shares(1)
    one.write("Before", name="Mara")
    three.sees([("Mara: Before", [])])
    [leader] = window.connected()
    window.close(leader)
    other = new_reader().open()
    other.write("While they change", name="Jon")
    window.shares(1)
    for tab in window.tabs:
        expect(tab.comment("While they change")).to_be_attached()
    window.tabs[0].write("After")
    for tab in window.tabs:
        tab.sees([("Mara: After", []), ("Jon: While they change", []), ("Mara: Before", [])])


def test_a_tab_that_is_somebody_else_has_a_socket_of_its_own(window: Window) -> None:
    one = window.tab().open()
    one.write("It is me", name="Mara")
    one.sees([("Mara: It is me", [])])
    stranger = window.tab()
    stranger.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked'); } });"
    )
    stranger.open()
    stranger.comment("It is me").wait_for()
    window.shares(2)
    stranger.write("And me", name="Jon")
    tree: Tree = [("Jon: And me", []), ("Mara: It is me", [])]
    for tab in (one, stranger):
        tab.sees(tree)
    expect(one.page.locator("live-thread .who")).to_contain_text("Mara")
