"""Rows to values, the same for every database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from livethread.model import Author, Comment, CommentState, Room, RoomName, RoomRules

_STATES = {state.value: state for state in CommentState}


def comment_of(row: Sequence[Any], replies: int = 0) -> Comment:
    """A comment from ``schema.COMMENT_COLUMNS``."""
    return Comment(
        id=row[0],
        seq=row[1],
        parent=row[2],
        root=row[3],
        author=Author(row[4], row[5], row[6], row[7]),
        body=row[8],
        rich=row[9],
        created_ms=row[10],
        edited_ms=row[11],
        state=_STATES[row[12]],
        was_public=bool(row[13]),
        pinned=bool(row[14]),
        reactions=row[15],
        depth=row[16],
        hold=row[17],
        featured=bool(row[18]),
        locked=bool(row[19]),
        reports=row[20],
        due_ms=row[21],
        reacted_seq=row[22],
        score=row[23],
        replies=replies,
    )


def room_of(row: Sequence[Any]) -> Room:
    """A room from ``schema.ROOM_COLUMNS``."""
    name, epoch, seq, title, premoderate, comments, config_seq, *own = row
    return Room(name, epoch, seq, title, bool(premoderate), comments, config_seq, RoomRules(*own))


def columns_of(room: Room) -> list[Any]:
    """The other way round."""
    own = room.own
    return [
        room.name,
        room.epoch,
        room.seq,
        room.title,
        room.premoderate,
        room.comments,
        room.config_seq,
        own.state,
        own.slow_mode_s,
        own.max_depth,
        own.edit_window_s,
    ]


def first_epoch(installation: str, room: RoomName) -> str:
    """The epoch of a room that nobody wrote to yet: stable, so that joining it writes nothing."""
    return hashlib.blake2s(room.encode(), key=installation.encode(), digest_size=4).hexdigest()
