"""``livethread bot``: create, list, rotate, revoke."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from livethread.auth.identity import SCOPES
from livethread.cli.database import DATABASE, SITE, known_site, now_ms, opened, writing
from livethread.cli.flags import load_settings, settings_flags
from livethread.cli.shown import one_line


@click.group()
def bot() -> None:
    """Create, list, rotate and revoke bots."""


@bot.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    default=("read", "post"),
    show_default=True,
    help="What the bot may do. May be repeated.",
)
@click.option(
    "--rooms", default="*", show_default=True, metavar="PATTERN", help="Where, such as 'news/*'."
)
@SITE
@settings_flags(DATABASE)
def create(
    name: str, scopes: tuple[str, ...], rooms: str, site: str, config: Path | None, **flags: Any
) -> None:
    """Create a bot and print its token, this once: only a hash of it is kept."""
    from livethread.auth.bots import new_bot  # noqa: PLC0415
    from livethread.protocol.text import clean_name  # noqa: PLC0415

    try:
        name = clean_name(name)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    token, secret = new_bot(name, frozenset(scopes), rooms, now_ms(), site)
    row = {
        "id": token.id,
        "name": token.name,
        "digest": token.digest,
        "scopes": " ".join(sorted(token.scopes)),
        "rooms": token.rooms,
        "created_ms": token.created_ms,
        "is_revoked": 0,
        "site": token.site,
    }
    columns = ", ".join(row)
    values = ", ".join(f":{column}" for column in row)
    with writing(load_settings(config, flags)) as database:
        known_site(database, site)
        taken = database.execute("SELECT is_revoked FROM bots WHERE name = ?", (name,)).fetchone()
        if taken is not None:
            was = "There was" if taken[0] else "There is"
            raise click.ClickException(f"{was} a bot called {name!r}; choose another name.")
        database.execute(f"INSERT INTO bots ({columns}) VALUES ({values})", row)
    click.echo(secret)
    click.echo("Keep this token: it is not shown again.", err=True)


@bot.command("list")
@settings_flags(DATABASE)
def list_bots(config: Path | None, **flags: Any) -> None:
    """List the bots: name, scopes, rooms, since when, site."""
    with opened(load_settings(config, flags)) as database:
        found = database.execute(
            "SELECT name, scopes, rooms, created_ms, is_revoked, site FROM bots"
            " ORDER BY created_ms, id"
        ).fetchall()
    if not found:
        click.echo("There are no bots. `livethread bot create NAME` makes one.", err=True)
    for name, scopes, rooms, created_ms, is_revoked, site in found:
        day = datetime.fromtimestamp(created_ms / 1000, UTC).date().isoformat()
        state = "revoked" if is_revoked else scopes.replace(" ", ",")
        click.echo("\t".join((one_line(name), state, one_line(rooms), day, site)))


@bot.command()
@click.argument("name")
@settings_flags(DATABASE)
def rotate(name: str, config: Path | None, **flags: Any) -> None:
    """Give a bot another token and print it; the one it had is not valid any more."""
    from livethread.auth.bots import another_token  # noqa: PLC0415

    with writing(load_settings(config, flags)) as database:
        query = "SELECT id FROM bots WHERE name = ? AND NOT is_revoked"
        found = database.execute(query, (name,)).fetchone()
        if found is None:
            raise click.ClickException(f"There is no bot called {name!r}, or no more.")
        token, digest = another_token(found[0])
        database.execute("UPDATE bots SET digest = ? WHERE id = ?", (digest, found[0]))
    click.echo(token)
    click.echo("Keep this token: it is not shown again.", err=True)


@bot.command()
@click.argument("name")
@settings_flags(DATABASE)
def revoke(name: str, config: Path | None, **flags: Any) -> None:
    """Revoke a bot's token; its name is not given again."""
    with writing(load_settings(config, flags)) as database:
        changed = database.execute("UPDATE bots SET is_revoked = 1 WHERE name = ?", (name,))
        if not changed.rowcount:
            raise click.ClickException(f"There is no bot called {name!r}.")
    click.echo(f"{name} can't sign in any more.")
