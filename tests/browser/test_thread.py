"""The first user story, and what a reader must not notice: restarts, lost frames, hostile text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.browser.reader import Reader, Tree
from tests.serverprocess import ServerProcess

pytestmark = pytest.mark.browser

NewReader = Callable[..., Reader]

HOSTILE = [
    "<img src=x onerror=window.harmed=1>",
    "<script>window.harmed=1</script>",
    '"><svg onload=window.harmed=1>',
    "[x](javascript:window.harmed=1)",
    "{{constructor.constructor('window.harmed=1')()}}",
    "<iframe srcdoc='<script>parent.harmed=1</script>'>",
]


def test_two_readers_see_a_comment_and_its_reply_at_once(new_reader: NewReader) -> None:
    mara, jon = new_reader().open(), new_reader().open()
    mara.write("You feel nothing at all.", name="Mara")
    jon.sees([("Mara: You feel nothing at all.", [])])
    jon.reply("You feel nothing", "Unnerving how?", name="Jon")

    thread: Tree = [("Mara: You feel nothing at all.", [("Jon: Unnerving how?", [])])]
    for reader in (mara, jon):
        reader.sees(thread)
        expect(reader.page.locator("live-thread .count")).to_have_text("2")
    for reader in (mara, jon):
        reader.reload()
        reader.sees(thread)


def test_a_guest_is_known_after_a_reload(new_reader: NewReader) -> None:
    mara = new_reader().open()
    mara.write("One", name="Mara")
    mara.sees([("Mara: One", [])])
    mara.reload()
    mara.write("Two")
    mara.sees([("Mara: Two", []), ("Mara: One", [])])


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_a_restart_is_survived_by_itself(
    own_server: ServerProcess, new_reader: NewReader, end: str
) -> None:
    mara, jon = new_reader().open(), new_reader().open()
    mara.write("Before", name="Mara")
    jon.sees([("Mara: Before", [])])
    for reader in (mara, jon):
        reader.expect_outage()
    getattr(own_server, end)()
    for reader in (mara, jon):
        reader.sees_state("reconnecting")
    own_server.start()
    jon.sees_state("live")
    jon.reply("Before", "After", name="Jon")
    for reader in (mara, jon):
        reader.sees([("Mara: Before", [("Jon: After", [])])])


def test_what_is_written_during_an_outage_is_posted_once(
    own_server: ServerProcess, new_reader: NewReader
) -> None:
    mara, jon = new_reader().open(), new_reader().open()
    for reader in (mara, jon):
        reader.expect_outage()
    own_server.kill()
    mara.sees_state("reconnecting")
    mara.write("Written in the dark", name="Mara")
    expect(mara.page.locator("live-thread article.pending")).to_contain_text("Sending")
    own_server.start()
    for reader in (mara, jon):
        reader.sees([("Mara: Written in the dark", [])])


def test_what_was_not_sent_survives_a_reload_and_is_posted_once(
    own_server: ServerProcess, new_reader: NewReader
) -> None:
    mara, jon = new_reader().open(), new_reader().open()
    for reader in (mara, jon):
        reader.expect_outage()
    own_server.kill()
    mara.sees_state("reconnecting")
    mara.write("Written in the dark", name="Mara")
    expect(mara.page.locator("live-thread article.pending")).to_be_attached()
    own_server.start()
    mara.reload()
    for reader in (mara, jon):
        reader.sees([("Mara: Written in the dark", [])])
    mara.reload()
    mara.sees([("Mara: Written in the dark", [])])


def test_a_post_whose_ack_is_lost_is_there_once(new_reader: NewReader) -> None:
    """The server has it, the browser can't know: the same nonce settles it."""
    mara, jon = new_reader(), new_reader().open()
    nonces: list[str] = []
    connections: list[WebSocketRoute] = []

    def cut_at_first_ack(route: WebSocketRoute) -> None:
        upstream = route.connect_to_server()
        connections.append(route)
        is_first = len(connections) == 1

        def from_page(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "post":
                nonces.append(frame["nonce"])
            upstream.send(text)

        def from_server(text: str | bytes) -> None:
            kind = json.loads(text)["type"]
            if is_first and kind == "ack":
                route.close(code=4001)
            elif not (is_first and nonces):
                route.send(text)

        route.on_message(from_page)
        upstream.on_message(from_server)

    mara.page.route_web_socket(re.compile("/ws$"), cut_at_first_ack)
    mara.open().write("Once", name="Mara")
    for reader in (mara, jon):
        reader.sees([("Mara: Once", [])])
    assert len(nonces) == 2
    assert len(set(nonces)) == 1


def test_a_lost_frame_is_healed(new_reader: NewReader) -> None:
    mara, jon = new_reader().open(), new_reader()
    joins: list[str | None] = []
    lost: list[str] = []

    def lose_first_change(route: WebSocketRoute) -> None:
        upstream = route.connect_to_server()

        def from_page(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "join":
                joins.append(frame.get("since"))
            upstream.send(text)

        def from_server(text: str | bytes) -> None:
            if json.loads(text)["type"] == "changes" and not lost:
                lost.append(str(text))
            else:
                route.send(text)

        route.on_message(from_page)
        upstream.on_message(from_server)

    jon.page.route_web_socket(re.compile("/ws$"), lose_first_change)
    jon.open()
    mara.write("Lost on the way", name="Mara")
    mara.sees([("Mara: Lost on the way", [])])
    mara.write("Comes through")
    for reader in (mara, jon):
        reader.sees([("Mara: Comes through", []), ("Mara: Lost on the way", [])])
    assert len(lost) == 1
    assert len(joins) == 2
    assert joins[1] is not None


def test_hostile_text_is_text(new_reader: NewReader) -> None:
    mara = new_reader().open()
    jon = new_reader().open()
    mara.write(HOSTILE[0], name="<b onmouseover=window.harmed=1>M")
    for text in HOSTILE[1:]:
        mara.write(text)
    count = jon.page.locator("live-thread .count")
    expect(count).to_have_text(str(len(HOSTILE)))
    for reader in (mara, jon):
        reader.reload()
        expect(reader.comment("")).to_have_count(len(HOSTILE))
        shadow = 'document.querySelector("live-thread").shadowRoot'
        made = f"{shadow}.querySelectorAll('img, script, svg, iframe, b, [onmouseover]').length"
        assert reader.page.evaluate(made) == 0
        assert reader.page.evaluate("window.harmed") is None
    expect(jon.comment("onerror").locator("h3")).to_have_text(re.compile("^<b onmouseover"))


def test_a_hostile_token_tree_is_text(new_reader: NewReader) -> None:
    """Even a server that sends anything can't make the page run it."""
    rich = [
        {"t": "p", "c": [{"t": "a", "href": "javascript:window.harmed=1", "c": ["press me"]}]},
        {"t": "script", "text": "window.harmed=1"},
        {"t": "img", "src": "x", "onerror": "window.harmed=1", "c": ["picture"]},
        {"t": "constructor", "c": [{"t": "p", "c": "not a list", "text": "odd"}, None, 7]},
        {"t": "a", "href": "https://example.com/", "c": ["good"]},
    ]
    comment = {
        "id": 1,
        "seq": 1,
        "author": {"id": "u", "name": "Eve"},
        "body": "x",
        "rich": rich,
        "created": "2026-11-22T14:40:16.123Z",
        "state": "visible",
    }

    def serve(route: WebSocketRoute) -> None:
        def answer(text: str | bytes) -> None:
            frame = json.loads(text)
            user = {"id": "", "name": "", "role": "anonymous"}
            if frame["type"] == "hello":
                route.send(json.dumps({"type": "welcome", "session": "s", "user": user}))
            elif frame["type"] == "join":
                room = {"name": frame["room"], "state": "open", "comments": 1, "seq": 1}
                joined = {"type": "joined", "ref": frame["ref"], "room": room, "cursor": "e.1"}
                route.send(json.dumps({**joined, "mode": "snapshot", "comments": [comment]}))

        route.on_message(answer)

    reader = new_reader()
    reader.page.route_web_socket(re.compile("/ws$"), serve)
    reader.open()
    body = reader.comment("press me").locator(".body")
    body.get_by_text("press me").click()
    assert reader.page.evaluate("window.harmed") is None
    links = body.locator("a")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("href", "https://example.com/")
    expect(links).to_have_attribute("rel", "nofollow ugc noopener noreferrer")
    expect(body.locator("script, img")).to_have_count(0)
