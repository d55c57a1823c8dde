"""Where a page ends: after so many comments or so many bytes, whichever comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from livethread.model import Comment, PageRequest

OVERHEAD_BYTES = 200
"""What a comment takes beside its words: ids, author, times, reactions."""


class Thread(NamedTuple):
    """A root and its first replies in order of posting, one more than asked for if there is one."""

    root: Comment
    replies: Sequence[Comment]


class Fitted(NamedTuple):
    """What goes into a page: so many ``threads``, and where the unfinished ones go on."""

    comments: tuple[Comment, ...]
    threads: int
    more: dict[int, str]


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
    more: dict[int, str] = {}
    count, left = 0, request.max_bytes
    for root, replies in threads[: request.limit]:
        left -= size_of(root)
        if count and left < 0:
            break
        shown, size = fit(replies, request.replies, left)
        listed += (root, *replies[:shown])
        count, left = count + 1, left - size
        if shown < len(replies):
            more[root.id] = str(listed[-1].id)  # replies have higher ids than their root
        if shown < min(len(replies), request.replies):
            break
    return Fitted(tuple(listed), count, more)
