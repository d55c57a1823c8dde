"""What a moderator's action makes of a comment, and what is kept of one that was rejected.

Each action but ``delete`` has one that takes it back: ``approve`` and ``hold``, ``hide`` (or
``reject``) and ``restore``, ``pin`` and ``unpin``, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pydantic_core import from_json, to_json

from livethread.model import Action, Author, Comment, CommentState, Room
from livethread.protocol.errors import BadFrame, NotFound

GONE = (CommentState.DELETED, CommentState.REMOVED)

_MARKS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "pin": {"pinned": True},
        "unpin": {"pinned": False},
        "feature": {"featured": True},
        "unfeature": {"featured": False},
        "lock": {"locked": True},
        "unlock": {"locked": False},
    }
)
_TOLD = ("state", "hold", "pinned", "featured", "locked", "reports")
_ROOM_TOLD = ("state", "slow_mode_s", "premoderate", "title", "max_depth", "edit_window_s")


def decided(comment: Comment, was: Comment | None, action: Action, reason: str | None) -> Comment:
    """The comment after the action; ``was`` is what a rejected one was, if that is still kept.

    Raises ``NotFound`` for what is gone, ``BadFrame`` for a lock below a root.
    """
    if comment.state in GONE and (was is None or action not in ("restore", "delete")):
        raise NotFound(field="comment")
    match action:
        case "restore" if was is not None:
            return replace(was, seq=comment.seq, locked=comment.locked)
        case "approve" | "restore":
            return replace(
                comment,
                state=CommentState.VISIBLE,
                was_public=True,
                hold=None,
                reports=0,
                due_ms=None,
            )
        case "hold":
            why = reason or "held by a moderator"
            return replace(comment, state=CommentState.HELD, hold=why, due_ms=None)
        case "hide":
            return replace(comment, state=CommentState.HIDDEN, due_ms=None)
        case "reject" | "delete":
            return emptied(comment, CommentState.REMOVED)
        case _:
            if action in ("lock", "unlock") and comment.parent is not None:
                raise BadFrame("Only a root's thread can be locked.", field="comment")
            return replace(comment, **_MARKS[action])


def emptied(comment: Comment, state: CommentState) -> Comment:
    """Without its words and its author's name: what is gone is gone from the row."""
    return replace(
        comment,
        state=state,
        author=Author(comment.author.id, ""),
        body="",
        rich=None,
        reactions=None,
        score=0,
        pinned=False,
        featured=False,
        hold=None,
        reports=0,
        due_ms=None,
    )


# ── what is kept of a rejected comment ──

_KEPT = (
    "body",
    "rich",
    "edited_ms",
    "reactions",
    "score",
    "pinned",
    "featured",
    "hold",
    "reports",
)


def kept(comment: Comment) -> str:
    """What rejecting takes out of the row, as JSON."""
    author = comment.author
    value: dict[str, Any] = {name: getattr(comment, name) for name in _KEPT}
    value["author"] = [author.name, author.avatar, author.badge]
    return to_json(value | {"state": comment.state.value}).decode()


def restored(comment: Comment, text: str) -> Comment:
    """The comment as it was before it was rejected."""
    value: dict[str, Any] = from_json(text)
    author = Author(comment.author.id, *value.pop("author"))
    return replace(comment, **value | {"author": author, "state": CommentState(value["state"])})


# ── what the audit log says of it ──


def difference(before: Comment | Room, after: Comment | Room) -> str:
    """What has changed, as JSON: field to [before, after]."""
    names = _TOLD if isinstance(before, Comment) else _ROOM_TOLD
    pairs = {name: [getattr(before, name), getattr(after, name)] for name in names}
    return to_json({name: pair for name, pair in pairs.items() if pair[0] != pair[1]}).decode()
