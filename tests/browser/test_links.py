"""Links that are dead, asleep, or refused."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import WebSocket, expect

from tests.browser.reader import Reader, Tree
from tests.serverprocess import ServerProcess

pytestmark = pytest.mark.browser

NewReader = Callable[..., Reader]

SET_HIDDEN = """hidden => {
  Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_half_open_link_is_found_by_its_silence(
    own_server: ServerProcess, new_reader: NewReader
) -> None:
    reader = new_reader()
    reader.page.clock.install()
    reader.open()
    reader.expect_outage()
    own_server.process.send_signal(signal.SIGSTOP)
    try:
        reader.page.clock.fast_forward(41_000)
        reader.sees_state("reconnecting")
    finally:
        own_server.process.send_signal(signal.SIGCONT)
    reader.page.clock.fast_forward(31_000)
    reader.sees_state("live")


def test_what_is_written_offline_is_there_once_and_in_order_when_the_network_is_back(
    new_reader: NewReader,
) -> None:
    """Offline, Chromium holds the frames of a socket that is open: only its silence tells."""
    mara, jon = new_reader(), new_reader().open()
    mara.page.clock.install()
    mara.open().write("Before", name="Mara")
    jon.sees([("Mara: Before", [])])
    mara.expect_outage()
    mara.context.set_offline(True)
    mara.write("Written offline")
    pending = mara.page.locator("live-thread article.pending")
    expect(pending).to_contain_text("Written offline")
    jon.write("Meanwhile", name="Jon")
    jon.sees([("Jon: Meanwhile", []), ("Mara: Before", [])])
    mara.page.clock.fast_forward(41_000)
    mara.sees_state("offline")
    mara.context.set_offline(False)
    tree: Tree = [("Mara: Written offline", []), ("Jon: Meanwhile", []), ("Mara: Before", [])]
    for reader in (mara, jon):
        reader.sees(tree)


def test_hidden_for_long_it_hangs_up_and_comes_back_by_its_cursor(new_reader: NewReader) -> None:
    jon, mara = new_reader(), new_reader().open()
    sockets: list[WebSocket] = []
    joins: list[str | None] = []

    def heard(payload: str | bytes) -> None:
        frame = json.loads(payload)
        if frame["type"] == "join":
            joins.append(frame.get("since"))

    def opened(socket: WebSocket) -> None:
        sockets.append(socket)
        socket.on("framesent", heard)

    jon.page.on("websocket", opened)
    jon.page.clock.install()
    jon.open()
    mara.write("Before", name="Mara")
    jon.sees([("Mara: Before", [])])
    jon.page.evaluate(SET_HIDDEN, arg=True)
    jon.page.clock.fast_forward(5 * 60_000 + 1_000)
    jon.sees_state("paused")
    mara.write("While nobody looks")
    mara.sees([("Mara: While nobody looks", []), ("Mara: Before", [])])
    jon.page.evaluate(SET_HIDDEN, arg=False)
    jon.sees([("Mara: While nobody looks", []), ("Mara: Before", [])])
    assert len(sockets) == 2
    assert sockets[0].is_closed()
    assert joins[0] is None
    assert joins[1] is not None


def test_a_guest_whose_token_is_no_longer_good_reads_on_and_gives_a_name_again(
    new_reader: NewReader,
) -> None:
    mara = new_reader()
    mara.page.add_init_script(
        """sessionStorage.spoilt ||= (() => {
          const server = `${location.origin}/`;
          localStorage.setItem(`livethread:${server}:guest`, "spoilt");
          return "done";
        })()"""
    )
    mara.open().write("Hello", name="Mara")
    mara.sees([("Mara: Hello", [])])
    mara.reload()
    mara.write("Known again")
    mara.sees([("Mara: Known again", []), ("Mara: Hello", [])])
