"""``livethread issuer``: add, list, rotate, remove."""

from __future__ import annotations

import json
import secrets
import sqlite3
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import urlsplit

import click

from livethread.cli.database import DATABASE, SITE, known_site, opened, writing
from livethread.cli.flags import load_settings, settings_flags
from livethread.cli.shown import one_line
from livethread.site import Algorithm

MAX_KEYS = 2
_OWN = "livethread"
_TAKEN = (_OWN, "mailto:")
"""Who is signed in here has one of these as issuer."""
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_KEY = click.option(
    "--key-file",
    type=_FILE,
    help="Its public key, a PEM or a JWK; for HS256 the secret, 32 bytes or more.",
)


@click.group()
def issuer() -> None:
    """Say whose tokens a site believes: single sign-on. A server notices within a second."""


@issuer.command()
@click.argument("name")
@SITE
@click.option(
    "--algorithm",
    type=click.Choice(get_args(Algorithm)),
    required=True,
    help="The only one that its tokens may be signed with.",
)
@click.option(
    "--audience", default=_OWN, show_default=True, help="What its tokens must have as `aud`."
)
@_KEY
@click.option("--jwks-url", help="Where its keys are fetched, as a JWK Set, in place of a file.")
@settings_flags(DATABASE)
def add(
    name: str,
    site: str,
    algorithm: Algorithm,
    audience: str,
    key_file: Path | None,
    jwks_url: str | None,
    config: Path | None,
    **flags: Any,
) -> None:
    """Believe tokens whose `iss` is NAME. For HS256 without a file a secret is made and printed."""
    if name.startswith(_TAKEN) or not name.isprintable() or not name:
        raise click.UsageError(f"{name!r} can't be an issuer's name.")
    if jwks_url is not None:
        _check_url(jwks_url, algorithm, key_file)
    keys: list[dict[str, Any]] = []
    made = None
    if jwks_url is None:
        key, made = _key(algorithm, key_file)
        keys = [key]
    row = (site, name, audience, algorithm, json.dumps(keys), jwks_url)
    with writing(load_settings(config, flags)) as database:
        known_site(database, site)
        query = "SELECT 1 FROM issuers WHERE site = ? AND name = ?"
        if database.execute(query, (site, name)).fetchone():
            raise click.ClickException(f"{site} believes {name!r} already; see `issuer rotate`.")
        database.execute(
            "INSERT INTO issuers (site, name, audience, algorithm, keys, jwks_url)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            row,
        )
    _tell(made, f"{site} believes {name}.")


@issuer.command("list")
@settings_flags(DATABASE)
def list_issuers(config: Path | None, **flags: Any) -> None:
    """List the issuers: site, name, algorithm, audience, where the keys are from."""
    with opened(load_settings(config, flags)) as database:
        query = "SELECT site, name, algorithm, audience, keys, jwks_url FROM issuers"
        found = database.execute(f"{query} ORDER BY site, name").fetchall()
    if not found:
        click.echo("There are no issuers. `livethread issuer add NAME` adds one.", err=True)
    for site, name, algorithm, audience, keys, url in found:
        count = len(json.loads(keys))
        source = url or ("1 key" if count == 1 else f"{count} keys")
        click.echo("\t".join(map(one_line, (site, name, algorithm, audience, source))))


@issuer.command()
@click.argument("name")
@SITE
@_KEY
@settings_flags(DATABASE)
def rotate(name: str, site: str, key_file: Path | None, config: Path | None, **flags: Any) -> None:
    """Give an issuer a newer key. The one before it counts until the next rotation."""
    with writing(load_settings(config, flags)) as database:
        found = _found(database, site, name)
        if found["jwks_url"] is not None:
            raise click.ClickException(f"{name!r} has its keys at {found['jwks_url']}.")
        key, made = _key(found["algorithm"], key_file)
        keys = [*json.loads(found["keys"]), key][-MAX_KEYS:]
        database.execute(
            "UPDATE issuers SET keys = ? WHERE site = ? AND name = ?",
            (json.dumps(keys), site, name),
        )
    _tell(made, f"{name} has a newer key.")


@issuer.command()
@click.argument("name")
@SITE
@settings_flags(DATABASE)
def remove(name: str, site: str, config: Path | None, **flags: Any) -> None:
    """Believe an issuer no more; whoever signed in with it is signed out."""
    with writing(load_settings(config, flags)) as database:
        _found(database, site, name)
        database.execute("DELETE FROM issuers WHERE site = ? AND name = ?", (site, name))
    click.echo(f"{site} believes {name} no more.")


def _found(database: sqlite3.Connection, site: str, name: str) -> dict[str, Any]:
    query = "SELECT algorithm, keys, jwks_url FROM issuers WHERE site = ? AND name = ?"
    row = database.execute(query, (site, name)).fetchone()
    if row is None:
        raise click.ClickException(f"{site} has no issuer {name!r}.")
    return dict(zip(("algorithm", "keys", "jwks_url"), row, strict=True))


def _key(algorithm: Algorithm, file: Path | None) -> tuple[dict[str, Any], str | None]:
    """The key as a JWK, and the secret if one was made here."""
    from livethread.auth.keys import load_key  # noqa: PLC0415

    made = None
    if file is not None:
        data = file.read_bytes().strip()
    elif algorithm == "HS256":
        made = secrets.token_urlsafe(48)
        data = made.encode()
    else:
        raise click.UsageError("Give its public key with --key-file, or where it is: --jwks-url.")
    try:
        is_jwk = data.startswith(b"{")
        key = load_key(algorithm, json.loads(data) if is_jwk else data)
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}.") from error
    return cast(dict[str, Any], key.as_dict()), made


def _check_url(url: str, algorithm: Algorithm, key_file: Path | None) -> None:
    parts = urlsplit(url)
    is_local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        raise click.UsageError("--jwks-url: keys are fetched by https only.")
    if algorithm == "HS256" or key_file is not None:
        raise click.UsageError("--jwks-url is in place of a file, and not for a secret.")


def _tell(made: str | None, done: str) -> None:
    if made is None:
        click.echo(done)
        return
    click.echo(made)
    click.echo(f"{done} Keep this secret: it is not shown again.", err=True)
