"""Long threads come in pages, and meet what comes live."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.reader import Reader, Tree
from tests.browser.writing import fill, room_of
from tests.serverprocess import ServerProcess

pytestmark = pytest.mark.browser

NewReader = Callable[..., Reader]


def test_more_comments_are_shown_on_request_and_focus_goes_to_the_first(
    server: ServerProcess, new_reader: NewReader
) -> None:
    reader = new_reader()
    fill(server.url, room_of(reader.url), [(f"Root {i:02}", None) for i in range(45)])
    reader.open()
    roots = reader.comment("Root")
    expect(roots).to_have_count(20)
    expect(reader.page.locator("live-thread .count")).to_have_text("45")
    more = reader.page.get_by_role("button", name="Show more comments")
    more.click()
    expect(roots).to_have_count(40)
    expect(reader.comment("Root 24")).to_be_focused()
    fill(server.url, room_of(reader.url), [("Live meanwhile", None)])
    more.click()
    expect(roots).to_have_count(45)
    expect(more).to_have_count(0)
    reader.page.evaluate("scrollTo(0, 0)")
    fill(server.url, room_of(reader.url), [("Live later", None)])
    expect(reader.comment("Live later")).to_be_attached()
    texts = [text for text, _ in reader.tree()]
    live = ["Ines: Live later", "Ines: Live meanwhile"]
    assert texts == [*live, *(f"Ines: Root {i:02}" for i in range(44, -1, -1))]


def test_the_rest_of_a_long_thread_is_shown_on_request(
    server: ServerProcess, new_reader: NewReader
) -> None:
    reader = new_reader()
    room = room_of(reader.url)
    fill(server.url, room, [("Root", None), *((f"Answer {i:02}", 0) for i in range(45))])
    reader.open()
    replies = reader.comment("Answer")
    loaded = reader.comment("Answer").count()
    assert loaded < 45
    while loaded < 45:
        reader.page.get_by_role("button", name=f"Show {45 - loaded} more repl").click()
        expect(replies).not_to_have_count(loaded)
        loaded = replies.count()
    expect(reader.page.get_by_role("button", name="more repl")).to_have_count(0)
    replies_seen: Tree = [(f"Ines: Answer {i:02}", []) for i in range(45)]
    assert reader.tree() == [("Ines: Root", replies_seen)]


def test_a_reader_of_half_a_thread_has_it_all_in_the_end(
    server: ServerProcess, new_reader: NewReader
) -> None:
    """Replies to what isn't loaded come with the page that brings it."""
    reader = new_reader()
    room = room_of(reader.url)
    ids = fill(server.url, room, [(f"Root {i:02}", None) for i in range(25)])
    reader.open()
    expect(reader.comment("Root")).to_have_count(20)
    posts: list[tuple[str, int | None]] = [("New", None), ("Answer", 0)]
    fill(server.url, room, posts)
    expect(reader.page.locator("live-thread .count")).to_have_text("27")
    mara = new_reader().open()
    mara.page.get_by_role("button", name="Show more comments").click()
    mara.reply("Root 00", "To an old one", name="Mara")
    expect(reader.page.locator("live-thread .count")).to_have_text("28")
    expect(reader.comment("To an old one")).to_have_count(0)
    reader.page.get_by_role("button", name="Show more comments").click()
    expect(reader.comment("To an old one")).to_be_attached()
    for each in (mara, reader):
        each.reload()
        # A shared snapshot is older than what follows it, which may come once that is shown.
        new, pill = each.comment("New"), each.page.locator("live-thread .pill")
        expect(new.or_(pill).filter(visible=True).first).to_be_visible()
        if pill.is_visible():
            pill.click()
        each.page.get_by_role("button", name="Show more comments").click()
        expect(each.comment("Root")).to_have_count(len(ids))
        expect(each.comment("To an old one")).to_be_attached()
    assert reader.tree() == mara.tree()
