"""``livethread ban``: add, list, remove."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from livethread.cli.database import DATABASE, SITE, known_site, now_ms, opened, writing
from livethread.cli.flags import load_settings, settings_flags
from livethread.cli.shown import one_line

_DAY_MS = 86_400_000


@click.group()
def ban() -> None:
    """Ban people from a site, as moderators do there. A server notices within a second.

    A PERSON is an author's id, such as g:0123456789abcdef.
    """


@ban.command()
@click.argument("person")
@SITE
@click.option("--days", type=click.FloatRange(0, 36_500, min_open=True), help="For so long.")
@click.option("--reason", default="", help="Why, for other moderators.")
@settings_flags(DATABASE)
def add(
    person: str, site: str, days: float | None, reason: str, config: Path | None, **flags: Any
) -> None:
    """Ban a PERSON, for good or for some --days; whatever they are connected with is closed."""
    now = now_ms()
    until = None if days is None else now + round(days * _DAY_MS)
    with writing(load_settings(config, flags)) as database:
        known_site(database, site)
        database.execute(
            "INSERT OR REPLACE INTO bans (site, person, until_ms, reason, banned_by, created_ms)"
            " VALUES (?, ?, ?, ?, 'operator', ?)",
            (site, person, until, reason, now),
        )
    click.echo(f"{one_line(person)} is banned from {site}.")


@ban.command("list")
@settings_flags(DATABASE)
def list_bans(config: Path | None, **flags: Any) -> None:
    """List the bans: site, id, until when, by whom, why."""
    with opened(load_settings(config, flags)) as database:
        query = "SELECT site, person, until_ms, banned_by, reason FROM bans ORDER BY site, person"
        found = database.execute(query).fetchall()
    for site, person, until, by, reason in found:
        end = "for good" if until is None else f"{datetime.fromtimestamp(until / 1000, UTC):%F %R}"
        click.echo("\t".join(map(one_line, (site, person, end, by, reason))))


@ban.command()
@click.argument("person")
@SITE
@settings_flags(DATABASE)
def remove(person: str, site: str, config: Path | None, **flags: Any) -> None:
    """Lift a ban."""
    with writing(load_settings(config, flags)) as database:
        gone = database.execute("DELETE FROM bans WHERE site = ? AND person = ?", (site, person))
        if not gone.rowcount:
            raise click.ClickException(f"That person is not banned from {site}.")
    click.echo(f"{one_line(person)} may come back to {site}.")
