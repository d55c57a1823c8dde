"""Writes as tests need them: short to say, with everything else filled in."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

from livethread.model import (
    Author,
    Comment,
    CommentId,
    Committed,
    ConfigureRoom,
    DeleteComment,
    EditComment,
    EndJudgement,
    Judgement,
    ModerateComment,
    Outcome,
    PostComment,
    ReportComment,
    RestrictPerson,
    RoomName,
    SetFilters,
    SetReaction,
    Wish,
    Write,
)

A = RoomName("a")
MARA = Author("g:1", "Mara")
TOM = Author("g:2", "Tom", avatar="https://site.example/tom.png")
MOD = Author("m:1", "Mod", badge="staff")
T0 = 1_795_358_416_123
WINDOW_S = 900

UNNUMBERED = (SetReaction, ReportComment, SetFilters, EndJudgement)
_nonces = itertools.count()


def write(
    wish: Wish,
    *,
    room: str = A,
    author: Author = MARA,
    nonce: str | None = None,
    now: int = T0,
    staff: bool | None = None,
) -> Write:
    is_staff = author is MOD if staff is None else staff
    if nonce is None and not isinstance(wish, UNNUMBERED):
        nonce = f"nonce-{next(_nonces):08}"
    fingerprint = hashlib.blake2s(repr(wish).encode(), digest_size=16).hexdigest()
    return Write(RoomName(room), author, is_staff, nonce, fingerprint, now, wish)


def post(
    body: str = "Hello", parent: int | None = None, rich: str | None = None, **how: Any
) -> Write:
    return write(PostComment(body, rich, None if parent is None else CommentId(parent)), **how)


def edit(comment: int, body: str, **how: Any) -> Write:
    judgement = how.pop("judgement", Judgement())
    return write(EditComment(CommentId(comment), body, None, WINDOW_S, judgement), **how)


def delete(comment: int, **how: Any) -> Write:
    return write(DeleteComment(CommentId(comment)), **how)


def react(comment: int, reaction: str = "like", on: bool = True, **how: Any) -> Write:
    return write(SetReaction(CommentId(comment), reaction, on), **how)


def report(comment: int, reason: str = "spam", text: str | None = None, **how: Any) -> Write:
    return write(ReportComment(CommentId(comment), reason, text), **how)


def moderate(comment: int, action: Any, **how: Any) -> Write:
    reason, seq = how.pop("reason", None), how.pop("seq", None)
    wish = ModerateComment(CommentId(comment), action, reason, seq)
    return write(wish, **({"author": MOD} | how))


def configure(
    state: Any = None,
    slow_mode_s: int | None = None,
    premoderate: bool | None = None,
    title: str | None = None,
    max_depth: int | None = None,
    edit_window_s: int | None = None,
    **how: Any,
) -> Write:
    wish = ConfigureRoom(state, slow_mode_s, premoderate, title, max_depth, edit_window_s)
    return write(wish, **({"author": MOD} | how))


def restrict(person: str, action: Any, until_ms: int | None = None, **how: Any) -> Write:
    comment = how.pop("comment", None)
    wish = RestrictPerson(person or None, comment, action, how.pop("reason", None), until_ms)
    return write(wish, **({"author": MOD} | how))


def filters(text: str, **how: Any) -> Write:
    return write(SetFilters(text), **({"author": MOD} | how))


def committed(outcome: Outcome) -> Committed:
    assert isinstance(outcome, Committed), outcome
    return outcome


def comment_of(outcome: Outcome) -> Comment:
    comment = committed(outcome).comment
    assert comment is not None
    return comment
