"""The pages that a reader opens: the start, the demo, a room's thread, its feed, the API's page."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from livethread import __version__
from livethread.model import Audience, Comment, CommentState, Room
from livethread.protocol import commands, text
from livethread.views import comment_json, room_json
from livethread.web.api import description_of
from livethread.web.atom import MEDIA_TYPE, atom_feed
from livethread.web.caller import AnyGateway, Visitor
from livethread.web.files import REVALIDATED, Files, is_known
from livethread.web.layout import STYLESHEET, document, page
from livethread.web.markup import element
from livethread.web.reference import reference_page
from livethread.web.thread import thread_page

FEED_CHANGES = 100
FEED_ENTRIES = 50

router = APIRouter(include_in_schema=False)


@router.get("/")
async def start() -> Response:
    """What this is, and where to go."""
    snippet = '<script type="module" src="…/embed.js"></script>\n<live-thread></live-thread>'
    return page(
        document(
            "Livethread",
            element("p", "A self-hosted discussion server", class_="kicker"),
            element("h1", "Livethread"),
            element("p", "Comments below your articles that appear as they are written."),
            element("pre", element("code", snippet)),
            element(
                "ul",
                element("li", element("a", "A demo article", href="/demo/bridge")),
                element("li", element("a", "The thread in all its states", href="/gallery")),
                element("li", element("a", "The HTTP interface", href="/docs")),
                class_="links",
            ),
        )
    )


@router.get("/pages.css")
async def stylesheet(request: Request) -> Response:
    return STYLESHEET.respond(request, cache=REVALIDATED)


@router.get("/demo/{name}")
async def demo(name: str, request: Request) -> Response:
    """A sample article with its own discussion, under any name."""
    files: Files = request.app.state.files
    article = files.get("demo.html")
    if article is not None:
        return article.respond(request, cache=REVALIDATED)
    return page(document("Demo", element("h1", "Demo"), element("p", "There is no demo here.")))


@router.get("/gallery")
async def gallery(request: Request) -> Response:
    """The thread in all its states, without a discussion behind it."""
    files: Files = request.app.state.files
    sheet = files.get("gallery.html")
    if sheet is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return sheet.respond(request, cache=REVALIDATED)


@router.get("/docs")
async def reference(request: Request) -> Response:
    """The HTTP interface, made from its OpenAPI description."""
    return page(reference_page(await description_of(request)))


@router.get("/rooms/{room:path}")
async def thread(
    room: text.RoomName,
    request: Request,
    gateway: AnyGateway,
    visitor: Visitor,
    after: commands.PageToken | None = None,
    thread: Annotated[commands.CommentId | None, Query()] = None,
) -> Response:
    """The room's comments, readable without JavaScript."""
    visitor.identity.require("read", room)
    found = await gateway.services.store.room(visitor.key_of(room))
    etag = _tag(found)
    if is_known(request, etag):
        return _unchanged(etag)
    command = commands.Page(room=room, parent=thread, after=after)
    reply = await visitor.ask(command)
    assert isinstance(reply, dict)
    return page(thread_page(_room(found), reply, thread), etag)


@router.get("/feeds/{room:path}")
async def feed(
    room: text.RoomName, request: Request, gateway: AnyGateway, visitor: Visitor
) -> Response:
    """The room's newest comments for feed readers."""
    visitor.identity.require("read", room)
    store = gateway.services.store
    found = await store.room(visitor.key_of(room))
    etag = _tag(found)
    if is_known(request, etag):
        return _unchanged(etag)
    since = max(0, found.seq - FEED_CHANGES)
    changed = await store.changes(found.name, since, limit=FEED_CHANGES)
    known = {change.comment.id: change.comment for change in changed.changes if change.comment}
    newest = _newest(known.values(), gateway.settings.page_bytes)
    base_url = gateway.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    body = atom_feed(base_url, _room(found), found.epoch, newest)
    return page(body, etag, media_type=MEDIA_TYPE)


def _newest(comments: Iterable[Comment], max_bytes: int) -> list[dict[str, Any]]:
    """Those everyone can see, as far as their words go into ``max_bytes``; one at least."""
    shown: list[dict[str, Any]] = []
    left = max_bytes
    for comment in sorted(comments, key=lambda comment: -comment.id)[:FEED_ENTRIES]:
        if comment.state is not CommentState.VISIBLE:
            continue
        left -= len(comment.body.encode())
        if left < 0 and shown:
            break
        shown.append(comment_json(comment, Audience.PUBLIC))
    return shown


def _room(room: Room) -> dict[str, Any]:
    return {**room_json(room), "name": room.name}


def _tag(room: Room) -> str:
    """What a page shows changes with the room's seq, its site's rules and the program."""
    return f'W/"{room.epoch}.{room.seq}.{room.state}-{__version__}-{STYLESHEET.tag}"'


def _unchanged(etag: str) -> Response:
    headers = {"ETag": etag, "Cache-Control": REVALIDATED}
    return Response(None, HTTPStatus.NOT_MODIFIED, headers)
