"""The element in a page: when it begins, when it rests, and that it leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.browser.reader import Reader
from tests.browser.writing import fill, room_of
from tests.serverprocess import ServerProcess

pytestmark = pytest.mark.browser

NewReader = Callable[..., Reader]

SWAPS = 1_000
# What one more or less thread on screen may hold: far less than one in ten swaps leaving something.
SLACK = 60


def sockets_of(page: Page) -> list[WebSocket]:
    """The sockets that it opens from now on."""
    found: list[WebSocket] = []

    def opened(socket: WebSocket) -> None:
        found.append(socket)

    page.on("websocket", opened)
    return found


def sent_by(page: Page) -> list[str]:
    """What its sockets send from now on."""
    sent: list[str] = []

    def send(data: str | bytes) -> None:
        sent.append(str(data))

    page.on("websocket", lambda socket: socket.on("framesent", send))
    return sent


def push_away(reader: Reader) -> None:
    """Opens the article with the thread 5,000 px further down."""
    reader.page.add_init_script(
        """document.addEventListener("DOMContentLoaded", () => {
          document.querySelector("aside").style.marginTop = "5000px";
        });"""
    )
    reader.page.goto(reader.url)


def test_it_begins_only_when_it_comes_near(new_reader: NewReader) -> None:
    reader = new_reader()
    sockets = sockets_of(reader.page)
    push_away(reader)
    reader.page.evaluate("scrollTo(0, 1000)")
    reader.next_frame()  # the observer has spoken
    assert sockets == []
    with reader.page.expect_websocket():
        reader.page.evaluate(
            """() => {
              const { top } = document.querySelector("live-thread").getBoundingClientRect();
              scrollBy(0, top - innerHeight - 500);
            }"""
        )
    reader.sees_state("live")


def test_it_begins_at_once_for_a_link_to_a_comment(
    server: ServerProcess, new_reader: NewReader
) -> None:
    reader = new_reader()
    [comment] = fill(server.url, room_of(reader.url), [("Linked to", None)])
    reader.url += f"#comment-{comment}"
    push_away(reader)
    reader.sees_state("live")
    expect(reader.comment("Linked to")).to_be_in_viewport()


COUNTERS = ("nodes", "jsEventListeners")


def held(page: Page) -> dict[str, int]:
    """What the page holds after everything that can go has gone."""
    session = page.context.new_cdp_session(page)
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    counters = session.send("Memory.getDOMCounters")
    session.detach()
    return {name: int(counters[name]) for name in COUNTERS}


SWAP = """async (swaps) => {
  const thread = document.querySelector("live-thread");
  for (let i = 0; i < swaps; i += 1) {
    if (i % 10 === 9) {
      const aside = thread.parentElement;
      thread.remove();
      aside.append(thread);
    }
    const ready = new Promise((done) => thread.addEventListener("lt-ready", done, { once: true }));
    thread.setAttribute("room", `swap/${i % 7}`);
    // Most are left before they have loaded.
    if (i % 10 === 0) await ready;
    else await new Promise((done) => setTimeout(done));
  }
}"""


def test_a_thousand_swaps_of_the_room_leave_nothing_behind(
    server: ServerProcess, new_reader: NewReader
) -> None:
    for number in range(7):
        fill(server.url, f"swap/{number}", [("One", None), ("Two", 0), ("Three", None)])
    reader = new_reader().open()
    sockets = sockets_of(reader.page)
    reader.expect_outage()  # the console tells of each socket left before it was open
    reader.page.evaluate(SWAP, 51)
    reader.sees_state("live")
    before = held(reader.page)
    reader.page.evaluate(SWAP, SWAPS + 1)
    reader.sees_state("live")
    after = held(reader.page)
    assert sum(not socket.is_closed() for socket in sockets) == 1
    for name in COUNTERS:
        assert after[name] <= before[name] + SLACK, (before, after)


def test_a_token_is_taken_from_the_pages_script_and_never_written_into_the_page(
    server: ServerProcess, new_reader: NewReader
) -> None:
    reader = new_reader()
    reader.page.goto(reader.url)
    sent = sent_by(reader.page)
    reader.expect_outage()
    reader.page.evaluate(
        """() => document.dispatchEvent(
          new CustomEvent("live-thread-token", { detail: "not-a-real-token" }))"""
    )
    reader.eventually("document.querySelector('live-thread').token", "not-a-real-token")
    reader.sees_state("stopped")
    assert any('"token":"not-a-real-token"' in frame for frame in sent)
    assert reader.page.locator("live-thread").get_attribute("token") is None


@pytest.mark.parametrize("live", ["pill", "off"])
def test_who_does_not_want_it_live_is_offered_what_came_or_finds_it_at_the_next_visit(
    server: ServerProcess, new_reader: NewReader, live: str
) -> None:
    reader = new_reader()
    reader.page.add_init_script(
        f"""document.addEventListener("DOMContentLoaded", () => {{
          document.querySelector("live-thread").setAttribute("live", "{live}");
        }});"""
    )
    reader.open()
    fill(server.url, room_of(reader.url), [("New", None)])
    expect(reader.page.locator("live-thread .count")).to_have_text("1")
    pill = reader.page.locator("live-thread .pill")
    expect(pill).to_be_visible() if live == "pill" else expect(pill).to_be_hidden()
    assert reader.tree() == []
    reader.reload()
    reader.comment("New").wait_for()
    assert reader.tree() == [("Ines: New", [])]
