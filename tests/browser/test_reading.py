"""What a reader may count on: nothing moves, focus is kept, nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.reader import Reader
from tests.browser.writing import fill, room_of
from tests.serverprocess import ServerProcess

pytestmark = pytest.mark.browser

NewReader = Callable[..., Reader]


def test_what_is_being_read_does_not_move(server: ServerProcess, new_reader: NewReader) -> None:
    mara, jon = new_reader(), new_reader()
    fill(server.url, room_of(mara.url), [(f"Number {i}", None) for i in range(12)])
    mara.open()
    jon.open()
    expect(jon.comment("Number")).to_have_count(12)
    jon.comment("Number 0").scroll_into_view_if_needed()
    jon.next_frame()
    before = jon.comment("Number 0").bounding_box()
    mara.write("While Jon reads", name="Mara")
    mara.reply("Number 11", "A reply above")

    pill = jon.page.locator("live-thread .pill")
    expect(pill).to_have_text("Show 2 new comments")
    assert jon.comment("Number 0").bounding_box() == before
    expect(jon.comment("While Jon reads")).to_have_count(0)
    pill.click()
    expect(jon.comment("While Jon reads")).to_be_in_viewport()
    expect(jon.comment("While Jon reads")).to_be_focused()
    expect(pill).to_be_hidden()
    assert jon.tree() == mara.tree()


def test_a_comment_by_others_waits_while_somebody_writes_a_reply(new_reader: NewReader) -> None:
    mara, jon = new_reader().open(), new_reader().open()
    mara.write("First", name="Mara")
    jon.comment("First").get_by_role("button", name="Reply").click()
    jon.page.keyboard.type("I think")
    mara.write("Second")
    pill = jon.page.locator("live-thread .pill")
    expect(pill).to_have_text("Show 1 new comment")
    expect(jon.page.locator("live-thread form.reply textarea")).to_be_focused()


def test_focus_goes_into_the_reply_and_back(new_reader: NewReader) -> None:
    mara = new_reader().open()
    mara.write("First", name="Mara")
    mara.sees([("Mara: First", [])])
    assert mara.focused()["tag"] == "article"
    mara.comment("First").get_by_role("button", name="Reply").click()
    assert mara.focused()["tag"] == "textarea"
    mara.page.keyboard.type("Never min")
    mara.page.keyboard.press("Escape")
    assert "Reply to" in mara.focused()["label"]
    mara.page.keyboard.press("Enter")
    expect(mara.page.locator("live-thread form.reply textarea")).to_have_value("Never min")
    mara.page.keyboard.type("d")
    mara.page.keyboard.press("Control+Enter")
    mara.sees([("Mara: First", [("Mara: Never mind", [])])])
    assert mara.focused()["tag"] == "article"


def test_replies_below_the_fourth_level_follow_flat(new_reader: NewReader) -> None:
    mara = new_reader().open()
    mara.write("level 0", name="Mara")
    for level in range(6):
        mara.reply(f"level {level}", f"level {level + 1}")
        expect(mara.comment(f"level {level + 1}")).to_be_attached()
    starts = [mara.comment(f"level {level}").bounding_box() for level in range(7)]
    indents = [round(box["x"] - starts[0]["x"]) for box in starts if box and starts[0]]
    assert indents == [0, 32, 64, 96, 128, 128, 128]
    expect(mara.comment("level 5").locator(".to")).to_have_text("to Mara")
    expect(mara.comment("level 4").locator(".to")).to_be_hidden()


def test_a_room_is_left_when_the_element_goes_and_swapped_by_its_attribute(
    new_reader: NewReader,
) -> None:
    mara, jon = new_reader().open(), new_reader().open()
    readers = jon.page.locator("live-thread .state")
    mara.page.get_by_role("textbox", name="Write a comment").fill("In the")
    expect(readers).to_contain_text("2 reading · 1 writing", timeout=20_000)
    expect(mara.page.locator("live-thread .state")).not_to_contain_text("writing")
    mara.write("In the old room", name="Mara")
    mara.sees([("Mara: In the old room", [])])
    set_room = "room => document.querySelector('live-thread').setAttribute('room', room)"
    mara.page.evaluate(set_room, "other/room")
    mara.sees_state("live")
    mara.sees([])
    jon.page.evaluate(set_room, "other/room")
    mara.write("In the new room")
    jon.sees([("Mara: In the new room", [])])

    closed = mara.page.evaluate(
        """async () => {
          const thread = document.querySelector("live-thread");
          thread.remove();
          return thread.shadowRoot.childElementCount;
        }"""
    )
    assert closed == 0
    expect(readers).to_contain_text("1 reading", timeout=20_000)


def test_it_works_where_storage_is_blocked(new_reader: NewReader) -> None:
    mara = new_reader()
    mara.page.add_init_script(
        """const blocked = { get() { throw new DOMException("blocked"); } };
        for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) {
          Object.defineProperty(window, name, blocked);
        }
        Object.defineProperty(document, "cookie", blocked);
        window.BroadcastChannel = class {
          constructor() { throw new DOMException("blocked", "SecurityError"); }
        };"""
    )
    mara.open().write("One", name="Mara")
    mara.sees([("Mara: One", [])])
    mara.write("Two")
    mara.sees([("Mara: Two", []), ("Mara: One", [])])


def test_the_outline_is_there_for_assistive_technology(new_reader: NewReader) -> None:
    mara = new_reader().open()
    mara.write("First", name="Mara")
    mara.sees([("Mara: First", [])])
    thread = mara.page.locator("live-thread")
    expect(thread.get_by_role("region", name="Comments")).to_have_count(1)
    expect(thread.get_by_role("heading", level=2)).to_have_text("Comments 1")
    expect(thread.get_by_role("article", name="Mara")).to_have_count(1)
    expect(thread.get_by_role("heading", level=3)).to_have_text("Mara")
    expect(thread.get_by_role("status")).to_have_count(1)
    expect(thread.get_by_role("status")).to_have_text("Comment posted.")
    expect(thread.get_by_role("button", name="Reply to \u2068Mara\u2069")).to_have_count(1)


def test_a_permalink_leads_to_its_comment(server: ServerProcess, new_reader: NewReader) -> None:
    reader = new_reader()
    posts: list[tuple[str, int | None]] = [(f"Root {i:02}", None) for i in range(20)]
    ids = fill(server.url, room_of(reader.url), posts)
    reader.url += f"#comment-{ids[0]}"
    reader.open()
    expect(reader.comment("Root 00")).to_be_in_viewport()
    expect(reader.comment("Root 00")).to_be_focused()


def test_the_page_hears_what_happens(new_reader: NewReader) -> None:
    mara = new_reader()
    mara.page.add_init_script(
        """window.heard = [];
        for (const type of ["lt-ready", "lt-posted", "lt-count", "lt-error"]) {
          addEventListener(type, ({ detail }) => heard.push([type, detail.room, detail.count]));
        }"""
    )
    mara.open().write("One", name="Mara")
    mara.sees([("Mara: One", [])])
    room = room_of(mara.url)
    counts = "heard.filter(([type]) => type === 'lt-count').map(([, , count]) => count)"
    mara.eventually(counts, [0, 1])
    ready, *later = mara.page.evaluate("heard")
    assert ready == ["lt-ready", room, 0]
    assert ["lt-count", room, 1] in later
    assert [type_ for type_, *_ in later].count("lt-posted") == 1


def test_colours_are_the_pages_to_set_and_the_theme_the_elements(new_reader: NewReader) -> None:
    mara = new_reader(color_scheme="dark").open()
    colour = """() => {
      const title = document.querySelector("live-thread").shadowRoot.querySelector("h2");
      return getComputedStyle(title).color;
    }"""
    set_theme = "theme => document.querySelector('live-thread').setAttribute('theme', theme)"
    assert mara.page.evaluate(colour) == "rgb(230, 234, 232)"
    mara.page.evaluate(set_theme, "light")
    assert mara.page.evaluate(colour) == "rgb(29, 35, 33)"
    mara.page.evaluate("document.documentElement.style.setProperty('--lt-ink', '#123456')")
    assert mara.page.evaluate(colour) == "rgb(18, 52, 86)"


@pytest.mark.parametrize("width", [360, 900])
def test_the_notice_of_an_outage_covers_no_comment_at_the_end_and_moves_none(
    own_server: ServerProcess, new_reader: NewReader, width: int
) -> None:
    mara = new_reader(viewport={"width": width, "height": 700}).open()
    for number in range(4):
        mara.write(f"Number {number}", name="Mara" if number == 0 else None)
        expect(mara.comment(f"Number {number}")).to_be_attached()
    last = mara.comment("Number 0")
    mara.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    mara.next_frame()
    before = last.bounding_box()
    mara.expect_outage()
    own_server.kill()
    notice = mara.page.locator("live-thread .notice")
    expect(notice).to_be_visible(timeout=20_000)
    assert last.bounding_box() == before
    mara.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    comment, strip = last.bounding_box(), notice.bounding_box()
    assert comment is not None
    assert strip is not None
    assert comment["y"] + comment["height"] <= strip["y"]
