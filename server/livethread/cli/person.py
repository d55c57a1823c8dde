"""``livethread person``: export, erase."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from livethread.cli.database import DATABASE, SITE, known_site, now_ms, opened, writing
from livethread.cli.flags import load_settings, settings_flags
from livethread.settings import Settings
from livethread.store import person as kept
from livethread.store import words

_PAUSE_S = 0.01
"""Between two slices of some 3 ms, for a running server's commits."""


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
    with opened(load_settings(config, flags)) as database:
        known_site(database, site)
        value = kept.export(database, site, id)
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


@person.command()
@click.argument("id")
@click.option("--yes", is_flag=True, help="Don't ask.")
@SITE
@settings_flags((*DATABASE, "secret"))
def erase(id: str, yes: bool, site: str, config: Path | None, **flags: Any) -> None:
    """Erase a person's words, name, address and hashes. Their places in threads stay, empty.

    Whoever is signed in as that person is signed out, for good. A running server shows it within
    a second. Backups made before still have it all.
    """
    if not yes:
        click.confirm(f"Erase {id} on {site}? This can't be undone", abort=True)
    from livethread.app import load_secret  # noqa: PLC0415
    from livethread.auth.signing import Signer  # noqa: PLC0415

    settings = load_settings(config, flags)
    signer = Signer(load_secret(settings), now_ms)
    with writing(settings) as database:
        known_site(database, site)
        count = kept.erase(database, site, id, mark=signer.mark)
    _forget_words(settings)
    click.echo(f"Erased: {count} comments.")


def _forget_words(settings: Settings) -> None:
    """Have the index of words forget them, too, and then the log; a server goes on meanwhile."""
    with opened(settings) as database:
        words.begin_tidying(database)
        while words.tidy(database):
            time.sleep(_PAUSE_S)
    with writing(settings) as database:
        database.execute(kept.RISE)
