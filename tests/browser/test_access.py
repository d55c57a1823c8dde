"""Open to everybody: axe, contrast and sizes of targets, in both themes, directions and widths."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.reader import Reader
from tests.browser.rooms import Place

pytestmark = pytest.mark.browser

AXE = Axe()

# axe leaves contrast in a shadow root "incomplete": WCAG 1.4.3 (text, 4.5) and 1.4.11 (borders of
# fields, 3) by computed styles. Colours with alpha are mixed with what is behind them.
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const channel = (c) => (c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ratio = (a, b) => {
    const [hi, lo] = [light(a), light(b)].sort((x, y) => y - x);
    return (hi + 0.05) / (lo + 0.05);
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const all = document.querySelector("live-thread").shadowRoot.querySelectorAll("*");
  for (const element of all) {
    if (!element.checkVisibility({visibilityProperty: true})) continue;
    const style = getComputedStyle(element);
    const name = `${element.localName}.${element.className} "${element.textContent.slice(0, 20)}"`;
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const found = ratio(parse(style.color), behind(element));
    if (hasText && found < 4.5) poor.push(`${name}: ${found.toFixed(2)}`);
    if (!element.matches("textarea, input:not([type=checkbox], .trap), select")) continue;
    const border = ratio(parse(style.borderTopColor), behind(element.parentElement));
    if (border < 3) poor.push(`border of ${name}: ${border.toFixed(2)}`);
  }
  return [all.length, poor];
}"""

# What a finger or a mouse hits, a third and two thirds of the way to each edge of the square.
TARGETS = """(size) => {
  const shadow = document.querySelector("live-thread").shadowRoot;
  const small = [];
  for (const floating of shadow.querySelectorAll(".float")) floating.remove();
  // What was off screen a moment ago has its size only in the next frame.
  for (const item of shadow.querySelectorAll(".item")) item.style.contentVisibility = "visible";
  const controls = shadow.querySelectorAll(
    "button, select, summary, .time, input, textarea, .keys label",
  );
  for (const control of controls) {
    if (!control.checkVisibility() || control.matches(".keys input, .trap, .float *")) continue;
    control.scrollIntoView({block: "center"});
    const box = control.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const reach = size / 2 - 1;
    for (const [dx, dy] of [[0, -reach], [0, reach], [-reach, 0], [reach, 0]]) {
      const hit = shadow.elementFromPoint(x + dx, y + dy);
      if (control.contains(hit)) continue;
      const label = control.ariaLabel ?? control.textContent;
      small.push(`${control.className} ${label} at ${dx},${dy}: ${hit?.className}`);
      break;
    }
  }
  return [controls.length, small];
}"""


def full_of_states(place: Place, **options: Any) -> Reader:
    """A thread with everything open that a reader can open."""
    ines = place.writer()
    first = ines.post("A comment with a [link](https://example.com/), `code`\n\n> and a quotation")
    for n in range(6):
        ines.post(f"Reply {n}", first)
    gone = ines.post("Soon gone")
    ines.ask("delete", comment=gone)
    mara = place.reader(**options).open()
    mara.page.locator("live-thread textarea").fill("My *own* words")
    mara.page.locator("live-thread .name input").fill("Mara")
    mara.page.locator("live-thread textarea").press("Control+Enter")
    expect(mara.comment("own words")).to_be_focused()
    mara.comment("A comment with").locator(".like").click()
    mara.comment("own words").locator(".acts").click()
    mara.comment("Reply 1").locator(".acts").click()
    mara.comment("Reply 1").locator(".menu button").first.click()
    mara.page.locator("live-thread form.ask select").wait_for()
    mara.page.locator("live-thread .keys summary").click()
    for n in range(2):
        ines.post(f"New one {n}")
    mara.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    place.writer("Jon").post("Later", first)
    expect(mara.page.locator("live-thread .pill")).to_be_visible()
    expect(mara.comment("A comment with").locator(".waiting")).to_be_visible()
    mara.page.locator("live-thread textarea").first.fill("x" * 4_990)
    return mara


@pytest.mark.parametrize("width", [360, 760])
@pytest.mark.parametrize("lang", ["en", "ar"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_and_all_text_and_every_field_can_be_seen(
    place: Place, theme: str, lang: str, width: int
) -> None:
    mara = full_of_states(
        place,
        lang=lang,
        dir="rtl" if lang == "ar" else "ltr",
        color_scheme=theme,
        viewport={"width": width, "height": 800},
    )
    checked, poor = mara.page.evaluate(CONTRAST)
    assert checked > 100
    assert poor == []
    violations = AXE.run(mara.page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations] == []
    assert mara.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("is_touch", [False, True])
def test_targets_are_large_enough_and_no_other_is_in_their_way(
    place: Place, is_touch: bool
) -> None:
    touch = {"is_mobile": True, "has_touch": True} if is_touch else {}
    mara = full_of_states(place, viewport={"width": 360, "height": 800}, **touch)
    size = 44 if is_touch else 28
    checked, small = mara.page.evaluate(TARGETS, size)
    assert checked > 20
    assert small == []


def test_focus_is_seen_on_whatever_has_it(place: Place) -> None:
    mara = full_of_states(place)
    mara.page.locator("live-thread textarea").first.focus()
    style = """() => {
      const {outlineStyle, outlineWidth} = getComputedStyle(
        document.querySelector("live-thread").shadowRoot.activeElement ?? document.body);
      return outlineStyle + outlineWidth;
    }"""
    for _ in range(25):
        mara.page.keyboard.press("Tab")
        if mara.focused()["tag"] is None:
            break
        assert mara.page.evaluate(style) == "solid2px", mara.focused()


def test_labels_name_what_they_are_about(place: Place) -> None:
    place.writer("Jon").post("Hello")
    mara = place.reader().open()
    buttons = mara.comment("Hello").get_by_role("button")
    for button in (re.compile("^Like .*Jon"), re.compile("^Reply to .*Jon"), re.compile("Jon.$")):
        expect(buttons.and_(mara.page.get_by_role("button", name=button)).first).to_be_visible()
