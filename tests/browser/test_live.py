"""What comes while somebody reads: nothing moves, it is told once, and it is found."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.reader import Reader
from tests.browser.rooms import Place

pytestmark = pytest.mark.browser

# Where the reader is, to the fraction of a pixel; and all that assistive technology is told.
WHERE = """() => {
  const shadow = document.querySelector("live-thread").shadowRoot;
  const article = shadow.activeElement;
  const { top, left } = article.getBoundingClientRect();
  return [scrollY, article.id, top, left];
}"""
LISTEN = """() => {
  window.said = [];
  const status = document.querySelector("live-thread").shadowRoot.querySelector("[role=status]");
  new MutationObserver(() => said.push(status.textContent)).observe(status, {childList: true});
}"""


def reading(place: Place, roots: int = 40) -> tuple[Reader, list[int]]:
    """Somebody in the midst of a thread, with focus on a comment in view."""
    ines = place.writer()
    ids = [ines.post(f"Root number {n}, and a line of text") for n in range(roots)]
    mara = place.reader(attributes={"limit": "40"}).open()
    target = mara.comment(f"Root number {roots // 2},")
    target.scroll_into_view_if_needed()
    target.focus()
    # Off-screen comments are laid out when they come near: let that be over.
    mara.next_frame()
    mara.next_frame()
    return mara, ids


def pill_text(reader: Reader, n: int) -> None:
    pill = reader.page.locator("live-thread .pill")
    expect(pill).to_have_text(f"Show {n} new comments", timeout=20_000)


def test_fifty_live_comments_move_nothing_and_are_told_once(place: Place) -> None:
    mara, ids = reading(place)
    jon = place.writer("Jon")
    before = mara.page.evaluate(WHERE)
    mara.page.evaluate(LISTEN)
    for n in range(50):
        jon.post(f"Live {n}", ids[n % 40] if n % 2 else None)
        if n % 10 == 9:
            pill_text(mara, n + 1)  # so they come in five batches at least
    mara.eventually("said.length > 0", True)
    assert mara.page.evaluate(WHERE) == before
    said: list[Any] = mara.page.evaluate("said")
    told = [int(re.findall(r"\d+", text)[0]) for text in said]
    assert len(told) <= 2, "one summary in ten seconds"
    mara.eventually("said.reduce((sum, text) => sum + parseInt(text), 0)", 50)
    assert mara.page.evaluate(WHERE) == before


NO_ANCHORING = """
CSS.supports = (name) => name !== "overflow-anchor";
addEventListener("DOMContentLoaded", () => {
  for (const at of document.querySelectorAll("body, #box")) at.style.overflowAnchor = "none";
});
"""
IN_A_BOX = """addEventListener("DOMContentLoaded", () => {
  const box = document.createElement("div");
  const thread = document.querySelector("live-thread");
  box.id = "box";
  box.style.cssText = "block-size: 500px; overflow: auto";
  thread.before(box);
  box.append(thread);
});
"""
SCROLLED = """[...document.querySelectorAll("html, #box")].map((at) => at.scrollTop)
  .reduce((sum, each) => sum + each)"""


@pytest.mark.parametrize(
    ("has_anchoring", "is_in_a_box"), [(True, False), (False, False), (False, True)]
)
def test_what_is_read_stays_where_it_is_when_a_comment_above_it_grows(
    place: Place, has_anchoring: bool, is_in_a_box: bool
) -> None:
    ines = place.writer()
    ids = [ines.post(f"Root number {n}, and a line of text") for n in range(20)]
    mara = place.reader()
    if is_in_a_box:
        mara.page.add_init_script(IN_A_BOX)
    if not has_anchoring:
        mara.page.add_init_script(NO_ANCHORING)
        with mara.page.expect_request_finished(lambda asked: "/place.js" in asked.url):
            mara.open()
    else:
        mara.open()
    target = mara.comment("Root number 10,")
    target.evaluate("(article) => article.scrollIntoView()")
    target.focus()
    mara.next_frame()
    before, scrolled = mara.page.evaluate(WHERE), mara.page.evaluate(SCROLLED)
    ines.ask("edit", comment=ids[12], body="Grown\n\n" * 9)
    expect(mara.page.locator(f"live-thread #comment-{ids[12]}")).to_contain_text("Grown")
    mara.next_frame()
    after = mara.page.evaluate(WHERE)
    assert after[1:] == before[1:]
    assert not is_in_a_box or after[0] == before[0], "nor does the page move"
    assert mara.page.evaluate(SCROLLED) > scrolled + 100, "it grew above"


def test_new_replies_are_told_below_what_they_answer_in_a_line_that_was_there(place: Place) -> None:
    mara, ids = reading(place, 20)
    jon = place.writer("Jon")
    article = mara.comment("Root number 10,")
    box = article.bounding_box()
    first = jon.post("An answer", ids[10])
    jon.post("An answer to the answer", first)
    line = article.get_by_role("button", name="2 new replies")
    expect(line).to_be_visible()
    assert article.bounding_box() == box
    line.click()
    expect(mara.comment("An answer to the answer")).to_be_attached()
    assert mara.page.evaluate(WHERE)[1] == f"comment-{first}"
    expect(line).to_be_hidden()
    expect(mara.page.locator("live-thread .pill")).to_be_hidden()


def test_what_came_since_the_last_visit_is_new_and_found_by_a_key(place: Place) -> None:
    ines = place.writer()
    old = ines.post("Old")
    mara = place.reader().open()
    mara.write("Mine", name="Mara")
    expect(mara.comment("Mine")).to_be_attached()
    mara.page.goto("about:blank")
    ids = [ines.post("New root"), *(ines.post(f"New reply {n}", old) for n in range(5))]
    # A shared snapshot may lack the newest, and what follows it may come when the thread is shown,
    # as news do. Of a comment in it changed, the server reads anew.
    ines.ask("edit", comment=old, body="Old indeed")
    mara.open()
    expect(mara.page.locator("live-thread article.unread")).to_have_count(6)
    expect(mara.page.locator("live-thread button.unread")).to_have_text(
        "6 new since your last visit"
    )
    mara.comment("Mine").focus()
    mara.page.locator("live-thread .keys").wait_for()
    found = []
    for _ in ids:
        mara.page.keyboard.press("n")
        found.append(mara.page.evaluate(WHERE)[1])
    assert found == [f"comment-{i}" for i in [*ids[1:], ids[0]]]
    expect(mara.page.locator("live-thread article.unread")).to_have_count(1)
    mara.page.keyboard.press("n")
    expect(mara.page.locator("live-thread [role=status]")).to_have_text("No new comments.")


def test_a_first_visit_marks_nothing_as_new(place: Place) -> None:
    place.writer().post("Old")
    mara = place.reader().open()
    expect(mara.comment("Old")).to_be_attached()
    expect(mara.page.locator("live-thread .unread:visible")).to_have_count(0)


def test_three_replies_are_open_until_more_are_asked_for_and_fold_away(place: Place) -> None:
    ines = place.writer()
    root = ines.post("Root")
    for n in range(9):
        ines.post(f"Reply {n}", root)
    mara = place.reader().open()
    replies = mara.page.locator("live-thread .replies article")
    expect(replies).to_have_count(3)
    mara.page.get_by_role("button", name="Show 6 more replies").click()
    expect(replies).to_have_count(9)
    expect(mara.comment("Reply 3")).to_be_focused()
    mara.choose("Root", "Hide 9 replies")
    expect(replies).to_have_count(0)
    expect(mara.comment("Root")).to_be_focused()
    folded = mara.page.get_by_role("button", name="9 replies hidden")
    ines.post("Reply 9", root)
    mara.page.get_by_role("button", name="10 replies hidden").click()
    expect(folded).to_have_count(0)
    expect(replies).to_have_count(10)


def test_readers_choose_the_order_and_stay_at_the_choice(place: Place) -> None:
    ines = place.writer()
    ids = [ines.post(f"Root {n}") for n in range(3)]
    place.writer("Jon").ask("react", comment=ids[1], reaction="like", on=True)
    mara = place.reader().open()
    order = mara.page.get_by_label("Order")
    order.focus()
    shadow = "document.querySelector('live-thread').shadowRoot"
    first = f"{shadow}.querySelector('.roots .body').innerText"
    for name, roots in {"best": [1], "oldest": [0, 1, 2], "newest": [2, 1, 0]}.items():
        order.select_option(name)
        if name == "best":
            mara.eventually(first, "Root 1")
        else:
            mara.sees([(f"Ines: Root {n}", []) for n in roots])
        expect(order).to_be_focused()


def test_a_link_leads_to_a_comment_on_a_page_that_is_not_loaded(place: Place) -> None:
    ines = place.writer()
    ids = [ines.post(f"Root {n}") for n in range(60)]
    parent = ids[5]
    for depth in range(6):
        parent = ines.post(f"Below, {depth}", parent)
    mara = place.reader(fragment=f"#comment-{parent}").open()
    linked = mara.comment("Below, 5")
    expect(linked).to_be_in_viewport()
    expect(linked).to_be_focused()
    expect(linked).to_have_class(re.compile("linked"))
    more = mara.page.get_by_role("button", name="Show more comments")
    more.click()
    expect(mara.comment("Root 39")).to_be_focused()
    expect(mara.page.locator(f"live-thread #comment-{ids[5]}")).to_have_count(1)


def test_a_link_to_what_is_not_there_says_so(place: Place) -> None:
    place.writer().post("Root")
    mara = place.reader(fragment="#comment-999").open()
    expect(mara.page.locator("live-thread")).to_contain_text(
        "The comment this link leads to is not here."
    )


def test_no_more_than_five_hundred_comments_are_on_screen(place: Place) -> None:
    ines = place.writer()
    for n in range(560):
        ines.post(f"Root {n}")
    mara = place.reader(attributes={"limit": "100"}).open()
    more = mara.page.get_by_role("button", name="Show more comments")
    articles = mara.page.locator("live-thread .roots article")
    for count in (200, 300, 400, 500):
        more.click()
        expect(articles).to_have_count(count)
    turned = mara.page.locator("live-thread article:focus").filter(has_text="Root 59")
    for _ in range(1_000):  # the rest is loaded first, and only then turned to
        if turned.count():
            break
        more.click()
        mara.next_frame()
    expect(turned).to_have_count(1)
    expect(mara.comment("Root 0")).to_be_attached()
    assert articles.count() <= 500
    mara.page.get_by_role("button", name="Show earlier comments").click()
    expect(mara.comment("Root 559")).to_have_count(0)
    assert articles.count() <= 500


def test_somebody_with_a_keyboard_needs_nothing_else(place: Place) -> None:
    place.writer().post("An old comment")
    mara = place.reader().open()
    keys = mara.page.keyboard
    expect(mara.comment("An old comment")).to_be_attached()
    for _ in range(20):
        keys.press("Tab")
        if mara.focused()["tag"] == "textarea":
            break
    keys.type("Written by key")
    mara.page.locator("live-thread .keys").wait_for()
    keys.press("Tab")
    keys.type("Mara")
    keys.press("Control+Enter")
    expect(mara.comment("Written by key")).to_be_focused()
    keys.press("j")
    expect(mara.comment("An old comment")).to_be_focused()
    keys.press("r")
    keys.type("jkl are letters here")
    keys.press("Escape")
    assert "Reply to" in mara.focused()["label"]
    keys.press("r")
    keys.press("Control+Enter")
    expect(mara.comment("jkl are letters here")).to_be_focused()
    keys.press("k")
    keys.press("l")
    like = mara.comment("An old comment").get_by_role("button", name=re.compile("^Like"))
    expect(like).to_have_attribute("aria-pressed", "true")
    keys.press("c")
    expect(mara.comment("jkl are letters here")).to_have_count(0)
    keys.press("?")
    keys.press("Enter")
    keys.press("Enter")
    keys.press("Tab")
    keys.press("Space")
    mara.comment("An old comment").focus()
    keys.press("c")
    expect(mara.page.get_by_role("button", name="1 reply hidden")).to_be_visible()


def test_a_flood_waits_even_while_the_head_is_in_view(place: Place) -> None:
    ines = place.writer()
    mara = place.reader().open()
    ines.post("The first alone goes in place")
    expect(mara.comment("The first alone")).to_be_attached()
    ids = [ines.post(f"Flood {n}") for n in range(15)]
    pill = mara.page.locator("live-thread .pill")
    expect(pill).to_be_visible()
    expect(mara.page.locator("live-thread .count")).to_have_text("16")
    pill.click()
    expect(mara.page.locator(f"live-thread #comment-{ids[-1]}")).to_be_attached()
    expect(mara.comment("Flood")).to_have_count(15)
    expect(pill).to_be_hidden()


@pytest.mark.parametrize("width", [360, 760])
def test_words_about_the_connection_move_nothing(place: Place, width: int) -> None:
    place.writer().post("First")
    place.writer("Jon").post("Second")
    mara = place.reader(viewport={"width": width, "height": 700}).open()
    first = mara.comment("First")
    before = first.bounding_box()
    state = mara.page.locator("live-thread .state > span").last
    expect(mara.page.get_by_label("Order")).to_be_visible()
    for words in ("Live · 1,234 reading", "Wird wiederhergestellt…", "Offline"):
        state.evaluate("(span, words) => { span.textContent = words; }", words)
        assert first.bounding_box() == before, words
