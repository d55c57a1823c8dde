"""``livethread role``: give, list, take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from livethread.cli.database import DATABASE, SITE, known_site, opened, writing
from livethread.cli.flags import load_settings, settings_flags
from livethread.cli.shown import one_line

_ROLES = ("reader", "trusted", "moderator", "admin")


@click.group()
def role() -> None:
    """Give readers roles, whatever their tokens say. A server notices within a second.

    A PERSON is an author's id, such as u:0123456789abcdef0123.
    """


@role.command()
@click.argument("person")
@click.argument("role", type=click.Choice(_ROLES))
@SITE
@settings_flags(DATABASE)
def give(person: str, role: str, site: str, config: Path | None, **flags: Any) -> None:
    """Give a PERSON who signed in a ROLE on the site, in place of the one there was."""
    with writing(load_settings(config, flags)) as database:
        known_site(database, site)
        query = "SELECT name FROM people WHERE site = ? AND id = ?"
        found = database.execute(query, (site, person)).fetchone()
        if found is None:
            raise click.ClickException(f"Nobody of that id has signed in on {site}.")
        database.execute("INSERT OR REPLACE INTO roles VALUES (?, ?, ?)", (site, person, role))
    click.echo(f"{one_line(found[0])} is {role} on {site}.")


@role.command("list")
@settings_flags(DATABASE)
def list_roles(config: Path | None, **flags: Any) -> None:
    """List the roles given here: site, id, role, name."""
    with opened(load_settings(config, flags)) as database:
        found = database.execute(
            "SELECT roles.site, person, roles.role, coalesce(name, '') FROM roles"
            " LEFT JOIN people ON people.site = roles.site AND people.id = person ORDER BY 1, 2"
        ).fetchall()
    for row in found:
        click.echo("\t".join(map(one_line, row)))


@role.command()
@click.argument("person")
@SITE
@settings_flags(DATABASE)
def take(person: str, site: str, config: Path | None, **flags: Any) -> None:
    """Take a role back: what the PERSON's token says counts again."""
    with writing(load_settings(config, flags)) as database:
        gone = database.execute("DELETE FROM roles WHERE site = ? AND person = ?", (site, person))
        if not gone.rowcount:
            raise click.ClickException(f"That person was given no role on {site}.")
    click.echo("It is taken back.")
