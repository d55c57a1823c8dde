"""``livethread post``."""

from __future__ import annotations

import getpass
import sys

import click

from livethread.cli.talking import run, server_option, token_option


@click.command()
@click.argument("room")
@click.argument("text")
@click.option("--reply-to", type=int, metavar="ID", help="Number of the comment to reply to.")
@click.option("--name", help="Name to post under as a guest.  [default: your user name]")
@token_option
@server_option
def post(
    room: str, text: str, reply_to: int | None, name: str | None, token: str | None, server: str
) -> None:
    """Post a comment.

    TEXT is Markdown; "-" reads it from standard input. Without a token it is posted as a guest.
    """
    if token and name:
        raise click.UsageError("A token has its own name: give --name or --token, not both.")
    if text == "-":
        try:
            text = sys.stdin.buffer.read().decode()
        except UnicodeDecodeError as error:
            raise click.UsageError("Standard input is not UTF-8 text.") from error
    guest = None if token else name or _user_name()
    run(_post(server, token, guest, room, text, reply_to))


async def _post(
    server: str, token: str | None, guest: str | None, room: str, text: str, reply_to: int | None
) -> None:
    from livethread_client import connect  # noqa: PLC0415

    async with connect(server, token=token, guest=guest, patience_s=10) as live:
        ack = await live.room(room).post(text, parent=reply_to)
        id = ack.seq if ack.comment is None else ack.comment.id
        is_held = ack.comment is not None and ack.comment.state == "held"
        click.echo(f"Comment {id} in {room}{' waits for a moderator' if is_held else ''}.")


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "guest"
