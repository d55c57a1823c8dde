"""The big list of naughty strings in every text field, over a websocket and HTTP.

Each is refused with a typed error, or kept and given back as it was typed, in Unicode's form NFC;
pages and feeds show it as text.
"""

from __future__ import annotations

import http.client
import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import closing as closed
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from tests.conformance.packages import naughty_strings
from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.data import seed
from tests.system.peer import Peer, closing, command

Answer = dict[str, Any]

STRINGS = naughty_strings()
ANSWERS = {"ack", "error", "joined", "left", "page", "welcome"}
AT_ONCE = 100
ROOM_SIZE = 50
"""Comments in a room, so that its page and its feed show all."""
ATOM = "{http://www.w3.org/2005/Atom}"
FORMATTING = {"a", "blockquote", "br", "code", "del", "em", "li", "ol", "p", "pre", "strong", "ul"}
ATTRIBUTES = {"href", "rel", "start"}


@dataclass(frozen=True)
class Site:
    """A server, and the token of a bot that may do everything."""

    server: ServerProcess
    token: str

    async def ask(self, commands: Iterable[Answer], **hello: Any) -> list[Answer]:
        """The answers to these commands, in their order; each was answered once, by its ref."""
        given = list(commands)
        peer = await Peer.open(self.server.port)
        answers: dict[str, Answer] = {}
        with closing(peer):
            await peer.say(type="hello", version=1, **hello)
            await peer.hear("welcome")
            for start in range(0, len(given), AT_ONCE):
                part = range(start, min(start + AT_ONCE, len(given)))
                await peer.send(b"".join(command(ref=str(n), **given[n]) for n in part))
                for _ in part:
                    answer = await peer.hear(*ANSWERS)
                    assert answer["ref"] not in answers
                    answers[answer["ref"]] = answer
            await peer.ping()
        return [answers[str(number)] for number in range(len(given))]

    def get(self, paths: Iterable[str]) -> Iterator[str]:
        """What stands at these paths."""
        with closed(http.client.HTTPConnection("127.0.0.1", self.server.port)) as connection:
            for path in paths:
                connection.request("GET", path)
                answer = connection.getresponse()
                text = answer.read().decode()
                assert answer.status == 200, (path, text)
                yield text


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """At the end it lives and has logged nothing wrong."""
    directory = tmp_path_factory.mktemp("naughty")
    seeded = seed(directory / "data")
    bounds = {"page_roots": ROOM_SIZE, "max_subscriptions": len(STRINGS)}
    with serving(directory, **UNLIMITED, **bounds) as server:
        yield Site(server, seeded.all_token)
        assert server.terminate() == 0
        log = server.log.read_text()
    assert "Traceback" not in log, log[-3000:]
    assert '"level": "error"' not in log, log[-3000:]


def refused(answers: Iterable[Answer]) -> list[Answer]:
    """Those that are errors, all of them typed and in words."""
    found = [answer for answer in answers if answer["type"] == "error"]
    for answer in found:
        assert answer["code"] in {"bad_frame", "rejected", "unauthorized", "too_large"}, answer
        assert answer["message"]
        assert not answer["retryable"]
    return found


def as_typed(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def loses_in_body(text: str) -> bool:
    """Whether it has an override of direction, a mark without a base or one past the fourth."""
    marks = 4  # none may come first
    for char in unicodedata.normalize("NFC", text):
        category = unicodedata.category(char)
        if char in "\u202d\u202e":
            return True
        if category in {"Mn", "Me"}:
            marks += 1
            if marks > 4:
                return True
        elif char.isspace():
            marks = 4
        elif category != "Cf":
            marks = 0
    return False


def loses_in_name(text: str) -> bool:
    """The same, and what can't be seen: format characters, private ones, more than one space."""
    unseen = any(unicodedata.category(char) in {"Cf", "Co"} for char in text)
    return (
        loses_in_body(text) or unseen or re.search(r"\s\s|[^\S ]|[\ufe0e\ufe0f]", text) is not None
    )


class Shown(HTMLParser):
    """The comments on a page, by id: who wrote them, their text, the elements in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: dict[int, str] = {}
        self.bodies: dict[int, str] = {}
        self.title = ""
        self._id = 0
        self._within: list[str] = []
        self.feed(page)
        self.close()
        assert self._within == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag not in {"meta", "link", "br", "hr"}:
            self._within.append("body" if given.get("class") == "body" else tag)
        if tag == "article":
            self._id = int(str(given["id"]).removeprefix("comment-"))
            self.names[self._id] = self.bodies[self._id] = ""
        if "body" in self._within[2:-1] or (tag == "br" and "body" in self._within[2:]):
            is_formatting(tag, given)
            self.bodies[self._id] += "\n" if tag == "br" else ""
        if given.get("class") != "body":
            assert not any(name.startswith("on") or name == "style" for name in given), given

    def handle_endtag(self, tag: str) -> None:
        assert self._within.pop() in {tag, "body"}

    def handle_data(self, data: str) -> None:
        if "body" in self._within[2:]:
            self.bodies[self._id] += data
        elif "bdi" in self._within:
            self.names[self._id] += data
        elif self._within[-1:] == ["h1"]:
            self.title += data


def is_formatting(tag: str, attributes: dict[str, str | None]) -> None:
    """An element that Markdown makes, and a link that leads where links may."""
    assert tag in FORMATTING, tag
    assert attributes.keys() <= ATTRIBUTES, attributes
    href = attributes.get("href")
    assert href is None or re.match(r"(?:https?://|mailto:)", href), href


class Text(HTMLParser):
    """The text of a feed's entry; fails on whatever is no formatting."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        is_formatting(tag, dict(attributes))
        self.text += "\n" if tag == "br" else ""

    def handle_data(self, data: str) -> None:
        self.text += data


def is_shown(site: Site, comments: Iterable[tuple[str, Answer]]) -> None:
    """On the rooms' pages and in their feeds, with their names and, as they are, their texts.

    Where Markdown makes something of a text, what it makes is only formatting.
    """
    rooms: dict[str, dict[int, Answer]] = {}
    for room, comment in comments:
        rooms.setdefault(room, {})[comment["id"]] = comment
    pages = site.get(f"/rooms/{quote(room)}" for room in rooms)
    feeds = site.get(f"/feeds/{quote(room)}" for room in rooms)
    for found, page, feed in zip(rooms.values(), pages, feeds, strict=True):
        shown = Shown(page)
        entries = {
            int(str(entry.findtext(f"{ATOM}id")).rpartition(":")[2]): entry
            for entry in ET.fromstring(feed).iter(f"{ATOM}entry")
        }
        assert shown.bodies.keys() == entries.keys() == found.keys()
        for id, comment in found.items():
            name, entry = comment["author"]["name"], entries[id]
            text = Text(str(entry.findtext(f"{ATOM}content"))).text
            assert shown.names[id] == entry.findtext(f"{ATOM}author/{ATOM}name") == name
            if "rich" not in comment:
                for seen in (shown.bodies[id], text):
                    assert "".join(seen.split()) == "".join(comment["body"].split())


async def test_each_body_is_kept_as_typed_and_shown_as_text(site: Site) -> None:
    rooms = [f"bodies/{number // ROOM_SIZE}" for number in range(len(STRINGS))]
    posts = [
        {"type": "post", "room": room, "nonce": f"body-{number:04}", "body": text}
        for number, (room, text) in enumerate(zip(rooms, STRINGS, strict=True))
    ]
    answers = await site.ask(posts, token=site.token)
    kept = 0
    for text, answer in zip(STRINGS, answers, strict=True):
        if answer["type"] == "ack" and not loses_in_body(text):
            assert answer["comment"]["body"] == as_typed(text)
            kept += 1
    assert len(refused(answers)) <= 12
    assert kept >= 465
    acks = [(room, a["comment"]) for room, a in zip(rooms, answers, strict=True) if "comment" in a]
    is_shown(site, acks)
    edits = [
        {"type": "edit", "nonce": f"edit-{n:04}", "comment": comment["id"], "room": room}
        | {"body": comment["body"]}
        for n, (room, comment) in enumerate(acks)
    ]
    for (_, comment), answer in zip(acks, await site.ask(edits, token=site.token), strict=True):
        assert answer["comment"]["body"] == comment["body"]
        assert answer["comment"].get("rich") == comment.get("rich")


async def test_each_name_is_kept_as_typed_and_shown_as_text(site: Site) -> None:
    asked: list[Answer] = []
    for number, text in enumerate(STRINGS):
        post = {"room": f"names/{number // ROOM_SIZE}", "nonce": f"name-{number:04}", "body": "x"}
        asked += [{"type": "renew", "guest": {"name": text}}, {"type": "post", **post}]
    answers = await site.ask(asked, guest={"name": "Nobody"})
    comments, kept = [], 0
    for text, renewed, post, ack in zip(
        STRINGS, answers[::2], asked[1::2], answers[1::2], strict=True
    ):
        comments.append((post["room"], ack["comment"]))
        if renewed["type"] == "welcome":
            assert ack["comment"]["author"]["name"] == renewed["user"]["name"]
            if not loses_in_name(text):
                assert renewed["user"]["name"] == as_typed(text)
                kept += 1
    refused(answers)
    assert kept >= 230
    is_shown(site, comments)


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
async def test_title_and_room_is_kept_as_typed_and_shown_as_text(site: Site, step: int) -> None:
    joined = await site.ask({"type": "join", "room": text} for text in STRINGS)
    rooms = []
    for number, (text, answer) in enumerate(zip(STRINGS, joined, strict=True)):
        if answer["type"] == "joined":
            assert answer["room"]["name"] == text
        rooms.append(text if answer["type"] == "joined" else f"titles/{number}")
    assert len(refused(joined)) <= 330
    configured = await site.ask(
        (
            {"type": "configure", "room": room, "nonce": f"title-{step}-{number:04}", "title": text}
            for number, (room, text) in enumerate(zip(rooms, STRINGS, strict=True))
        ),
        token=site.token,
    )
    assert len(refused(configured)) <= 15
    pages = site.get(f"/rooms/{quote(room)}" for room in rooms[::step])
    feeds = site.get(f"/feeds/{quote(room)}" for room in rooms[::step])
    shown = zip(STRINGS[::step], rooms[::step], configured[::step], pages, feeds, strict=True)
    for text, room, answer, page, feed in shown:
        title = Shown(page).title
        assert ET.fromstring(feed).findtext(f"{ATOM}title") == f"Comments: {title}"
        if answer["type"] == "error":
            assert title == room
        elif not loses_in_body(text):
            assert title == (" ".join(as_typed(text).split()) or room)


async def test_each_report_is_kept_as_typed(site: Site) -> None:
    posts = (
        {"type": "post", "room": "reports", "nonce": f"r-{n:07}", "body": "x"} for n in range(485)
    )
    ids = [ack["comment"]["id"] for ack in await site.ask(posts, token=site.token)]
    answers = await site.ask(
        (
            {"type": "report", "room": "reports", "comment": id, "reason": "other", "text": text}
            for id, text in zip(ids, STRINGS, strict=True)
        ),
        token=site.token,
    )
    with closed(sqlite3.connect(site.server.data_dir / "livethread.db")) as database:
        kept = dict(database.execute("SELECT comment_id, text FROM reports").fetchall())
    assert len(refused(answers)) <= 12
    for id, text, answer in zip(ids, STRINGS, answers, strict=True):
        assert (answer["type"] == "error") is (id not in kept)
        if id in kept and not loses_in_body(text):
            assert kept[id] == as_typed(text)


async def test_each_ref_comes_back_or_is_refused(site: Site) -> None:
    peer = await Peer.speaking(site.server.port)
    with closing(peer):
        for text in STRINGS:
            await peer.say(type="leave", room="refs", ref=text)
            answer = await peer.hear("left", "error")
            if answer["type"] == "left":
                assert answer["ref"] == text
            else:
                refused([answer])
                assert answer["field"] == "ref"
                assert answer.get("ref") in {text, None}


@pytest.mark.parametrize(
    ("kind", "field", "fields"),
    [
        ("post", "nonce", {"room": "a", "body": "x"}),
        ("join", "since", {"room": "a"}),
        ("join", "order", {"room": "a"}),
        ("page", "after", {"room": "bodies/0"}),
        ("react", "reaction", {"room": "bodies/0", "comment": 1, "on": True}),
        ("report", "reason", {"room": "bodies/0", "comment": 1}),
        ("renew", "token", {}),
        ("moderate", "action", {"room": "bodies/0", "nonce": "moderate-1", "comment": 1}),
        ("configure", "state", {"room": "a", "nonce": "configure-1"}),
    ],
)
async def test_each_string_elsewhere_is_refused_with_a_typed_error(
    site: Site, kind: str, field: str, fields: Answer
) -> None:
    answers = await site.ask(
        ({"type": kind, field: text, **fields} for text in STRINGS), token=site.token
    )
    assert len(refused(answers)) >= len(STRINGS) - 12  # a nonce may be a word


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_string_over_http_is_kept_as_typed_or_refused(site: Site, step: int) -> None:
    headers = {"Authorization": f"Bearer {site.token}", "Content-Type": "application/json"}
    with closed(http.client.HTTPConnection("127.0.0.1", site.server.port)) as connection:

        def ask(method: str, path: str, body: Answer | None = None, **more: str) -> tuple[int, Any]:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, headers | more)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

        for number, text in enumerate(STRINGS[::step]):
            key = {"Idempotency-Key": f"http-{step}-{number:04}"}
            status, found = ask("POST", "/api/v1/rooms/http/comments", {"body": text}, **key)
            assert status in {201, 422}, found
            if status == 201 and not loses_in_body(text):
                assert found["comment"]["body"] == as_typed(text)
            status, found = ask("GET", f"/api/v1/rooms/{quote(text, safe='')}/comments")
            assert status in {200, 404, 422}, (text, found)
            assert "code" in found if status != 200 else found["room"] == text
