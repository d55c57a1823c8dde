"""What each audience may see of a comment or a room, as the JSON that crosses the wire.

Every frame, page and feed gets its comments from here, so what may not be seen is left out in one
place. The shapes are ``protocol.frames``; a test validates them against the models.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from livethread.feed import Entry, reactions_of
from livethread.model import (
    SHADOWED,
    Audience,
    Author,
    Change,
    Comment,
    CommentState,
    Committed,
    Page,
    QueueItem,
    Room,
)
from livethread.site import name_of

_SHOWN = {
    Audience.PUBLIC: frozenset({CommentState.VISIBLE}),
    Audience.STAFF: frozenset({CommentState.VISIBLE, CommentState.HELD, CommentState.HIDDEN}),
}


def timestamp(ms: int) -> str:
    """RFC 3339, UTC, milliseconds."""
    return f"{_second(ms // 1000)}.{ms % 1000:03d}Z"


def milliseconds(moment: datetime | None) -> int | None:
    """Since 1970; None stays None."""
    return None if moment is None else round(moment.timestamp() * 1000)


@lru_cache(maxsize=64)  # many comments of one second: formatting it was half of encoding one
def _second(s: int) -> str:
    return f"{datetime.fromtimestamp(s, UTC):%Y-%m-%dT%H:%M:%S}"


def is_known_to(comment: Comment, audience: Audience) -> bool:
    """False for what the public must not even know to exist: held and never seen."""
    return comment.was_public or audience is Audience.STAFF


def comment_json(comment: Comment, audience: Audience, *, is_own: bool = False) -> dict[str, Any]:
    """The comment for an audience; its author sees the own words also while they are held.

    Whoever may not see its words gets a tombstone, in which ``held`` reads ``hidden``.
    """
    state = comment.state
    is_shown = state in _SHOWN[audience] or (is_own and state is CommentState.HELD)
    if is_own and comment.hold == SHADOWED and audience is Audience.PUBLIC:
        state = CommentState.VISIBLE
    value: dict[str, Any] = {"id": comment.id}
    if comment.parent is not None:
        value["parent"] = comment.parent
    if is_shown:
        value["author"] = _author_json(comment.author)
        value["body"] = comment.body
        if comment.rich is not None:
            # Else the parser keeps 16,384 short pieces of what people wrote for good.
            value["rich"] = from_json(comment.rich, cache_strings="keys")
    elif state is CommentState.HELD:
        state = CommentState.HIDDEN
    value["created"] = timestamp(comment.created_ms)
    if is_shown:
        if comment.edited_ms is not None:
            value["edited"] = timestamp(comment.edited_ms)
        if comment.reactions is not None:
            value["reactions"] = from_json(comment.reactions)
        if comment.pinned:
            value["pinned"] = True
        if comment.featured:
            value["featured"] = True
        if state is CommentState.HELD and comment.hold and audience is Audience.STAFF:
            value["hold"] = comment.hold
    if comment.locked:
        value["locked"] = True
    value["state"] = state.value
    if comment.replies:
        value["replies"] = comment.replies
    value["seq"] = comment.last_seq
    return value


def held_json(item: QueueItem) -> dict[str, Any]:
    """An item of the queue as those who watch are told of it."""
    comment = comment_json(item.comment, Audience.STAFF)
    return {"type": "queued", "room": name_of(item.room), "comment": comment}


def queued_json(committed: Committed) -> dict[str, Any] | None:
    """What those who watch the queue are told of it (``frames.Queued``); None: nothing."""
    comment, act = committed.reported or committed.comment, committed.act
    if comment is None and committed.change is not None:
        comment = committed.change.comment
    if comment is None or committed.is_duplicate:
        return None
    if act is None and comment.state is not CommentState.HELD and not comment.reports:
        return None
    value: dict[str, Any] = {"type": "queued", "room": name_of(committed.room.name)}
    value["comment"] = comment_json(comment, Audience.STAFF)
    if comment.reports:
        value["reports"] = comment.reports
    if act is not None:
        value["action"] = act.action
        value["by"] = {"id": act.by.id, "name": act.by.name}
    return value


def restricted_json(committed: Committed) -> dict[str, Any] | None:
    """What those who watch are told of a person's standing (``frames.Restricted``)."""
    act = committed.act
    if act is None or act.action.removeprefix("un") not in ("ban", "shadow", "mute"):
        return None
    value: dict[str, Any] = {"type": "restricted", "person": act.person, "action": act.action}
    if act.action.endswith("mute"):
        value["room"] = name_of(act.room)
    return value | {"by": {"id": act.by.id, "name": act.by.name}}


def room_json(room: Room) -> dict[str, Any]:
    value: dict[str, Any] = {"name": name_of(room.name)}
    if room.title is not None:
        value["title"] = room.title
    value["state"] = room.state
    value["slow_mode_s"] = room.slow_mode_s
    value["premoderate"] = room.premoderate
    if room.max_depth is not None:
        value["max_depth"] = room.max_depth
    if room.edit_window_s is not None:
        value["edit_window_s"] = room.edit_window_s
    value["comments"] = room.comments
    value["seq"] = room.seq
    return value


def page_json(page: Page, audience: Audience) -> dict[str, Any]:
    """``comments``, ``next``, ``more`` and ``reacted`` of a page or a snapshot."""
    value: dict[str, Any] = {
        "comments": [
            comment_json(comment, audience)
            for comment in page.comments
            if is_known_to(comment, audience)
        ]
    }
    if page.next is not None:
        value["next"] = page.next
    if page.more:
        value["more"] = {str(root): token for root, token in page.more.items()}
    if page.reacted:
        value["reacted"] = {str(comment): names for comment, names in page.reacted.items()}
    return value


def entry_of(change: Change, comments: int | None = None) -> Entry:
    """A change encoded for both audiences; they share the bytes where they may see the same.

    ``comments`` is how many everyone can see after it, where that is known.
    """
    if change.comment is None:
        assert change.room is not None
        shared = to_json({"seq": change.seq, "room": room_json(change.room)})
        return Entry(change.seq, 0, shared, shared, comments)
    comment = change.comment
    if change.is_of_reactions:  # only what everybody sees is reacted to
        counts = {"comment": comment.id, "counts": from_json(comment.reactions or "{}")}
        shared = to_json({"seq": change.seq, "reactions": counts})
        return Entry(change.seq, reactions_of(comment.id), shared, shared, comments)
    staff = _encoded(change.seq, comment, Audience.STAFF)
    if comment.state is CommentState.VISIBLE:
        return Entry(change.seq, comment.id, staff, staff, comments)
    is_known = is_known_to(comment, Audience.PUBLIC)
    public = _encoded(change.seq, comment, Audience.PUBLIC) if is_known else None
    return Entry(change.seq, comment.id, public, staff, comments)


def _encoded(seq: int, comment: Comment, audience: Audience) -> bytes:
    return to_json({"seq": seq, "comment": comment_json(comment, audience)})


def _author_json(author: Author) -> dict[str, Any]:
    value: dict[str, Any] = {"id": author.id, "name": author.name}
    if author.avatar is not None:
        value["avatar"] = author.avatar
    if author.badge is not None:
        value["badge"] = author.badge
    return value
