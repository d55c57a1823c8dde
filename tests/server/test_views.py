from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from pydantic_core import from_json, to_json

from livethread.model import (
    Audience,
    Author,
    Change,
    Comment,
    CommentId,
    CommentState,
    Page,
    Room,
    RoomName,
    RoomRules,
)
from livethread.protocol import frames
from livethread.views import comment_json, entry_of, is_known_to, page_json, room_json, timestamp

BODY = "canary-in-the-body"
RICH = "canary-in-the-rich"
NAME = "canary-in-the-name"
AVATAR = "https://site.example/canary-in-the-avatar.png"
AUTHOR = "g:canary-in-the-id"
CANARIES = (BODY, RICH, NAME, AVATAR, AUTHOR, "edited", "like", "pinned")

ROOM = Room(RoomName("a"), "k3", 9, "Title", comments=1)
FULL = Comment(
    id=CommentId(4),
    seq=7,
    parent=CommentId(2),
    root=CommentId(1),
    author=Author(AUTHOR, NAME, AVATAR, "staff"),
    body=BODY,
    rich=to_json([{"t": "pre", "text": RICH}]).decode(),
    created_ms=1_795_358_416_123,
    edited_ms=1_795_358_500_000,
    state=CommentState.VISIBLE,
    was_public=True,
    pinned=True,
    reactions='{"like":3}',
    replies=2,
)
BARE = replace(
    FULL,
    parent=None,
    author=Author("g:1", "Mara"),
    rich=None,
    edited_ms=None,
    pinned=False,
    reactions=None,
    replies=0,
)

CASES = list(product(CommentState, (True, False)))
SHOWN = {
    Audience.PUBLIC: {CommentState.VISIBLE},
    Audience.STAFF: {CommentState.VISIBLE, CommentState.HELD, CommentState.HIDDEN},
}


def found(data: bytes | None) -> list[str]:
    return [canary for canary in CANARIES if canary.encode() in (data or b"")]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{'seen' if case[1] else 'unseen'}")
def comment(request: pytest.FixtureRequest) -> Comment:
    """A comment in each state, seen by the public or not, every field full."""
    state, was_public = request.param
    return replace(FULL, state=state, was_public=was_public)


def test_an_entry_shows_each_audience_what_it_may_see_and_no_more(comment: Comment) -> None:
    entry = entry_of(Change(comment.seq, comment))
    assert (entry.seq, entry.key) == (7, 4)
    is_visible = comment.state in SHOWN[Audience.PUBLIC]
    assert found(entry.public) == (list(CANARIES) if is_visible else [])
    is_shown = comment.state in SHOWN[Audience.STAFF]
    assert found(entry.staff) == (list(CANARIES) if is_shown else [])
    if not is_visible:
        assert (entry.public is None) is not comment.was_public
        assert b"held" not in (entry.public or b"")


def test_a_page_shows_each_audience_what_it_may_see_and_no_more(comment: Comment) -> None:
    page = Page(ROOM, (comment,), None, {})
    public = to_json(page_json(page, Audience.PUBLIC))
    is_visible = comment.state in SHOWN[Audience.PUBLIC]
    assert found(public) == (list(CANARIES) if is_visible and comment.was_public else [])
    assert (b"comments" in public, b'"id"' in public) == (True, comment.was_public)
    is_shown = comment.state in SHOWN[Audience.STAFF]
    staff = to_json(page_json(page, Audience.STAFF))
    assert found(staff) == (list(CANARIES) if is_shown else [])
    assert b'"id"' in staff


@pytest.mark.parametrize("audience", list(Audience))
@pytest.mark.parametrize("is_own", [True, False])
def test_authors_see_their_own_words_while_they_are_held_and_staff_see_more(
    comment: Comment, audience: Audience, is_own: bool
) -> None:
    value = comment_json(comment, audience, is_own=is_own)
    is_held = comment.state is CommentState.HELD
    is_shown = comment.state in SHOWN[audience] or (is_own and is_held)
    assert ("body" in value) is ("author" in value) is ("rich" in value) is is_shown
    assert value["state"] == ("hidden" if is_held and not is_shown else comment.state)


@pytest.mark.parametrize("audience", list(Audience))
@pytest.mark.parametrize("is_own", [True, False])
def test_every_comment_is_of_the_wires_shape(
    comment: Comment, audience: Audience, is_own: bool
) -> None:
    for given in (comment, replace(BARE, state=comment.state)):
        value = from_json(to_json(comment_json(given, audience, is_own=is_own)))
        read = frames.Comment.model_validate(value)
        assert read.model_dump(exclude_none=True, by_alias=True) == value


def test_every_entry_is_of_the_wires_shape(comment: Comment) -> None:
    liked = replace(BARE, reactions='{"like":2}', reacted_seq=8)
    changes = [Change(7, comment), Change(8, liked), Change(9, None, ROOM)]
    changes.append(Change(8, replace(liked, reactions=None)))
    for change in changes:
        entry = entry_of(change)
        for part in (entry.public, entry.staff):
            if part is not None:
                read = frames.Change.model_validate(from_json(part))
                assert read.model_dump(exclude_none=True) == from_json(part)


def test_a_room_is_of_the_wires_shape_and_the_same_for_all() -> None:
    for room in (ROOM, replace(ROOM, title=None, own=RoomRules("closed"), premoderate=True)):
        read = frames.Room.model_validate(room_json(room))
        assert read.model_dump(exclude_none=True) == room_json(room)
        assert b"k3" not in to_json(room_json(room))
    entry = entry_of(Change(9, None, ROOM))
    assert entry.key == 0
    assert entry.public is entry.staff


def test_a_page_is_of_the_wires_shape() -> None:
    page = Page(ROOM, (BARE, replace(BARE, state=CommentState.HELD)), "n4", {4: "t4"})
    for audience in Audience:
        value = {"type": "page", "room": "a", "at": 9, **page_json(page, audience)}
        read = frames.PageReply.model_validate(value)
        assert read.model_dump(exclude_none=True) == value
    last = page_json(replace(page, next=None, more={}), Audience.PUBLIC)
    assert last.keys() == {"comments"}


def test_only_staff_is_told_why_a_comment_is_held() -> None:
    held = replace(FULL, state=CommentState.HELD, hold="link filter")
    assert comment_json(held, Audience.STAFF)["hold"] == "link filter"
    assert "hold" not in comment_json(held, Audience.PUBLIC, is_own=True)
    entry = entry_of(Change(7, held))
    assert b"link filter" in (entry.staff or b"")
    assert b"link filter" not in (entry.public or b"")


def test_audiences_share_the_bytes_of_what_both_may_see() -> None:
    entry = entry_of(Change(7, FULL))
    assert entry.public is entry.staff


def test_what_was_never_public_is_known_to_staff_only() -> None:
    unseen = replace(FULL, was_public=False)
    assert [is_known_to(unseen, audience) for audience in Audience] == [False, True]
    assert [is_known_to(FULL, audience) for audience in Audience] == [True, True]


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (999, "1970-01-01T00:00:00.999Z"),
        (1_795_358_416_007, "2026-11-22T14:40:16.007Z"),
    ],
)
def test_times_are_utc_with_milliseconds(ms: int, text: str) -> None:
    assert timestamp(ms) == text
