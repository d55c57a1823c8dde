"""What a reader does with comments: like, edit, delete, report; and what others see of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.reader import Reader
from tests.browser.rooms import Place

pytestmark = pytest.mark.browser


def like(reader: Reader, comment: str) -> Locator:
    return reader.comment(comment).get_by_role("button", name=re.compile("^Like"))


def status(reader: Reader) -> Locator:
    return reader.page.locator("live-thread [role=status]")


def test_a_like_is_shown_at_once_counted_for_all_and_known_after_a_reload(place: Place) -> None:
    place.writer().post("First")
    mara, jon = place.reader().open(), place.reader().open()
    mara.write("I am here", name="Mara")
    like(mara, "First").click()
    expect(like(mara, "First")).to_have_attribute("aria-pressed", "true")
    expect(like(mara, "First")).to_have_text("1")
    expect(like(jon, "First")).to_have_text("1")
    expect(like(jon, "First")).to_have_attribute("aria-pressed", "false")
    mara.reload()
    expect(like(mara, "First")).to_have_attribute("aria-pressed", "true")
    like(mara, "First").click()
    expect(like(jon, "First")).to_have_text("")
    expect(like(mara, "First")).to_have_attribute("aria-pressed", "false")


def test_who_has_no_name_is_asked_for_one_before_the_first_like(place: Place) -> None:
    place.writer().post("First")
    mara = place.reader().open()
    like(mara, "First").click()
    form = mara.page.locator("live-thread form.ask")
    form.get_by_role("button", name="Continue").click()
    expect(form.get_by_role("alert")).to_have_text("Please give a name.")
    form.get_by_label("Your name").fill("Mara")
    mara.page.keyboard.press("Enter")
    expect(like(mara, "First")).to_have_text("1")
    expect(like(mara, "First")).to_be_focused()
    expect(form).to_have_count(0)


def test_an_own_comment_is_edited_in_place_for_all(place: Place) -> None:
    mara, jon = place.reader().open(), place.reader().open()
    mara.write("Frist", name="Mara")
    mara.sees([("Mara: Frist", [])])
    mara.choose("Frist", "Edit")
    form = mara.page.locator("live-thread form.reply")
    expect(form.get_by_label("Edit your comment")).to_have_value("Frist")
    expect(mara.comment("Mara").locator(".body")).to_be_hidden()
    form.locator("textarea").fill("First, *mended*")
    mara.page.keyboard.press("Control+Enter")
    expect(mara.comment("First, mended").locator("em")).to_have_text("mended")
    expect(mara.comment("First, mended")).to_be_focused()
    expect(mara.comment("First, mended")).to_contain_text("edited")
    expect(status(mara)).to_have_text("Comment changed.")
    jon.sees([("Mara: First, mended", [])])


def test_an_edit_that_is_given_up_leaves_the_comment_and_no_draft(place: Place) -> None:
    mara = place.reader().open()
    mara.write("First", name="Mara")
    mara.sees([("Mara: First", [])])
    mara.choose("First", "Edit")
    mara.page.keyboard.type(" thoughts")
    mara.page.keyboard.press("Escape")
    mara.sees([("Mara: First", [])])
    assert "More about" in mara.focused()["label"]
    mara.choose("First", "Edit")
    expect(mara.page.locator("live-thread form.reply textarea")).to_have_value("First")


def test_an_own_comment_is_deleted_when_that_is_confirmed(place: Place) -> None:
    mara, jon = place.reader().open(), place.reader().open()
    mara.write("Never said", name="Mara")
    mara.sees([("Mara: Never said", [])])
    jon.reply("Never said", "Yet I answer", name="Jon")
    expect(mara.comment("Yet I answer")).to_be_attached()
    mara.choose("Never said", "Delete")
    mara.page.locator("live-thread form.ask").get_by_role("button", name="Delete").click()
    for reader in (mara, jon):
        reader.sees([("Comment removed by its author.: ", [("Jon: Yet I answer", [])])])
    expect(mara.comment("Comment removed by its author.")).to_be_focused()


def test_others_comments_are_reported_with_a_reason(place: Place) -> None:
    place.writer().post("Buy my wares")
    mara = place.reader().open()
    mara.write("Well", name="Mara")
    mara.sees([("Mara: Well", []), ("Ines: Buy my wares", [])])
    mara.choose("Buy my wares", "Report")
    form = mara.page.locator("live-thread form.ask")
    expect(form.get_by_label("Reason")).to_be_focused()
    form.get_by_label("Reason").select_option("Spam or advertising")
    form.get_by_label("More for the moderators").fill("Again and again")
    form.get_by_role("button", name="Report").click()
    expect(status(mara)).to_have_text("Reported. Thank you.")
    expect(form).to_have_count(0)
    expect(mara.comment("Buy my wares")).to_be_focused()


def test_a_menu_offers_what_the_reader_may_do_and_closes_by_escape(place: Place) -> None:
    place.writer().post("By another")
    mara = place.reader().open()
    mara.write("By me", name="Mara")
    mara.sees([("Mara: By me", []), ("Ines: By another", [])])
    offers = {"By another": ["Report"], "By me": ["Edit", "Delete"]}
    for comment, choices in offers.items():
        more = mara.comment(comment).get_by_role("button", name=re.compile("^More about"))
        expect(more).to_have_attribute("aria-expanded", "false")
        more.click()
        expect(more).to_have_attribute("aria-expanded", "true")
        expect(mara.comment(comment).locator(".menu button")).to_have_text(choices)
        mara.page.keyboard.press("Tab")
        mara.page.keyboard.press("Escape")
        expect(more).to_have_attribute("aria-expanded", "false")
        expect(more).to_be_focused()


def test_what_had_focus_stays_as_a_tombstone(place: Place) -> None:
    ines = place.writer()
    first = ines.post("First")
    mara = place.reader().open()
    mara.comment("First").get_by_role("button", name=re.compile("^Reply")).focus()
    ines.ask("delete", comment=first)
    mara.sees([("Comment removed by its author.: ", [])])
    assert mara.focused()["tag"] == "article"


def test_drafts_are_kept_for_each_place_and_the_reader_is_told(place: Place) -> None:
    place.writer().post("First")
    mara = place.reader().open()
    mara.page.locator("live-thread textarea").first.fill("Half a thought")
    expect(mara.page.locator("live-thread .who").first).to_have_text(re.compile(r"Draft saved \d"))
    mara.comment("First").get_by_role("button", name=re.compile("^Reply")).click()
    mara.page.locator("live-thread form.reply textarea").fill("Half an answer")
    mara.reload()
    expect(mara.page.locator("live-thread textarea").first).to_have_value("Half a thought")
    mara.comment("First").get_by_role("button", name=re.compile("^Reply")).click()
    expect(mara.page.locator("live-thread form.reply textarea")).to_have_value("Half an answer")


def test_a_draft_begun_before_it_is_known_who_reads_is_kept_once_it_is(place: Place) -> None:
    mara = place.reader()
    mara.page.add_init_script(
        """{ const known = new Promise((tell) => globalThis.tell = tell);
        const { set } = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
        Object.defineProperty(WebSocket.prototype, "onmessage", { set(hear) {
          set.call(this, hear && ((event) => known.then(() => hear(event))));
        } }); }"""
    )
    mara.page.goto(mara.url)
    mara.page.locator("live-thread textarea").fill("Quickly said")
    mara.page.evaluate("tell()")
    expect(mara.page.locator("live-thread .who")).to_have_text(re.compile(r"Draft saved \d"))


def test_what_was_not_sent_is_taken_back_to_be_edited_or_discarded(place: Place) -> None:
    place.writer().ask("post", body="First")
    mara = place.reader().open()
    mara.page.evaluate(
        """() => { const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (text) {
          const frame = JSON.parse(text);
          if (frame.type === "post" && frame.body.includes("bad")) frame.body = "\\u0000";
          send.call(this, JSON.stringify(frame));
        }; }"""
    )
    mara.write("bad words", name="Mara")
    failed = mara.page.locator("live-thread article.failed")
    expect(failed).to_contain_text("Not sent.")
    failed.get_by_role("button", name="Edit").click()
    expect(mara.page.locator("live-thread textarea").first).to_have_value("bad words")
    expect(mara.page.locator("live-thread textarea").first).to_be_focused()
    expect(failed).to_have_count(0)
    mara.write("good words")
    mara.sees([("Mara: good words", []), ("Ines: First", [])])


def test_a_draft_with_formatting_can_be_looked_at_first(place: Place) -> None:
    mara = place.reader().open()
    text = mara.page.locator("live-thread textarea")
    preview = mara.page.locator("live-thread .preview")
    button = mara.page.get_by_role("button", name="Preview")
    text.fill("plain words")
    expect(button).to_be_hidden()
    text.fill("a **bold** claim")
    button.click()
    expect(preview.locator("strong")).to_have_text("bold")
    text.press("End")
    mara.page.keyboard.type("!")
    expect(preview).to_be_hidden()


def test_a_missing_name_is_asked_for_where_it_is_missing(place: Place) -> None:
    mara = place.reader().open()
    mara.write("Who am I?", name="")
    name = mara.page.get_by_role("textbox", name="Your name")
    expect(name).to_be_focused()
    expect(mara.page.get_by_role("alert")).to_have_text("Please give a name.")
    expect(name).to_have_css("border-color", "rgb(168, 50, 31)")  # that of errors
    name.fill("Mara")
    name.press("Enter")
    mara.sees([("Mara: Who am I?", [])])


def test_what_comes_with_a_field_filled_in_that_people_don_t_see_waits(place: Place) -> None:
    mara = place.reader().open()
    traps = mara.page.locator("live-thread form.composer input[name=website]")
    expect(traps).to_have_count(1)
    mara.write("By a person", name="Mara")
    mara.reply("By a person", "Also by a person")
    mara.sees([("Mara: By a person", [("Mara: Also by a person", [])])])
    expect(mara.page.get_by_text("Waiting for a moderator")).to_have_count(0)
    mara.comment("Also by").get_by_role("button", name=re.compile("^Reply to")).click()
    expect(traps).to_have_count(2)
    for trap in traps.all():
        seen = trap.evaluate(
            "(field) => [getComputedStyle(field).display, field.offsetWidth, field.tabIndex]"
        )
        assert seen == ["block", 1, -1]
        expect(trap).to_have_attribute("aria-hidden", "true")
        expect(trap).to_have_attribute("autocomplete", "off")
        trap.evaluate("(field) => { field.value = 'https://spam.example' }")
    mara.page.locator("live-thread form.reply textarea").fill("Answered by a program")
    mara.page.keyboard.press("Control+Enter")
    mara.write("From a program")
    for text in ("Answered by a program", "From a program"):
        waiting = mara.comment(text).get_by_text("Waiting for a moderator")
        expect(waiting).to_be_visible()
    others = place.reader().open()
    others.sees([("Mara: By a person", [("Mara: Also by a person", [])])])
