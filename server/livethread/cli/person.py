"""``livethread person``: export, erase."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from livethread.cli.database import DATABASE, SITE, known_site, opened, writing
from livethread.cli.flags import load_settings, settings_flags


@click.group()
def person() -> None:
    """Hand out or erase what is kept of a person.

    An ID is an author's, such as g:0123456789abcdef.
    """


@person.command()
@click.argument("id")
@SITE
@settings_flags(DATABASE)
def export(id: str, site: str, config: Path | None, **flags: Any) -> None:
    """Print all that is kept of a person on the site, as JSON."""
    from livethread.store import person as kept  # noqa: PLC0415

    with opened(load_settings(config, flags)) as database:
        known_site(database, site)
        value = kept.export(database, site, id)
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


@person.command()
@click.argument("id")
@click.option("--yes", is_flag=True, help="Don't ask.")
@SITE
@settings_flags(DATABASE)
def erase(id: str, yes: bool, site: str, config: Path | None, **flags: Any) -> None:
    """Erase a person's words, name, address and hashes. Their places in threads stay, empty.

    A running server shows it within a second. Backups made before still have it all.
    """
    from livethread.store import person as kept  # noqa: PLC0415

    if not yes:
        click.confirm(f"Erase {id} on {site}? This can't be undone", abort=True)
    with writing(load_settings(config, flags)) as database:
        known_site(database, site)
        count = kept.erase(database, site, id)
    click.echo(f"Erased: {count} comments.")
