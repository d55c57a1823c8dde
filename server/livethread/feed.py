"""One room's recent changes as bytes, and the frames made of them: built once, shared by all.

The ring is compacted like the Store: when a comment changes again, its older entry loses its bytes
and only goes on counting as covered. So what was deleted or hidden can't leak from here either.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import NamedTuple


class Entry(NamedTuple):
    """One change, encoded for both audiences; None where that audience may not know of it.

    ``key`` is the id of the comment that changed, 0 for the room itself, ``reactions_of`` a comment
    whose reactions alone changed. ``comments`` is how many everyone can see after it; None for what
    was read from the Store, which knows that of its head.
    """

    seq: int
    key: int
    public: bytes | None
    staff: bytes | None
    comments: int | None = None


class Encoding(Enum):
    """How a ``changes`` frame is wrapped for its readers."""

    TEXT = "text"  # a websocket text frame
    DEFLATED = "deflated"  # the same, compressed
    JSON = "json"  # the bare payload, for HTTP


class Kind(NamedTuple):
    """What all readers of the same bytes have in common."""

    is_staff: bool
    encoding: Encoding


class Gap(Exception):
    """Entries that don't follow the head: what lies between must be read from the Store."""


_NOBODY = -(2**62)
"""The key of a seq that is only covered."""

MAX_COVERED = 4
"""So many times its bound of entries a ring may be long, if it is long of seqs only covered: each
has some 150 bytes. Else a thousand likes would drive out what readers come back for."""


def reactions_of(comment: int) -> int:
    """The key of a comment's reactions: they change beside it, and it brings them along."""
    return -comment


MAX_FRAMES = 8
"""Frames kept for those who stand at the same place; the flush needs one a kind."""

EncodeFrame = Callable[[bytes, Encoding], bytes]
"""Wraps a payload; must give the same bytes each time."""


class Feed:
    """The feed of one room from ``tail`` (exclusive) to ``head``.

    ``head`` is None until the Store has been asked; what is appended meanwhile waits.
    """

    __slots__ = (
        "__weakref__",
        "_filled",
        "_frames",
        "_latest",
        "_meanwhile",
        "_prefix",
        "_ring",
        "_ring_bytes",
        "_waiting",
        "_watchers",
        "changed_seq",
        "epoch",
        "head",
        "info",
        "is_flushing",
        "max_bytes",
        "max_entries",
        "name",
        "sent",
        "skips",
        "tail",
    )

    def __init__(self, name: str, json_name: bytes, *, max_entries: int, max_bytes: int) -> None:
        self.name = name
        self.epoch = ""
        self.head: int | None = None
        self.info = b"{}"  # the room as JSON, as of the head
        self.tail = 0
        self.sent = 0  # the seq up to which live subscribers have been, or are being, written to
        self.skips = 0
        self.changed_seq = 0  # the last seq that changed something older than itself
        self.is_flushing = False
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self._prefix = b'{"type":"changes","room":' + json_name
        self._ring: deque[Entry] = deque()
        self._ring_bytes = 0
        self._filled = 0
        self._latest: dict[int, int] = {}
        self._frames: dict[tuple[int, int, Kind], tuple[int, bytes]] = {}
        self._waiting: list[Entry] = []
        self._watchers = 0
        self._meanwhile: dict[int, int] = {}

    def load(self, epoch: str, head: int, info: bytes) -> None:
        """Set the head as read from the Store, then apply what was appended since."""
        self.epoch = epoch
        if not self._waiting:  # else what waits is newer
            self.info = info
        self.head = self.tail = self.sent = head
        waiting, self._waiting = self._waiting, []
        self.append(waiting)

    def append(self, entries: Iterable[Entry]) -> None:
        """Add what follows the head; what is at or below it is known already.

        Raises ``Gap`` if one doesn't follow; those before it are added. What the others change is
        out of date all the same: its older bytes are not sent any more.
        """
        if self.head is None:
            self._waiting.extend(entries)
            return
        is_gap = False
        for entry in entries:
            if entry.seq <= self.head:
                continue
            if entry.key != entry.seq:
                self._supersede(entry)
            if entry.seq != self.head + 1:
                is_gap = True
                continue
            self._latest[entry.key] = entry.seq
            self._ring.append(entry)
            self._ring_bytes += _size(entry)
            self._filled += _is_filled(entry)
            self.head = entry.seq
        self._trim()
        if is_gap:
            raise Gap

    def skip_to(self, head: int) -> None:
        """Start the ring anew at ``head``: what lies before is read from the Store.

        ``skips`` counts it: what a reading found that began before may have changed since.
        """
        self.skips += 1
        self._ring.clear()
        self._latest.clear()
        self._frames.clear()
        self._ring_bytes = self._filled = 0
        self.head = self.tail = head
        self.changed_seq = max(self.changed_seq, head)

    def recall(self, since: int, entries: Iterable[Entry], comments: int | None) -> None:
        """Have the ring go back to ``since``, if it has room, with what the Store has after that.

        Whoever comes next from about there needs no reading of their own. Seqs that the Store has
        no entry of any more only count as covered, like those whose key has changed since.
        ``comments`` is how many everyone can see at the tail, if that is known.
        """
        if since >= self.tail:
            return
        known = {e.seq: e for e in entries if self._last_seq(e.key) <= e.seq <= self.tail}
        size = sum(map(_size, known.values()))
        length = len(self._ring) + self.tail - since
        if length > self.max_entries or self._ring_bytes + size > self.max_bytes:
            return
        self.changed_seq = max(self.changed_seq, self.tail)  # for a snapshot nothing is won
        for seq in range(self.tail, since, -1):
            entry = known.get(seq) or Entry(seq, _NOBODY, None, None)
            self._ring.appendleft(entry._replace(comments=comments))
            comments = None
        self._latest.update((entry.key, entry.seq) for entry in known.values())
        self._ring_bytes += size
        self._filled += sum(map(_is_filled, known.values()))
        self.tail = since

    @contextmanager
    def watched(self) -> Iterator[dict[int, int]]:
        """Keys that change while the context lasts, with the seq of their last change."""
        self._watchers += 1
        try:
            yield self._meanwhile
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._meanwhile = {}

    def frame(
        self, since: int, until: int, kind: Kind, encode: EncodeFrame, max_bytes: int
    ) -> tuple[int, bytes] | None:
        """The frame for (since, to] with ``to`` at most ``until``, and that ``to``.

        Ends earlier at ``max_bytes`` of changes. None if the ring no longer goes back to ``since``.
        """
        if since < self.tail:
            return None
        key = (since, until, kind)
        found = self._frames.get(key)
        if found is not None:
            return found
        parts: list[bytes] = []
        to, comments, size = since, None, 0
        for entry in self._between(since, until):
            part = entry.staff if kind.is_staff else entry.public
            if part is not None:
                size += len(part)
                if size > max_bytes and parts:
                    break
                parts.append(part)
            to, comments = entry.seq, entry.comments
        frame = encode(self.payload(since, to, comments, parts), kind.encoding)
        if len(self._frames) >= MAX_FRAMES:
            self._frames.clear()
        self._frames[key] = to, frame
        return to, frame

    def payload(self, since: int, to: int, comments: int | None, parts: list[bytes]) -> bytes:
        """A ``changes`` frame's JSON: all changes in (since, to], as encoded ``parts``.

        ``comments`` is how many everyone can see at ``to``, None if that isn't known.
        """
        return b'%b,"from":%d,"to":%d%b,"changes":[%b]}' % (
            self._prefix,
            since,
            to,
            b"" if comments is None else b',"comments":%d' % comments,
            b",".join(parts),
        )

    def _between(self, since: int, until: int) -> Iterable[Entry]:
        ring = self._ring
        start, stop = since - self.tail, until - self.tail
        if start * 2 < len(ring):
            return [ring[i] for i in range(start, stop)]
        # deque indexing is quick at both ends only; the usual range is at the right end
        return [ring[i] for i in range(start - len(ring), stop - len(ring))]

    def _supersede(self, entry: Entry) -> None:
        """What is older about the same is out of date, here and with whoever reads the Store now.

        A snapshot may have older reactions: theirs are no secret, and the entry follows it.
        """
        keys = [entry.key]
        if entry.key >= 0:
            self.changed_seq = max(self.changed_seq, entry.seq)
            keys.append(reactions_of(entry.key))
        for key in keys:
            if self._watchers:
                self._meanwhile[key] = entry.seq
            self._compact(key)

    def _last_seq(self, key: int) -> int:
        """Of the last entry here that supersedes older ones of that key."""
        return max(self._latest.get(key, 0), self._latest.get(abs(key), 0))

    def _compact(self, key: int) -> None:
        """Take the bytes of the key's older entry out of the ring."""
        older = self._latest.get(key)
        if older is None:
            return
        if older > self.tail:
            index = older - self.tail - 1
            entry = self._ring[index]
            self._ring_bytes -= _size(entry)
            self._filled -= _is_filled(entry)
            self._ring[index] = Entry(older, key, None, None, entry.comments)
        self._frames.clear()

    def _trim(self) -> None:
        ring = self._ring
        while (
            self._filled > self.max_entries
            or self._ring_bytes > self.max_bytes
            or len(ring) > self.max_entries * MAX_COVERED
        ):
            entry = ring.popleft()
            self._ring_bytes -= _size(entry)
            self._filled -= _is_filled(entry)
            self.tail = entry.seq
            if self._latest.get(entry.key) == entry.seq:
                del self._latest[entry.key]


def _is_filled(entry: Entry) -> bool:
    return entry.public is not None or entry.staff is not None


def _size(entry: Entry) -> int:
    public, staff = entry.public, entry.staff
    size = len(public) if public is not None else 0
    return size + len(staff) if staff is not None and staff is not public else size
