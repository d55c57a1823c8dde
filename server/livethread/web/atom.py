"""A room's newest comments as an Atom feed (RFC 4287)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from livethread.render.html import to_html
from livethread.site import name_of
from livethread.web.layout import feed_url, room_url

NAMESPACE = "http://www.w3.org/2005/Atom"
MEDIA_TYPE = "application/atom+xml"
_NEVER = "1970-01-01T00:00:00Z"

ET.register_namespace("", NAMESPACE)


def atom_feed(
    base_url: str, room: Mapping[str, Any], epoch: str, comments: Sequence[Mapping[str, Any]]
) -> bytes:
    """The feed of a room (``frames.Room``) and visible comments (``frames.Comment``), as given.

    The room's name is its key, which has its site in it.

    ``base_url`` is the server's own address without a slash at its end.
    """
    name = room["name"]
    title = room.get("title") or name_of(name)
    urn = f"urn:livethread:{epoch}:{quote(name_of(name), safe='')}"
    page = f"{base_url}{room_url(name)}"
    feed = ET.Element(_tag("feed"))
    _add(feed, "id", urn)
    _add(feed, "title", f"Comments: {title}")
    _add(feed, "updated", max((_updated(comment) for comment in comments), default=_NEVER))
    _add(feed, "link", rel="self", type=MEDIA_TYPE, href=f"{base_url}{feed_url(name)}")
    _add(feed, "link", rel="alternate", type="text/html", href=page)
    for comment in comments:
        author = comment["author"]["name"]
        entry = ET.SubElement(feed, _tag("entry"))
        _add(entry, "id", f"{urn}:{comment['id']}")
        _add(entry, "title", f"{author} on {title}")
        _add(entry, "published", comment["created"])
        _add(entry, "updated", _updated(comment))
        _add(
            entry, "link", rel="alternate", type="text/html", href=f"{page}#comment-{comment['id']}"
        )
        _add(ET.SubElement(entry, _tag("author")), "name", author)
        _add(entry, "content", to_html(comment.get("rich"), comment["body"]), type="html")
    document: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return document


def _updated(comment: Mapping[str, Any]) -> str:
    updated: str = comment.get("edited", comment["created"])
    return updated


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> None:
    ET.SubElement(parent, _tag(tag), attributes).text = text


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
