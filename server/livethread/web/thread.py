"""A room's comments as HTML: the thread as the widget shows it, readable without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from livethread.render.html import to_html
from livethread.site import name_of
from livethread.web.layout import document, feed_url, room_url
from livethread.web.markup import Html, element

MAX_INDENT: Final = 4
GONE: Mapping[str, str] = MappingProxyType(
    {
        "deleted": "Comment removed by its author.",
        "removed": "Comment removed by a moderator.",
        "hidden": "This comment is no longer available.",
    }
)
_BADGES: Mapping[str, str] = MappingProxyType({"bot": "Bot", "staff": "Staff"})


def thread_page(room: Mapping[str, Any], reply: Mapping[str, Any], thread: int | None) -> bytes:
    """The page for a room (``frames.Room``) and a page of it (``frames.PageReply``).

    The room's name is its key, which has its site in it. With ``thread`` it is the rest of the
    replies below that root.
    """
    name = room["name"]
    title = room.get("title") or name_of(name)
    comments = reply["comments"]
    content = _list(comments, reply.get("more", {}), name, thread) if comments else None
    if content is None:
        content = element("p", "No comments yet.", class_="note")
    back = element("p", element("a", "All comments", href=room_url(name))) if thread else None
    closed = element("p", "Comments are closed.", class_="note")
    links = element("link", rel="alternate", type="application/atom+xml", href=feed_url(name))
    return document(
        f"Comments: {title}",
        element("p", "Discussion", class_="kicker"),
        element("h1", title, dir="auto"),
        back,
        element(
            "section",
            element(
                "h2",
                "Comments ",
                element("span", f"{room['comments']:,}", class_="count"),
                id="comments",
            ),
            closed if room["state"] != "open" else None,
            content,
            _next(reply.get("next"), name, thread),
            aria_labelledby="comments",
        ),
        head=links,
    )


def _list(
    comments: Sequence[Mapping[str, Any]], more: Mapping[str, str], room: str, thread: int | None
) -> Html:
    """Nested lists of parents and children; who is nested too deep stands flat, "to Jon"."""
    names = {c["id"]: c["author"]["name"] if "author" in c else None for c in comments}
    tops: list[Mapping[str, Any]] = []
    below: dict[int, list[Mapping[str, Any]]] = {}
    depths: dict[int, int] = {}
    places: dict[int, int] = {}  # the comment in whose list an answer to this one stands
    for comment in comments:
        id, parent = comment["id"], comment.get("parent")
        if parent in depths:
            place = places[parent]
            below.setdefault(place, []).append(comment)
            depths[id] = depths[place] + 1
            places[id] = id if depths[id] < MAX_INDENT else place
        else:
            tops.append(comment)
            depths[id], places[id] = 0, id

    def item(comment: Mapping[str, Any]) -> Html:
        id, parent = comment["id"], comment.get("parent")
        replies = [item(reply) for reply in below.get(id, ())]
        token = more.get(str(id))
        if token is not None:
            url = room_url(room, thread=id, after=token)
            link = element("a", "Show more replies", href=url)
            replies.append(element("li", link, class_="load"))
        is_flat = parent in places and places[parent] != parent
        is_cut = thread is not None and parent not in depths
        to = names.get(parent) if parent is not None and is_flat else None
        return element(
            "li",
            _article(comment, to, room if is_cut else None),
            element("ol", *replies, class_="replies") if replies else None,
            class_="item",
        )

    return element("ol", *map(item, tops), class_="roots")


def _article(comment: Mapping[str, Any], to: str | None, room: str | None) -> Html:
    id = comment["id"]
    author = comment.get("author")
    by = f"by-{id}"
    time = element("time", _moment(comment["created"]), datetime=comment["created"])
    if author is None:
        heading = element("h3", GONE.get(comment["state"], GONE["hidden"]), id=by)
        link = element("a", time, class_="meta", href=f"#comment-{id}")
        head = element("div", heading, link, class_="by")
        return element("article", head, id=f"comment-{id}", class_="gone", aria_labelledby=by)
    badge = author.get("badge")
    head = element(
        "div",
        element("span", author["name"][:1].upper(), class_="avatar", aria_hidden="true"),
        element(
            "div",
            element("h3", element("bdi", author["name"]), id=by),
            element("span", _BADGES[badge], class_=f"tag {badge}") if badge in _BADGES else None,
            element("span", "to ", element("bdi", to), class_="meta") if to else None,
            element("a", time, class_="meta", href=f"#comment-{id}"),
            element("span", "edited", class_="meta") if "edited" in comment else None,
            _in_reply(comment.get("parent"), room),
            class_="by",
        ),
        class_="head",
    )
    body = element(
        "div", Html(to_html(comment.get("rich"), comment["body"])), class_="body", dir="auto"
    )
    text = element("div", body, _reactions(comment.get("reactions")), class_="text")
    return element("article", head, text, id=f"comment-{id}", aria_labelledby=by)


def _in_reply(parent: int | None, room: str | None) -> Html | None:
    if parent is None or room is None:
        return None
    link = element("a", f"{parent}", href=f"{room_url(room)}#comment-{parent}")
    return element("span", "in reply to ", link, class_="meta")


def _reactions(reactions: Mapping[str, int] | None) -> Html | None:
    if not reactions:
        return None
    counts = [f"{'♡' if name == 'like' else name} {n}" for name, n in reactions.items()]
    return element("p", " · ".join(counts), class_="meta")


def _next(token: str | None, room: str, thread: int | None) -> Html | None:
    if token is None:
        return None
    url = room_url(room, after=token)
    if thread is not None:
        url = room_url(room, thread=thread, after=token)
    words = "Show more comments" if thread is None else "Show more replies"
    link = element("a", words, rel="next", href=url)
    return element("nav", link, aria_label="Pages", class_="load")


def _moment(rfc3339: str) -> str:
    moment = datetime.fromisoformat(rfc3339)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
