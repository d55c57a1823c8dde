"""``livethread provider``: add, list, remove."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from livethread.cli.database import DATABASE, SITE, known_site, opened, writing
from livethread.cli.flags import load_settings, settings_flags
from livethread.cli.shown import one_line

_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@click.group()
def provider() -> None:
    """Let readers sign in elsewhere, by OpenID Connect. A server notices within a second."""


@provider.command()
@click.argument("key")
@SITE
@click.option(
    "--issuer",
    required=True,
    help="Its address, below which its discovery document is; or `github`, which has none.",
)
@click.option("--client-id", required=True, help="What it knows this server by.")
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="File with the client's secret.",
)
@click.option("--label", help="What readers read on the button; the key if absent.")
@click.option(
    "--algorithm",
    type=click.Choice(("RS256", "ES256", "EdDSA")),
    default="RS256",
    show_default=True,
    help="The only one that its ID tokens may be signed with.",
)
@settings_flags(DATABASE)
def add(
    key: str,
    site: str,
    issuer: str,
    client_id: str,
    secret_file: Path,
    label: str | None,
    algorithm: str,
    config: Path | None,
    **flags: Any,
) -> None:
    """Offer a provider by the name KEY, such as google."""
    from livethread.auth.openid import GITHUB, is_safe_url  # noqa: PLC0415

    kind = "github" if issuer == "github" else "openid"
    if kind == "github":
        issuer = GITHUB.issuer

    if not _KEY.fullmatch(key) or key == "mail":
        raise click.UsageError(f"{key!r} can't be a key: up to 32 of a-z, 0-9 and hyphens can.")
    if not is_safe_url(issuer):
        raise click.UsageError("--issuer: an address that begins with https:// is needed.")
    secret = secret_file.read_text().strip()
    row = (site, key, label or key, issuer, client_id, secret, algorithm, kind)
    settings = load_settings(config, flags)
    with writing(settings) as database:
        known_site(database, site)
        query = "SELECT 1 FROM providers WHERE site = ? AND key = ?"
        if database.execute(query, (site, key)).fetchone():
            raise click.ClickException(f"{site} has a provider {key!r} already.")
        database.execute("INSERT INTO providers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    base = settings.public_url.rstrip("/") or "https://YOUR-SERVER"
    click.echo(f"{key} sends readers back to {base}/sign-in/back: tell it that address.")


@provider.command("list")
@settings_flags(DATABASE)
def list_providers(config: Path | None, **flags: Any) -> None:
    """List the providers: site, key, label, issuer, client's id."""
    with opened(load_settings(config, flags)) as database:
        query = "SELECT site, key, label, issuer, client_id FROM providers ORDER BY site, key"
        found = database.execute(query).fetchall()
    for row in found:
        click.echo("\t".join(map(one_line, row)))


@provider.command()
@click.argument("key")
@SITE
@settings_flags(DATABASE)
def remove(key: str, site: str, config: Path | None, **flags: Any) -> None:
    """Offer a provider no more. Whoever signed in there stays signed in until their token ends."""
    with writing(load_settings(config, flags)) as database:
        gone = database.execute("DELETE FROM providers WHERE site = ? AND key = ?", (site, key))
        if not gone.rowcount:
            raise click.ClickException(f"{site} has no provider {key!r}.")
    click.echo(f"{site} offers {key} no more.")
