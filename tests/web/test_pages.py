"""Pages and feeds without JavaScript."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from livethread.web.layout import room_url
from livethread.web.thread import thread_page
from tests.web.site import ROOM, ROOMS, Site, a_site

PAGE = f"/rooms/{ROOM}"
VOID = {"meta", "link", "br", "hr"}
HOSTILE = (
    "<script>canary()</script>",
    "<img src=x onerror=canary()>",
    '"><svg onload=canary()>',
    "'><a href='javascript:canary()'>x</a>",
    "[x](javascript:canary())",
    "[x](data:text/html,canary)",
    "![x](https://evil.example/x.png)",
    "<https://ok.example/\"onmouseover='canary()'>",
    "```\n</code></pre><script>canary()</script>\n```",
    "&lt;script&gt;canary()&lt;/script&gt;",
    "</div></article></ol><h1>canary</h1>",
    "<!-- canary -->",
    "]]><script>canary()</script>",
    "<style>*{display:none}</style>",
    "<base href=//evil.example><form action=//evil.example><input>",
)


class Tree(HTMLParser):
    """A page's elements; fails where they don't nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]

    @property
    def text(self) -> str:
        return " ".join(self.texts)


async def read(site: Site, path: str = PAGE) -> Tree:
    answer = await site.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Tree(answer.text)


def assert_harmless(tree: Tree) -> None:
    allowed = {
        *("html", "head", "meta", "title", "link", "body", "main", "h1", "h2", "h3", "section"),
        *("ol", "ul", "li", "article", "div", "span", "bdi", "a", "time", "p", "nav", "br"),
        *("em", "strong", "del", "code", "pre", "blockquote"),
    }
    for tag, attributes in tree.found:
        assert tag in allowed
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        href = attributes.get("href") or ""
        assert href.startswith(("https://", "http://", "/", "#")) or not href


async def test_an_empty_room_says_so(site: Site) -> None:
    tree = await read(site)
    assert "No comments yet." in tree.text
    assert tree.all("h1")
    assert tree.all("h2") == [{"id": "comments"}]


async def test_hostile_text_stays_text(site: Site) -> None:
    for text in HOSTILE:
        guest = await site.guest(text[:40])
        await site.post(guest, text)
    tree = await read(site)
    assert_harmless(tree)
    assert len(tree.all("article")) == len(HOSTILE)
    assert HOSTILE[0] in tree.texts


async def test_a_hostile_title_stays_text() -> None:
    for text in HOSTILE:
        room = {"name": text, "title": text, "state": "open", "comments": 0}
        assert_harmless(Tree(thread_page(room, {"comments": []}, None).decode()))


async def test_replies_stand_in_their_parents_lists_to_a_depth_then_flat(site: Site) -> None:
    guest = await site.guest()
    parent = None
    for number in range(8):
        more: dict[str, Any] = {} if parent is None else {"parent": parent}
        parent = (await site.post(guest, f"level {number}", **more))["id"]
    tree = await read(site)
    assert len(tree.all("article")) == 8
    assert len([a for a in tree.all("ol") if a.get("class") == "replies"]) == 4
    assert tree.texts.count("to ") == 3


async def test_a_comment_has_its_author_time_and_permalink(site: Site) -> None:
    guest = await site.guest("Mara")
    comment = await site.post(guest, "Hello *there*")
    like = {"comment": 1, "reaction": "like", "on": True}
    await site.client.post(f"{ROOMS}/{ROOM}/reactions", json=like, headers=guest)
    tree = await read(site)
    assert tree.all("article") == [{"id": "comment-1", "aria-labelledby": "by-1"}]
    assert tree.all("h3") == [{"id": "by-1"}]
    assert tree.all("time") == [{"datetime": comment["created"]}]
    assert {"class": "meta", "href": "#comment-1"} in tree.all("a")
    assert "Mara" in tree.texts
    assert "there" in tree.texts
    assert "♡ 1" in tree.texts


async def test_a_deleted_comment_leaves_words_and_nothing_else(site: Site) -> None:
    guest = await site.guest("Canary")
    await site.post(guest, "canary")
    await site.client.delete(f"{ROOMS}/{ROOM}/comments/1", headers=guest)
    answer = await site.client.get(PAGE)
    assert "Comment removed by its author." in answer.text
    assert "anary" not in answer.text


async def test_pages_and_long_threads_go_on_by_links(tmp_path: Path) -> None:
    async with a_site(tmp_path, page_roots=2, page_replies=2) as site:
        guest = await site.guest()
        for number in range(3):
            await site.post(guest, f"root {number}")
        for number in range(5):
            await site.post(guest, f"reply {number}", parent=1)
        seen: list[str] = []
        waiting, visited = [PAGE], set()
        while waiting:
            path = waiting.pop(0)
            visited.add(path)
            tree = await read(site, path)
            seen += [text for text in tree.texts if text.startswith(("root", "reply"))]
            waiting += [
                href
                for link in tree.all("a")
                if (href := link["href"]) and "?" in href and href not in visited
            ]
        assert sorted(seen) == [*(f"reply {n}" for n in range(5)), *(f"root {n}" for n in range(3))]


async def test_a_page_is_asked_for_again_only_when_the_room_has_changed(site: Site) -> None:
    guest = await site.guest()
    await site.post(guest, "one")
    for path in (PAGE, f"/feeds/{ROOM}"):
        first = await site.client.get(path)
        assert first.headers["cache-control"] == "no-cache"
        known = {"If-None-Match": first.headers["etag"]}
        unchanged = await site.client.get(path, headers=known)
        assert unchanged.status_code == 304
        # Chromium puts a 304's policy in the place of the cached page's.
        assert "content-security-policy" not in unchanged.headers
    closed = {"state": "closed"}
    await site.client.patch("/api/v1/rules", json=closed, headers=await site.bot("moderate"))
    shut = await site.client.get(PAGE, headers=known)
    assert shut.status_code == 200
    assert "closed" in shut.text
    known = {"If-None-Match": shut.headers["etag"]}
    edited = {"body": "two"}
    await site.client.patch(
        f"{ROOMS}/{ROOM}", json={"state": "open"}, headers=await site.bot("moderate")
    )
    await site.client.patch(f"{ROOMS}/{ROOM}/comments/1", json=edited, headers=guest)
    again = await site.client.get(PAGE, headers=known)
    assert again.status_code == 200
    assert "two" in again.text


@pytest.mark.parametrize("name", ["ä/ö", "a&b", "a'b", 'a"b', "<b>", "100%", "50%25", "a+b;c=d"])
async def test_any_rooms_page_and_feed_link_to_each_other(site: Site, name: str) -> None:
    await site.client.get("/")
    tree = await read(site, room_url(name))
    (link,) = [link for link in tree.all("link") if link["rel"] == "alternate"]
    assert link["type"] == "application/atom+xml"
    answer = await site.client.get(str(link["href"]))
    assert answer.status_code == 200
    feed = ET.fromstring(answer.content)
    page = [
        element.get("href")
        for element in feed.iter("{http://www.w3.org/2005/Atom}link")
        if element.get("rel") == "alternate"
    ]
    assert page == [f"http://talk.test{room_url(name)}"]
    assert name in tree.texts


async def test_a_feed_holds_what_is_visible_newest_first(site: Site) -> None:
    guest = await site.guest("Mara & Jon")
    for text in ("one", HOSTILE[0], "three"):
        await site.post(guest, text)
    await site.client.delete(f"{ROOMS}/{ROOM}/comments/3", headers=guest)
    answer = await site.client.get(f"/feeds/{ROOM}")
    assert answer.headers["content-type"] == "application/atom+xml"
    atom = "{http://www.w3.org/2005/Atom}"
    entries = ET.fromstring(answer.content).findall(f"{atom}entry")
    contents = [entry.findtext(f"{atom}content") or "" for entry in entries]
    assert contents == [f"<p>{'&lt;script&gt;canary()&lt;/script&gt;'}</p>", "<p>one</p>"]
    assert entries[0].findtext(f"{atom}author/{atom}name") == "Mara & Jon"
    for required in ("id", "title", "updated"):
        assert entries[0].findtext(f"{atom}{required}")


async def test_a_feed_lists_a_comment_once_and_is_bounded_in_bytes(tmp_path: Path) -> None:
    async with a_site(tmp_path, page_bytes=9_000) as site:
        guest = await site.guest()
        for number in range(5):
            await site.post(guest, f"{number} " + "x" * 4_000)
        like = {"comment": 5, "reaction": "like", "on": True}
        await site.client.post(f"{ROOMS}/{ROOM}/reactions", json=like, headers=guest)
        answer = await site.client.get(f"/feeds/{ROOM}")
    entries = ET.fromstring(answer.content).findall("{http://www.w3.org/2005/Atom}entry")
    contents = [entry.findtext("{http://www.w3.org/2005/Atom}content") or "" for entry in entries]
    assert [text[:5] for text in contents] == ["<p>4 ", "<p>3 "]


async def test_the_start_page_leads_to_the_demo_and_the_docs(site: Site) -> None:
    links = [link["href"] for link in (await read(site, "/")).all("a")]
    assert links == ["/demo/bridge", "/gallery", "/docs"]
    for link in links:
        assert (await site.client.get(str(link))).status_code == 200


async def test_a_server_without_a_demo_says_so(tmp_path: Path) -> None:
    static = tmp_path / "static"
    static.mkdir()
    async with a_site(tmp_path, static) as site:
        assert "no demo" in (await site.client.get("/demo/bridge")).text


async def test_the_pages_stylesheet_is_css(site: Site) -> None:
    answer = await site.client.get("/pages.css")
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
