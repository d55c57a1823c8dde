"""``livethread replay``.

A bot with the ``replay`` scope gets the feed from its beginning. Anybody else gets the same
comments page by page over a room that was joined before, so that what changes during the reading
follows as a change: the last line of a comment is the comment as it is.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import click

from livethread.cli.shown import json_line
from livethread.cli.talking import run, server_option, token_option

if TYPE_CHECKING:
    from livethread.protocol.frames import Comment
    from livethread_client import Live


@click.command()
@click.argument("room")
@token_option
@server_option
def replay(room: str, token: str | None, server: str) -> None:
    """Write all comments of a room as JSON lines.

    A line is a comment as the protocol has it. One that changes while it is being read comes once
    more: the last line with its id counts.
    """
    run(_replay(server, token, room))


async def _replay(server: str, token: str | None, name: str) -> None:
    from livethread_client import connect  # noqa: PLC0415

    async with connect(server, token=token) as live:
        if "replay" in (live.user.scopes or ()):
            await _from_feed(live, name)
        else:
            await _from_pages(live, name)


async def _from_feed(live: Live, name: str) -> None:
    room = await live.join(name, "0")
    head = room.info.seq if room.info is not None else 0
    with Progress(head) as progress:
        async for item in room.changes(until=head):
            comment: Comment | None = getattr(item, "comment", None)
            if comment is not None:
                progress.write(comment)


async def _from_pages(live: Live, name: str) -> None:
    room = await live.join(name, order="oldest", limit=1)
    count = room.info.comments if room.info is not None else 0
    with Progress(count) as progress:
        needs_reading, at = True, 0
        while needs_reading:
            async for page in room.history():
                at = max(at, page.at)
                for comment in page.comments:
                    progress.write(comment)
            needs_reading = False
            async for item in room.changes(until=at):
                changed: Comment | None = getattr(item, "comment", None)
                if changed is not None:
                    progress.write(changed)
                elif getattr(item, "reason", "start") != "start":
                    needs_reading = True  # changes were missed: a long reading of a busy room


class Progress:
    """Writes comments, and on a terminal says how far it is."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._seqs: dict[int, int] = {}
        self._stack = contextlib.ExitStack()
        self._bar: Any = None

    def __enter__(self) -> Progress:
        # A terminal that also gets the lines needs no bar between them.
        if sys.stderr.isatty() and not sys.stdout.isatty():
            bar = click.progressbar(length=self._length, label="Comments", file=sys.stderr)
            self._bar = self._stack.enter_context(bar)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def write(self, comment: Comment) -> None:
        """A line, unless this state of the comment has been written already."""
        if self._seqs.get(comment.id, -1) >= comment.seq:
            return
        is_first = comment.id not in self._seqs
        self._seqs[comment.id] = comment.seq
        click.echo(json_line(comment.model_dump(mode="json", exclude_none=True)))
        if self._bar is not None and is_first:
            self._bar.update(1)
