"""Whatever is written fits: scripts, emoji, one endless word, threads thirty deep."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.rooms import Place

pytestmark = pytest.mark.browser

TEXTS = [
    "w" * 5_000,
    "هذا تعليق باللغة العربية يتحدث عن الجسر الجديد والرياح. " * 4,
    "สะพานนี้สวยมากและเงียบมากอยากให้มีแบบนี้ทั่วประเทศเพราะว่าการเดินทางสะดวกขึ้นมาก" * 3,
    "🎉👩‍👩‍👧‍👦🌉" * 60,
    "https://example.com/" + "path/" * 80,
    "```\n" + "x" * 400 + "\n```",
    "> " * 10 + "quoted " * 40,
    "- " * 10 + "listed " * 40,
    "`" + "code" * 200 + "`",
]
NAMES = ["W" * 40, "ليلى " * 6 + "الحداد", "สมชายใจดี" * 4, "🦊 Fuchs"]

# Elements whose ink leaves the thread; a block of code scrolls by itself.
BEYOND = """() => {
  const section = document.querySelector("live-thread").shadowRoot.querySelector("section");
  const {left, right} = section.getBoundingClientRect();
  const found = [];
  for (const element of section.querySelectorAll("*")) {
    if (element.matches(".unseen, .unseen *, pre *, .rail") || !element.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(element);
    const boxes = [element.getBoundingClientRect()];
    if (!element.children.length) boxes.push(range.getBoundingClientRect());
    for (const box of boxes) {
      if (!box.width || (box.left > left - 7.5 && box.right < right + 7.5)) continue;
      found.push(`${element.localName}.${element.className} ${box.left}–${box.right}`);
    }
  }
  return [document.documentElement.scrollWidth, found];
}"""


@pytest.mark.parametrize("width", [320, 760])
@pytest.mark.parametrize("lang", ["en", "ar"])
def test_nothing_is_wider_than_the_thread(place: Place, lang: str, width: int) -> None:
    for n, text in enumerate(TEXTS):
        place.writer(NAMES[n % len(NAMES)]).post(text)
    parent = None
    for level in range(31):
        parent = place.writer(NAMES[level % len(NAMES)]).post(f"Level {level}, and words", parent)
    direction = "rtl" if lang == "ar" else "ltr"
    reader = place.reader(lang=lang, dir=direction, viewport={"width": width, "height": 900})
    reader.open()
    more = reader.page.locator("live-thread .load button")
    expect(reader.comment("Level 0")).to_be_attached()
    while more.count():
        before = reader.page.locator("live-thread .roots article").count()
        more.last.click()
        expect(reader.page.locator("live-thread .roots article")).not_to_have_count(before)
    expect(reader.page.locator("live-thread .roots article")).to_have_count(len(TEXTS) + 31)
    reader.page.evaluate(
        """() => {
          const items = document.querySelector("live-thread").shadowRoot.querySelectorAll(".item");
          for (const item of items) item.style.contentVisibility = "visible";
        }"""
    )
    scroll_width, beyond = reader.page.evaluate(BEYOND)
    assert beyond == []
    assert scroll_width <= width
