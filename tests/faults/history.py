"""What a crowd saw of a room, and the judge of it.

Posters write with nonces and repeat whatever was not answered; followers come back with their
cursors. However often the server died in between, the judge finds nothing: no acknowledged comment
lost, none twice, no hole, no gap, nothing seen that was not kept, the same order for all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Ack(NamedTuple):
    """An answered write: the comment's id and its body, which names the nonce."""

    nonce: str
    id: int
    body: str


class Entry(NamedTuple):
    """A comment as a feed brings it."""

    seq: int
    id: int
    body: str


@dataclass(frozen=True)
class Joined:
    """A subscription began at ``seq``; ``asked`` is the cursor the follower came with."""

    asked: int | None
    mode: str
    seq: int
    epoch: str


@dataclass(frozen=True)
class Range:
    """A ``changes`` frame."""

    since: int
    to: int
    entries: tuple[Entry, ...]


@dataclass
class History:
    """``final`` is the room as it was found at the end; ``sent`` every nonce ever sent."""

    sent: set[str] = field(default_factory=set)
    acks: list[Ack] = field(default_factory=list)
    followers: list[list[Joined | Range]] = field(default_factory=list)
    final: list[Entry] = field(default_factory=list)


def faults_of(history: History) -> list[str]:
    """Everything wrong with a history of a room where comments are only posted, and all are."""
    return [
        *_final(history),
        *_acknowledged(history),
        *(
            f"follower {number}: {fault}"
            for number, follower in enumerate(history.followers)
            for fault in _followed(follower, history.final)
        ),
    ]


def _final(history: History) -> Iterator[str]:
    for place, entry in enumerate(history.final, start=1):
        if (entry.seq, entry.id) != (place, place):
            yield f"hole: {entry} in place {place}"
            break
    for body, times in Counter(entry.body for entry in history.final).items():
        if times > 1:
            yield f"duplicate: {body} is there {times} times"
        if body not in history.sent:
            yield f"invented: nobody sent {body}"


def _acknowledged(history: History) -> Iterator[str]:
    kept = {entry.id: entry.body for entry in history.final}
    answers: dict[str, int] = {}
    for nonce, id, body in history.acks:
        if body != nonce:
            yield f"mixed up: {nonce} was answered with {body}"
        if kept.get(id) != nonce:
            yield f"lost: {nonce} was acknowledged as {id}, where there is {kept.get(id)}"
        if answers.setdefault(nonce, id) != id:
            yield f"two answers: {nonce} was acknowledged as {answers[nonce]} and {id}"
    for nonce in sorted(history.sent - answers.keys()):
        yield f"unanswered: {nonce}"


def _followed(follower: Iterable[Joined | Range], final: list[Entry]) -> Iterator[str]:
    cursor: int | None = None
    epoch: str | None = None
    for step in follower:
        match step:
            case Joined():
                if epoch not in (None, step.epoch):
                    yield f"another history: {epoch} became {step.epoch}"
                if step.asked != cursor:
                    yield f"came back at {step.asked}, not at {cursor}"
                if cursor is not None and (step.mode, step.seq) != ("resume", cursor):
                    yield f"was not continued at {cursor}: {step}"
                cursor, epoch = step.seq, step.epoch
            case Range(since, to, entries):
                if since != cursor:
                    yield f"gap: {since}–{to} came at {cursor}"
                if [entry.seq for entry in entries] != list(range(since + 1, to + 1)):
                    yield f"incomplete: {since}–{to} brought {[entry.seq for entry in entries]}"
                if list(entries) != final[since:to]:
                    yield f"not what was kept: {since}–{to}"
                cursor = to
    if cursor != len(final):
        yield f"ended at {cursor} of {len(final)}"
