"""``livethread site``: add, list, set, remove."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from livethread.cli.database import DATABASE, known_site, now_ms, opened, writing
from livethread.cli.flags import load_settings, settings_flags
from livethread.cli.shown import one_line
from livethread.site import DEFAULT, clean_origin

_ROW = "(key, name, origins, guests, created_ms) VALUES (?, ?, ?, ?, ?)"
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_NAME = click.option("--name", help="What readers call it.")
_ORIGINS = click.option(
    "--origin",
    "origins",
    multiple=True,
    help="Whose pages may embed it: https://news.example, https://*.news.example. May be repeated.",
)
_GUESTS = click.option(
    "--guests/--no-guests",
    default=None,
    help="Whether readers may comment under a name they give; as the server's setting if absent.",
)


@click.group()
def site() -> None:
    """Add, list, change and remove sites.

    A running server notices within a second. The site 'default' is always there; its origins are
    those of the settings and those that are given here.
    """


@site.command()
@click.argument("key")
@_NAME
@_ORIGINS
@_GUESTS
@settings_flags(DATABASE)
def add(
    key: str,
    name: str | None,
    origins: tuple[str, ...],
    guests: bool | None,
    config: Path | None,
    **flags: Any,
) -> None:
    """Add a site. Its KEY is what pages and programs call it by: letters, digits, hyphens."""
    if not _KEY.fullmatch(key) or key == DEFAULT:
        raise click.UsageError(f"{key!r} can't be a key: up to 32 of a-z, 0-9 and hyphens can.")
    row = (key, name or key, _joined(origins), guests, now_ms())
    with writing(load_settings(config, flags)) as database:
        if database.execute("SELECT 1 FROM sites WHERE key = ?", (key,)).fetchone():
            raise click.ClickException(f"There is a site {key!r} already.")
        database.execute(f"INSERT INTO sites {_ROW}", row)
    click.echo(f'{key}: <live-thread site="{key}"></live-thread>')


@site.command("list")
@settings_flags(DATABASE)
def list_sites(config: Path | None, **flags: Any) -> None:
    """List the sites: key, name, origins, whether guests may comment, a hook of their own."""
    with opened(load_settings(config, flags)) as database:
        query = "SELECT key, name, origins, guests, hook_url FROM sites ORDER BY key"
        found = database.execute(query).fetchall()
    for key, name, origins, guests, hook in found or [(DEFAULT, "", "", None, None)]:
        may = {None: "as the server", 0: "no guests", 1: "guests"}[guests]
        of_pages = origins.replace(" ", ",") or "-"
        click.echo("\t".join((key, one_line(name), of_pages, may, hook or "-")))


@site.command("set")
@click.argument("key")
@_NAME
@_ORIGINS
@_GUESTS
@click.option(
    "--hook-url",
    help="Address that is asked for judgements on this site's comments; prints a new secret. "
    "Empty: as the server's settings say.",
)
@settings_flags(DATABASE)
def change(
    key: str,
    name: str | None,
    origins: tuple[str, ...],
    guests: bool | None,
    hook_url: str | None,
    config: Path | None,
    **flags: Any,
) -> None:
    """Change what is given of a site; --origin replaces all that it had."""
    given: dict[str, Any] = {}
    if name is not None:
        given["name"] = name
    if origins:
        given["origins"] = _joined(origins)
    if guests is not None:
        given["guests"] = guests
    if hook_url is not None:
        given |= _hook(hook_url)
    if not given:
        raise click.UsageError(
            "Say what to change: --name, --origin, --guests, --no-guests or --hook-url."
        )
    changes = ", ".join(f"{column} = :{column}" for column in given)
    with writing(load_settings(config, flags)) as database:
        known_site(database, key)
        if key == DEFAULT:  # has no row until something is said of it
            row = (DEFAULT, "", "", None, now_ms())
            database.execute(f"INSERT OR IGNORE INTO sites {_ROW}", row)
        database.execute(f"UPDATE sites SET {changes} WHERE key = :key", {**given, "key": key})
    click.echo(f"{key} is changed.")
    if hook_url:
        click.echo(given["hook_secret"])
        click.echo("Keep this secret, which signs what the hook is asked.", err=True)


@site.command()
@click.argument("key")
@settings_flags(DATABASE)
def remove(key: str, config: Path | None, **flags: Any) -> None:
    """Remove a site: nobody can connect to it. Its comments stay, for if it is added again."""
    with writing(load_settings(config, flags)) as database:
        known_site(database, key)
        database.execute("DELETE FROM sites WHERE key = ?", (key,))
        database.execute("DELETE FROM issuers WHERE site = ?", (key,))
        database.execute("DELETE FROM providers WHERE site = ?", (key,))
    click.echo(f"{key} is removed.")


def _hook(url: str) -> dict[str, str | None]:
    """The columns of a hook, with a new secret; of none, if ``url`` is empty."""
    from livethread.webhook import check_url, new_secret  # noqa: PLC0415

    if not url:
        return {"hook_url": None, "hook_secret": None}
    try:
        check_url(url)
    except ValueError as error:
        raise click.UsageError(f"--hook-url: {error}.") from error
    return {"hook_url": url, "hook_secret": new_secret()}


def _joined(origins: Iterable[str]) -> str:
    try:
        return " ".join(dict.fromkeys(map(clean_origin, origins)))
    except ValueError as error:
        raise click.UsageError(f"{error}.") from error
