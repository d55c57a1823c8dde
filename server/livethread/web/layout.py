"""What all pages share: the document around them, their stylesheet, their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from starlette.responses import Response

from livethread.model import RoomName
from livethread.site import DEFAULT, name_of, site_of
from livethread.web.files import REVALIDATED, File
from livethread.web.markup import Html, element, fragment

STYLESHEET: Final = File.of((Path(__file__).parent / "pages.css").read_bytes(), ".css")


def room_url(key: str, **query: str | int) -> str:
    """The page of a room, given by its key, so that a site's links stay on the site."""
    return f"/rooms/{_below(key, query)}"


def feed_url(key: str) -> str:
    return f"/feeds/{_below(key, {})}"


def _below(key: str, query: Mapping[str, str | int]) -> str:
    site = site_of(RoomName(key))
    given = query if site == DEFAULT else {"site": site, **query}
    return quote(name_of(key)) + (f"?{urlencode(given)}" if given else "")


def document(title: str, *content: str | None, head: Html | None = None) -> bytes:
    """A whole page; it needs no script and says so by having none."""
    return fragment(
        Html("<!doctype html>"),
        element(
            "html",
            element(
                "head",
                element("meta", charset="utf-8"),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("meta", name="color-scheme", content="light dark"),
                element("title", title),
                element("link", rel="icon", href="/static/icon.svg"),
                element("link", rel="stylesheet", href="/pages.css"),
                head,
            ),
            element("body", element("main", *content)),
            lang="en",
        ),
    ).encode()


def page(body: bytes, etag: str | None = None, *, media_type: str = "text/html") -> Response:
    """A page that a browser keeps and asks about each time."""
    headers = {"Cache-Control": REVALIDATED}
    if etag is not None:
        headers["ETag"] = etag
    return Response(body, headers=headers, media_type=media_type)
