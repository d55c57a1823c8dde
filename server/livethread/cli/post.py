"""``livethread post``."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from dataclasses import dataclass

import click

from livethread.cli.talking import run, server_option, token_option
from livethread.protocol.errors import LivethreadError

TIMEOUT_S = 30.0


@click.command()
@click.argument("room")
@click.argument("text")
@click.option("--reply-to", type=int, metavar="ID", help="Number of the comment to reply to.")
@click.option("--name", help="Name to post under as a guest.  [default: your user name]")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=TIMEOUT_S,
    show_default=True,
    metavar="SECONDS",
    help="How long to try.",
)
@token_option
@server_option
def post(
    room: str,
    text: str,
    reply_to: int | None,
    name: str | None,
    timeout_s: float,
    token: str | None,
    server: str,
) -> None:
    """Post a comment.

    TEXT is Markdown; "-" reads it from standard input. Without a token it is posted as a guest.

    Exit code 1 is a refusal, 75 that it was not answered in time: it may be saved all the same.
    """
    if token and name:
        raise click.UsageError("A token has its own name: give --name or --token, not both.")
    if text == "-":
        try:
            text = sys.stdin.buffer.read().decode()
        except UnicodeDecodeError as error:
            raise click.UsageError("Standard input is not UTF-8 text.") from error
    guest = None if token else name or _user_name()
    run(_post(Posting(server, token, guest, room, text, reply_to), timeout_s))


class NotAnswered(click.ClickException):
    exit_code = os.EX_TEMPFAIL


@dataclass(frozen=True, slots=True)
class Posting:
    server: str
    token: str | None
    guest: str | None
    room: str
    text: str
    reply_to: int | None


async def _post(posting: Posting, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            click.echo(await _posted(posting))
    except TimeoutError:
        raise NotAnswered(
            f"Not answered within {timeout_s:g} s. "
            "It may be saved all the same: look before you post it again."
        ) from None


async def _posted(posting: Posting) -> str:
    """What there is to say about it, once it is saved."""
    from livethread_client import connect  # noqa: PLC0415

    said: set[str] = set()

    def say(error: LivethreadError) -> None:
        if error.message not in said:
            said.add(error.message)
            click.echo(f"Not saved yet, trying again. {error.message}", err=True)

    async with connect(
        posting.server, token=posting.token, guest=posting.guest, patience_s=10, on_retry=say
    ) as live:
        ack = await live.room(posting.room).post(posting.text, parent=posting.reply_to)
    id = ack.seq if ack.comment is None else ack.comment.id
    is_held = ack.comment is not None and ack.comment.state == "held"
    return f"Comment {id} in {posting.room}{' waits for a moderator' if is_held else ''}."


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "guest"
