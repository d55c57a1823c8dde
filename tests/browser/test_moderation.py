"""A moderator at the moderation page, and what readers see of what is decided there."""

from __future__ import annotations

import re
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.desks import Desk, Nudge, Site
from tests.browser.rooms import Place
from tests.browser.test_thread import HOSTILE
from tests.serverprocess import ServerProcess

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]


@pytest.fixture(scope="module")
def shared(server: ServerProcess) -> Nudge:
    return Nudge(server)


@pytest.fixture
def site(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Site]:
    """On the shared server, or on the test's own."""
    with ExitStack() as leaving:
        if "own_server" in request.fixturenames:
            server = request.getfixturevalue("own_server")
            place, nudge = Place(browser, server.url, "test/own"), Nudge(server)
            leaving.callback(place.close)
        else:
            server, place = request.getfixturevalue("server"), request.getfixturevalue("place")
            nudge = request.getfixturevalue("shared")
        site = Site(server, secrets.token_hex(8), place, nudge)
        site.say("site", "add", site.key)
        nudge(lambda: site.guest("Anyone"))
        yield site


@pytest.fixture
def new_desk(site: Site, browser: Browser) -> Iterator[NewDesk]:
    desks: list[Desk] = []

    def new(name: str = "Ana", **options: Any) -> Desk:
        given = {"viewport": {"width": 1200, "height": 800}, "locale": "en-GB", **options}
        context = browser.new_context(timezone_id="UTC", reduced_motion="reduce", **given)
        url = site.say("admin", "link", name, "--site", site.key, "--public-url", site.server.url)
        desk = Desk(site, context.new_page(), url)
        desks.append(desk)
        site.nudge(lambda: desk.ask("GET", "queue"))
        return desk

    yield new
    errors = [error for desk in desks for error in desk.errors]
    for desk in desks:
        desk.page.context.close()
    assert errors == []


def test_an_approved_comment_is_seen_by_another_reader_within_a_second(
    site: Site, new_desk: NewDesk
) -> None:
    ana = new_desk().open()
    ana.premoderate()
    mara, jon = site.reader(), site.reader()
    mara.write("Is it open yet?", name="Mara")
    expect(ana.page.locator(".pill")).to_have_text("1 new in queue")
    ana.press("n")
    expect(ana.page.locator(".detail .body")).to_have_text("Is it open yet?")
    expect(ana.page.locator(".why")).to_have_text("Held: every comment waits here")
    jon.sees([])
    started = time.monotonic()
    with ana.page.expect_request("**/moderation?*") as asked:
        ana.press("a")
    expect(jon.comment("Is it open yet?")).to_be_visible()
    took_s = time.monotonic() - started
    print(f"seen after {took_s * 1000:.0f} ms")
    assert '"seq"' in (asked.value.post_data or "")  # what was read, not what may stand there since
    expect(ana.page.get_by_role("status")).to_have_text("Approved.")
    jon.sees([("Mara: Is it open yet?", [])])
    ana.press("u")
    expect(ana.page.get_by_role("status")).to_have_text("Undone: approved.")
    expect(jon.page.locator("live-thread")).not_to_contain_text("Is it open yet?")


def test_the_row_at_hand_stays_while_more_comes(site: Site, new_desk: NewDesk) -> None:
    ana = new_desk().open()
    ana.premoderate()
    mara = site.guest("Mara")
    for text in ("one", "two", "three"):
        site.post(mara, text)
    expect(ana.page.locator(".pill")).to_have_text("3 new in queue")
    ana.press("n")
    assert (ana.rows(), ana.current()) == (["three", "two", "one"], "three")
    ana.press("j")
    site.post(mara, "four")
    expect(ana.page.locator(".pill")).to_have_text("1 new in queue")
    assert ana.current() == "two"
    assert ana.rows() == ["three", "two", "one"]
    ana.press("n")
    assert (ana.rows()[0], ana.current()) == ("four", "two")


def test_many_are_rejected_at_once_and_the_bar_says_how_many(site: Site, new_desk: NewDesk) -> None:
    ana, bob = new_desk().open(), new_desk("Bob").open()
    ana.premoderate()
    mara = site.guest("Mara")
    for text in ("one", "two", "three"):
        site.post(mara, text)
    for desk in (ana, bob):
        expect(desk.page.locator(".pill")).to_have_text("3 new in queue")
        desk.press("n")
    for text in ("one", "three"):
        ana.page.locator(".row").filter(has_text=text).get_by_role("checkbox").check()
    expect(ana.page.locator(".bulk")).to_contain_text("2 selected")
    ana.page.locator(".bulk").get_by_role("button", name="Reject").click()
    expect(ana.page.get_by_role("status")).to_have_text("Rejected: 2 comments.")
    decided = bob.page.locator(".row.decided")
    expect(decided).to_have_count(2)
    expect(decided.first).to_contain_text("Rejected by Ana")
    expect(bob.page.get_by_role("navigation")).to_contain_text("Held 1")


def test_reports_are_listed_with_the_comment_it_answers_and_kept(
    site: Site, new_desk: NewDesk
) -> None:
    ana = new_desk().open()
    root = site.post(site.guest("Mara"), "A question")
    rude = "<img src=x onerror=alert(1)> rude"
    reply = site.post(site.guest("Jon"), rude, parent=root["id"])
    body = {"reason": "abuse", "text": "look at that"}
    path = f"rooms/{site.room}/comments/{reply['id']}/reports"
    site.ask("POST", path, site.guest("Reader"), body)
    ana.tab("Reported")
    expect(ana.page.locator(".reports")).to_contain_text("Abuse: look at that")
    expect(ana.page.locator(".parent")).to_contain_text("A question")
    assert ana.page.locator(".detail img, .queue img").count() == 0
    ana.page.get_by_role("button", name="Keep").click()
    expect(ana.page.get_by_role("status")).to_have_text("Approved.")
    ana.tab("Held")
    expect(ana.page.locator(".empty")).to_have_text("Nothing waits.")
    ana.tab("Recent")
    expect(ana.page.locator(".row")).to_have_count(2)


def test_comments_are_found_by_their_words(site: Site, new_desk: NewDesk) -> None:
    mara = site.guest("Mara")
    site.post(mara, "A bridge")
    site.post(mara, "A tunnel")
    ana = new_desk().open()
    ana.page.get_by_role("searchbox").fill("BRIDGE")
    ana.press("Enter")
    expect(ana.page.locator(".queue .excerpt")).to_have_text(["A bridge"])
    ana.page.get_by_role("searchbox").fill("viaduct")
    ana.press("Enter")
    expect(ana.page.locator(".empty")).to_have_text("Nothing found.")
    ana.tab("Recent")
    expect(ana.page.locator(".row")).to_have_count(2)


def test_at_the_narrowest_the_head_takes_a_line_each_and_what_is_gone_says_so(
    site: Site, new_desk: NewDesk
) -> None:
    ana = new_desk(viewport={"width": 360, "height": 800})
    comment = site.post(site.guest("Mara"), "Rude")
    place = f"rooms/{site.room}/comments/{comment['id']}"
    ana.ask("POST", f"{place}/moderation", {"action": "reject"})
    ana.open()
    ana.tab("Restricted")
    tops = "(all) => all.map((one) => Math.round(one.getBoundingClientRect().y))"
    tabs = ana.page.locator(".tab").evaluate_all(tops)
    assert len(set(tabs)) == 1
    out, head = (
        box["y"] + box["height"] / 2
        for name in ("button:text('Sign out')", "h1")
        if (box := ana.page.locator(name).bounding_box())
    )
    assert abs(out - head) < 4
    ana.tab("Recent")
    search = ana.page.get_by_role("searchbox").bounding_box()
    row = ana.page.locator(".row").bounding_box()
    assert search
    assert row
    assert search["x"] + search["width"] == pytest.approx(row["x"] + row["width"], abs=4)
    expect(ana.page.locator(".row")).to_contain_text("Removed")


def test_how_deep_and_how_long_is_said_of_a_room_and_taken_back(
    site: Site, new_desk: NewDesk
) -> None:
    ana = new_desk()
    site.post(site.guest("Mara"), "Words")
    ana.open()
    ana.tab("Recent")
    ana.page.locator(".row").click()

    def said() -> tuple[int | None, int | None]:
        room = site.ask("GET", f"rooms/{site.room}", "")["room"]
        return room.get("max_depth"), room.get("edit_window_s")

    switches = ana.page.locator(".room")
    for depth, seconds, is_said in (
        ("1", "60", (1, 60)),
        ("", "0", (None, 0)),
        ("0", "", (0, None)),
    ):
        for label, value in (("Depth of replies", depth), ("Seconds to edit", seconds)):
            field = switches.get_by_label(label)
            if field.input_value() == value:
                continue
            shown = field.element_handle()
            field.fill(value)
            field.press("Enter")
            shown.wait_for_element_state("hidden")  # the pane is made anew, with what now is so
        assert said() == is_said


def test_hostile_text_in_every_field_is_text(site: Site, new_desk: NewDesk) -> None:
    """Names, bodies, titles, reports, of filters and moderators, who is barred and why."""
    ana = new_desk()
    texts = [*HOSTILE, "<b onmouseover=window.harmed=1>x"]
    for number, text in enumerate(texts):
        room = f"hostile/{number}"
        ana.ask("PATCH", f"rooms/{room}", {"title": text, "reason": text})
        comment = site.post(site.guest(text[:40]), text, room)
        place = f"rooms/{room}/comments/{comment['id']}"
        report = {"reason": "other", "text": text}
        site.ask("POST", f"{place}/reports", site.guest("Reader"), report)
        ana.ask("POST", f"{place}/moderation", {"action": "hold", "reason": text})
        ana.ask("POST", f"{place}/moderation", {"action": "mute", "reason": text})
        ana.restrict(text, "ban", reason=text)
    ana.open()
    for tab, each in (("Held", 1), ("Recent", 1), ("Restricted", 2)):
        if tab != "Held":  # which is there; loaded anew it would lose what is selected meanwhile
            ana.tab(tab)
        expect(ana.page.locator(".row")).to_have_count(each * len(texts))
        for row in range(each * len(texts)):
            ana.page.locator(".row .open").nth(row).click()
            expect(ana.page.locator(".log")).to_be_visible()
            if tab != "Restricted":
                expect(ana.page.locator(".reports, .author p")).to_have_count(2)
            made = "body :is(img, svg, iframe, script, b, object, [onmouseover], [onerror])"
            assert ana.page.locator(made).count() == 0
            assert ana.page.evaluate("window.harmed") is None
            assert ana.page.locator(".detail a[href^='javascript']").count() == 0


def test_the_room_is_closed_from_the_page_for_all_who_read_it(
    site: Site, new_desk: NewDesk
) -> None:
    site.post(site.guest("Mara"), "Hello")
    mara = site.reader()
    ana = new_desk().open()
    ana.tab("Recent")
    ana.page.locator(".room").get_by_label("State").select_option("closed")
    expect(mara.page.locator("live-thread")).to_contain_text("Comments are closed.")


def test_a_site_is_closed_from_the_page_for_all_who_read_and_a_room_of_it_opened(
    site: Site, new_desk: NewDesk
) -> None:
    site.post(site.guest("Mara"), "Hello")
    mara = site.reader()
    closed = mara.page.get_by_text("Comments are closed.")
    ana = new_desk().open()
    ana.tab("Recent")
    ana.page.locator(".site").get_by_label("State").select_option("closed")
    expect(closed).to_be_visible()
    room = ana.page.locator(".room").get_by_label("State")
    expect(room).to_have_value("closed")
    room.select_option("open")
    expect(closed).to_be_hidden()
    room.select_option("As the site")
    expect(closed).to_be_visible()


def test_a_wrong_token_is_told_and_nothing_is_shown(
    server: ServerProcess, browser: Browser
) -> None:
    page = browser.new_context().new_page()
    page.goto(f"{server.url}/moderation")
    page.get_by_label(re.compile("^Token")).fill("ltb_wrong_token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.locator(".queue").count() == 0
    page.context.close()


def test_the_page_cannot_be_framed_and_keeps_its_token_out_of_the_address(
    server: ServerProcess, new_desk: NewDesk
) -> None:
    ana = new_desk().open()
    assert "token" not in ana.page.url
    ana.page.reload()
    expect(ana.page.locator(".state")).to_have_text("Live")
    ana.press("?")
    expect(ana.page.get_by_role("dialog")).to_contain_text("approve")
    ana.press("?")
    expect(ana.page.get_by_role("dialog")).not_to_be_visible()
    with urllib.request.urlopen(f"{server.url}/moderation") as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_those_restricted_are_listed_lifted_by_a_key_and_that_is_taken_back(
    site: Site, new_desk: NewDesk
) -> None:
    ana, bob = new_desk().open(), new_desk("Bob").open()
    mara = site.guest("Mara")
    person = site.post(mara, "words")["author"]["id"]
    ana.ask("PATCH", f"rooms/{site.room}", {"title": "The bridge"})
    for desk in (ana, bob):
        desk.tab("Restricted")
        expect(desk.page.locator(".empty")).to_have_text("Nobody is banned, shadowed or muted.")
    bob.restrict("g:nobody", "ban", until="2999-01-01T00:00:00Z", reason="spam")
    bob.restrict(person, "mute", reason="rude")
    for desk in (ana, bob):
        expect(desk.page.locator(".pill")).to_have_text("2 new")
        desk.press("n")
    rows = ana.page.locator(".row")
    expect(rows.nth(0)).to_have_text("MaraThe bridgerudeMuted by Bob")
    expect(rows.nth(1)).to_contain_text("g:nobodyeverywherespamBanned until 1 Jan 2999")
    ana.press("j")
    expect(ana.page.locator(".detail")).to_contain_text("Banned everywhere until 1 Jan 2999")
    ana.press("k")
    expect(ana.page.locator(".detail")).to_contain_text("Muted in The bridge for good by Bob, ")
    ana.press("l")
    expect(ana.page.get_by_role("status")).to_have_text("Unmuted.")
    expect(bob.page.locator(".row.decided .tag")).to_have_text("Unmuted by Ana")
    assert listed(ana) == ["ban"]
    site.nudge(lambda: site.post(mara, "again"))
    ana.press("u")
    expect(ana.page.get_by_role("status")).to_have_text("Undone: unmuted.")
    expect(bob.page.locator(".row .tag").first).to_have_text("Muted by Ana")
    (mute, _) = ana.ask("GET", "restrictions")["restrictions"]
    assert (mute["kind"], mute["room"], mute["reason"]) == ("mute", site.room, "rude")


def listed(desk: Desk) -> list[str]:
    return [one["kind"] for one in desk.ask("GET", "restrictions")["restrictions"]]


def test_several_are_let_in_again_at_once(site: Site, new_desk: NewDesk) -> None:
    ana = new_desk()
    for number in range(3):
        ana.restrict(f"g:{number}", "shadow")
    ana.open().tab("Restricted")
    expect(ana.page.locator(".row")).to_have_count(3)
    for person in ("g:0", "g:2"):
        ana.page.get_by_role("checkbox", name=f"Select {person}").check()
    ana.page.locator(".bulk").get_by_role("button", name="Lift").click()
    expect(ana.page.get_by_role("status")).to_have_text("Lifted: 2 people.")
    (left,) = ana.ask("GET", "restrictions")["restrictions"]
    assert left["person"] == "g:1"


def test_an_author_is_banned_for_a_while_and_why_and_let_in_again(
    site: Site, new_desk: NewDesk
) -> None:
    mara = site.guest("Mara")
    site.post(mara, "rude words")
    ana = new_desk().open()
    ana.tab("Recent")
    author = ana.page.get_by_role("group", name="The author")
    author.get_by_label("How long").select_option("7 days")
    author.get_by_label("Why").fill("rude")
    author.get_by_role("button", name="Ban").click()
    expect(ana.page.get_by_role("status")).to_have_text("Banned.")
    expect(author).to_contain_text("Banned everywhere until ")
    expect(author.get_by_role("button", name="Lift ban")).to_be_focused()
    (ban,) = ana.ask("GET", "restrictions")["restrictions"]
    assert (ban["name"], ban["reason"], "until" in ban) == ("Mara", "rude", True)
    ana.page.get_by_role("button", name="Undo").click()
    expect(author.get_by_role("button", name="Ban", exact=True)).to_be_visible()
    assert listed(ana) == []


def test_moderators_see_who_else_of_them_is_there(site: Site, new_desk: NewDesk) -> None:
    ana, mara = new_desk().open(), site.reader()
    heard: list[str] = []
    mara.page.on(
        "websocket", lambda link: link.on("framereceived", lambda data: heard.append(str(data)))
    )
    mara.reload()
    others = ana.page.locator(".others")
    expect(others).to_have_text("")
    bob = new_desk("Bob").open()
    expect(others).to_have_text("Bob is here")
    expect(bob.page.locator(".others")).to_have_text("Ana is here")
    hostile = "<b onmouseover=window.harmed=1>"
    cleo, _ = new_desk("Cleo").open(), new_desk(hostile).open()
    expect(others).to_have_text(f"{hostile}, Bob and 1 other are here")
    expect(others.get_by_title("Cleo")).to_be_visible()
    assert ana.page.locator("body b").count() == 0
    assert ana.page.evaluate("window.harmed") is None
    cleo.page.goto("about:blank")
    expect(others).to_have_text(f"{hostile} and Bob are here")
    assert heard != []
    secret = '"type":"moderators"', hostile
    assert [frame for frame in heard if any(words in frame for words in secret)] == []


def test_a_moderator_goes_on_after_an_outage_where_they_were(
    own_server: ServerProcess, site: Site, new_desk: NewDesk
) -> None:
    ana = new_desk().open()
    ana.premoderate()
    mara = site.guest("Mara")
    for text in ("one", "two"):
        site.post(mara, text)
    expect(ana.page.locator(".pill")).to_have_text("2 new in queue")
    ana.press("n")
    ana.press("j")
    expect(ana.page.locator(".detail .body")).to_have_text("one")
    here = ana.page.locator(".tab[aria-current]")
    expect(here).to_have_text("Held 2")
    ana.expects_outage = True
    ana.page.context.set_offline(True)
    own_server.kill()
    expect(ana.page.locator(".state")).to_have_text("Reconnecting…")
    ana.press("a")
    expect(ana.page.get_by_role("status")).to_have_text(re.compile("reached. Nothing was done"))
    ana.ask_for("Recent")
    expect(ana.page.get_by_role("status")).to_have_text(re.compile("can't be reached.$"))
    expect(here).to_have_text("Held 2")
    own_server.start()
    site.post(mara, "three")
    two = ana.ask("GET", "queue")["items"][1]["comment"]["id"]
    ana.ask("POST", f"rooms/{site.room}/comments/{two}/moderation", {"action": "approve"})
    assert (ana.rows(), ana.current()) == (["two", "one"], "one")
    ana.page.context.set_offline(False)
    expect(ana.page.locator(".pill")).to_have_text("1 new in queue")
    assert (ana.rows(), ana.current()) == (["two", "one"], "one")
    expect(ana.page.locator(".row.decided .tag")).to_have_text("Decided by another")
    expect(ana.page.get_by_role("navigation")).to_contain_text("Held 2")
    ana.press("a")
    expect(ana.page.get_by_role("status")).to_have_text("Approved.")


def test_a_reload_during_an_outage_signs_nobody_out(new_desk: NewDesk) -> None:
    ana = new_desk().open()
    ana.expects_outage = True
    ana.page.route("**/api/v1/**", lambda route: route.abort())
    ana.page.reload()
    expect(ana.page.get_by_role("alert")).to_have_text("The server can't be reached.")
    expect(ana.page.get_by_role("button", name="Try again")).to_be_focused()
    ana.page.unroute("**/api/v1/**")
    ana.press("Enter")
    expect(ana.page.locator(".state")).to_have_text("Live")


TARGETS = """(least) => [...document.querySelectorAll("button, select, input, label")]
  .filter((one) => one.offsetParent && !(one.matches("input") && one.closest("label")))
  .map((one) => [one.textContent || one.type, one.getBoundingClientRect()])
  .filter(([, { width, height }]) => Math.min(width, height) < least)
  .map(([name]) => name)"""


@pytest.mark.parametrize(
    ("width", "theme", "least"), [(390, "light", 44), (760, "dark", 44), (1200, "dark", 28)]
)
def test_axe_finds_nothing_and_every_target_is_large_enough(
    site: Site, new_desk: NewDesk, width: int, theme: str, least: int
) -> None:
    view: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": theme}
    ana = new_desk(**view, bypass_csp=True)
    ana.premoderate()
    comment = site.post(site.guest("Mara"), "words " * 100)
    ana.restrict(comment["author"]["id"], "mute", reason="x" * 400)
    ana.open()
    for tab in ("Held", "Restricted"):
        if tab != "Held":  # which is there; loaded anew it would lose what is selected meanwhile
            ana.tab(tab)
        expect(ana.page.locator(".author p, .log")).to_be_visible()
        ana.press("x")
        expect(ana.page.locator(".bulk")).to_be_visible()
        assert Axe().run(ana.page).response["violations"] == []
        assert ana.page.evaluate(TARGETS, least) == []
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert ana.page.evaluate(wider) == 0


def test_the_keyboard_keeps_its_place_whatever_is_done_by_it(site: Site, new_desk: NewDesk) -> None:
    ana = new_desk()
    ana.premoderate()
    mara = site.guest("Mara")
    for text in ("one", "two", "three", "four"):
        site.post(mara, text)
    ana.open()
    here = ana.page.locator(".queue [aria-current=true]")
    done = ana.page.get_by_role("status")
    for key, words, row in (
        ("j", "", "three"),
        ("r", "Rejected.", "two"),
        ("u", "Undone: ", "three"),
    ):
        ana.press(key)
        expect(done).to_contain_text(words)
        expect(here).to_contain_text(row)
        expect(here).to_be_focused()
    ana.press("r")
    expect(done).to_have_text("Rejected.")
    ana.page.get_by_role("button", name="Undo").focus()
    ana.press("Enter")
    expect(done).to_contain_text("Undone: ")
    expect(here).to_be_focused()
    ana.press("x")
    ana.page.get_by_role("button", name="Clear").focus()
    ana.press("Enter")
    expect(here).to_be_focused()
    ana.press("a")
    expect(done).to_have_text("Approved.")
    site.post(mara, "five")
    ana.page.locator(".pill").focus()
    ana.press("Enter")
    expect(here).to_be_focused()
    assert ana.rows()[0] == "five"
