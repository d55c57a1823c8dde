"""Where a page ends: after so many comments or so many bytes, whichever comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from livethread.model import Comment, PageRequest, Room
from livethread.store.tokens import thread, token_of

OVERHEAD_BYTES = 200
"""What a comment takes beside its words: ids, author, times, reactions."""


class Thread(NamedTuple):
    """A root and its first replies in order of posting, one more than asked for if there is one."""

    root: Comment
    replies: Sequence[Comment]


class Around(NamedTuple):
    """A comment's surroundings: ``lineage`` is itself and its ancestors from below.

    ``children`` reply to it, ``first`` are the thread's first replies, one more than asked for.
    """

    root: Comment
    lineage: Sequence[Comment]
    children: Sequence[Comment]
    first: Sequence[Comment]


class Fitted(NamedTuple):
    """What goes into a page: so many ``threads``, and after which reply unfinished ones go on."""

    comments: tuple[Comment, ...]
    threads: int
    more: dict[int, int]


def size_of(comment: Comment) -> int:
    """About how many bytes the comment has as JSON."""
    rich = "" if comment.rich is None else comment.rich
    return OVERHEAD_BYTES + len(comment.body.encode()) + len(rich.encode())


def fit(comments: Sequence[Comment], most: int, max_bytes: int) -> tuple[int, int]:
    """How many of the first comments, at most ``most``, go into ``max_bytes``; and their bytes."""
    count = size = 0
    for comment in comments[:most]:
        after = size + size_of(comment)
        if after > max_bytes:
            break
        count, size = count + 1, after
    return count, size


def fit_threads(threads: Sequence[Thread], request: PageRequest) -> Fitted:
    """The first threads with their first replies, as far as they go; always one root.

    The page ends with the first thread whose replies don't all go in: it is continued below that
    root by its token in ``more``, and behind it by the one of the next roots.
    """
    listed: list[Comment] = []
    more: dict[int, int] = {}
    count, left = 0, request.max_bytes
    for root, replies in threads[: request.limit]:
        left -= size_of(root)
        if count and left < 0:
            break
        shown, size = fit(replies, request.replies, left)
        listed += (root, *replies[:shown])
        count, left = count + 1, left - size
        if shown < len(replies):
            more[root.id] = listed[-1].id  # replies have higher ids than their root
        if shown < min(len(replies), request.replies):
            break
    return Fitted(tuple(listed), count, more)


def fit_around(around: Around, request: PageRequest) -> Fitted:
    """What must be there first, then the thread's beginning, in order of posting."""
    root, lineage, children, first = around
    needed = {comment.id: comment for comment in (lineage[0], root)}
    left = request.max_bytes - sum(map(size_of, needed.values()))
    for wanted in (lineage[1:], children):
        lacking = [comment for comment in wanted if comment.id not in needed]
        count, size = fit(lacking, len(lacking), left)
        needed |= {comment.id: comment for comment in lacking[:count]}
        left -= size
    shown, _ = fit(first, request.replies, left)
    listed = needed | {comment.id: comment for comment in first[:shown]} | {root.id: root}
    more: dict[int, int] = {}
    if shown < len(first):
        more[root.id] = first[shown - 1].id if shown else root.id
    comments = tuple(listed[id] for id in sorted(listed))
    return Fitted(comments, 1, more)


def tokens_of(room: Room, more: dict[int, int]) -> dict[int, str]:
    """The tokens of unfinished threads, by root."""
    return {root: token_of(room, thread(root), (after,)) for root, after in more.items()}
