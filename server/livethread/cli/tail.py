"""``livethread tail``."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from livethread.cli.shown import json_line, lines, one_line
from livethread.cli.talking import run, server_option, token_option
from livethread.protocol.cursor import BEGINNING, Cursor

if TYPE_CHECKING:
    from livethread.protocol.frames import Change, Comment
    from livethread.protocol.frames import Room as RoomInfo
    from livethread_client import Live, Snapshot

MAX_DEPTH = 8
MAX_KNOWN = 10_000


@click.command()
@click.argument("rooms", nargs=-1, required=True, metavar="ROOM...")
@click.option(
    "--since",
    multiple=True,
    metavar="CURSOR",
    help="Go on after this cursor. With several rooms: ROOM=CURSOR, repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
@token_option
@server_option
def tail(
    rooms: tuple[str, ...], since: tuple[str, ...], as_json: bool, token: str | None, server: str
) -> None:
    """Follow rooms live.

    First comes what is there, or what came after --since; then every change, also over restarts
    of the server. At the end, standard error gets the cursors to go on from.
    """
    rooms = tuple(dict.fromkeys(rooms))
    run(_tail(server, token, rooms, _cursors(rooms, since), as_json))


def _cursors(rooms: tuple[str, ...], values: tuple[str, ...]) -> dict[str, str]:
    cursors = {}
    for value in values:
        room, _, cursor = value.rpartition("=")
        if not room:
            if len(rooms) > 1:
                raise click.UsageError("With several rooms, write --since ROOM=CURSOR.")
            room = rooms[0]
        if room not in rooms:
            raise click.UsageError(f"--since names {room!r}, which is not followed.")
        if cursor != BEGINNING:
            try:
                Cursor.parse(cursor)
            except ValueError as error:
                text = f"--since {cursor!r}: {error}, as tail prints it; 0 is the beginning."
                raise click.UsageError(text) from error
        cursors[room] = cursor
    return cursors


async def _tail(
    server: str, token: str | None, rooms: tuple[str, ...], since: dict[str, str], as_json: bool
) -> None:
    from livethread_client import connect  # noqa: PLC0415

    reached: dict[str, str] = {}
    try:
        async with connect(server, token=token) as live, asyncio.TaskGroup() as group:
            for name in rooms:
                printer = Printer(name if len(rooms) > 1 else None, as_json=as_json)
                group.create_task(_follow(live, name, since.get(name), printer, reached))
    finally:
        if reached:
            flags = [
                f"--since {f'{name}=' if len(rooms) > 1 else ''}{cursor}"
                for name, cursor in (since | reached).items()
            ]
            command = " ".join(["livethread tail", *rooms, *flags])
            click.echo(f"To go on from here: {command}", err=True)


async def _follow(
    live: Live, name: str, since: str | None, printer: Printer, reached: dict[str, str]
) -> None:
    room = await live.join(name, since, order="oldest")
    async for item in room.changes():
        for line in printer.lines(name, item):
            click.echo(line)
        reached[name] = room.cursor or ""


class Printer:
    """Changes as lines for people or (``as_json``) for programs.

    ``label`` goes before each line of a room that is not the only one.
    """

    def __init__(self, label: str | None, *, as_json: bool) -> None:
        self._label = "" if label is None else f"{one_line(label)}  "
        self._as_json = as_json
        self._depths: OrderedDict[int, int] = OrderedDict()

    def lines(self, room: str, item: Snapshot | Change) -> Iterator[str]:
        from livethread.protocol.frames import Change  # noqa: PLC0415

        if self._as_json:
            yield from _json_lines(room, item)
        elif isinstance(item, Change):
            if item.comment is not None:
                yield from self._comment(item.comment, is_new=item.comment.id == item.seq)
            elif item.room is not None:
                yield f"{self._label}*** {_room_words(item.room)}"
        else:
            if item.reason == "behind":
                yield f"{self._label}*** too far behind for every change; this is the present:"
            elif item.reason == "new_history":
                yield (
                    f"{self._label}*** that cursor is not of this room's history (was the server "
                    "restored?); this is the present:"
                )
            for comment in item.comments:
                yield from self._comment(comment, is_new=True)
            if item.next is not None or item.more:
                yield f"{self._label}*** there is more: livethread replay {one_line(room)}"

    def _comment(self, comment: Comment, *, is_new: bool) -> Iterator[str]:
        indent = self._label + "  " * self._depth(comment)
        when = datetime.fromisoformat(comment.created).astimezone()
        note = "" if is_new else " (changed)"
        if comment.author is None or comment.body is None:
            yield f"{indent}#{comment.id} {comment.state}"
            return
        if comment.edited is not None:
            note = " (edited)"
        if comment.state != "visible":
            note += f" ({comment.state})"
        badge = f" [{comment.author.badge}]" if comment.author.badge else ""
        name = one_line(comment.author.name)
        yield f"{indent}#{comment.id} {when:%Y-%m-%d %H:%M:%S} {name}{badge}{note}"
        for line in lines(comment.body):
            yield f"{indent}   {line}".rstrip()

    def _depth(self, comment: Comment) -> int:
        depth = 0
        if comment.parent is not None:
            depth = min(self._depths.get(comment.parent, 0) + 1, MAX_DEPTH)
        self._depths[comment.id] = depth
        if len(self._depths) > MAX_KNOWN:
            self._depths.popitem(last=False)
        return depth


def _json_lines(room: str, item: Snapshot | Change) -> Iterator[str]:
    from livethread.protocol.frames import Change  # noqa: PLC0415

    if isinstance(item, Change):
        yield json_line({"room": room, **item.model_dump(mode="json", exclude_none=True)})
        return
    yield json_line({"room": room, "snapshot": item.reason, "cursor": item.cursor})
    for comment in item.comments:
        value = comment.model_dump(mode="json", exclude_none=True)
        yield json_line({"room": room, "seq": comment.seq, "comment": value})


def _room_words(room: RoomInfo) -> str:
    words = [f"comments are {room.state}"]
    if room.title:
        words.insert(0, one_line(room.title))
    if room.slow_mode_s:
        words.append(f"slow mode {room.slow_mode_s} s")
    if room.premoderate:
        words.append("comments wait for a moderator")
    return ", ".join(words)
