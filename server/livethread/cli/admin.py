"""``livethread admin``: signs moderators and admins in."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click

from livethread.cli.database import DATABASE, SITE, known_site, now_ms, writing
from livethread.cli.flags import load_settings, settings_flags

_WHERE = (*DATABASE, "secret", "public_url", "host", "port")

_ROW = """
(site, id, issuer, subject, name, skeleton, avatar, role, issued_s)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


@click.group()
def admin() -> None:
    """Sign in those who run the place."""


@admin.command()
@click.argument("name")
@click.option(
    "--role", type=click.Choice(("moderator", "admin")), default="admin", show_default=True
)
@click.option(
    "--hours",
    type=click.IntRange(1, 24 * 365),
    default=12,
    show_default=True,
    help="How long the sign-in is good.",
)
@SITE
@settings_flags(_WHERE)
def link(name: str, role: str, hours: int, site: str, config: Path | None, **flags: Any) -> None:
    """Print a link that opens the moderation page, signed in as NAME. Whoever has it is NAME.

    The same NAME is the same person each time; `livethread role take` and `livethread ban add` end
    what they may do.
    """
    from livethread.app import load_secret  # noqa: PLC0415
    from livethread.auth.signing import ISSUER, Signer  # noqa: PLC0415
    from livethread.listening import url_of  # noqa: PLC0415
    from livethread.model import Role  # noqa: PLC0415
    from livethread.protocol.lookalikes import skeleton  # noqa: PLC0415
    from livethread.protocol.text import clean_name  # noqa: PLC0415
    from livethread.site import DEFAULT, Person  # noqa: PLC0415

    settings = load_settings(config, flags)
    try:
        name = clean_name(name)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    look = skeleton(name)
    id = f"a:{hashlib.blake2s(f'{site} {look}'.encode(), digest_size=10).hexdigest()}"
    person = Person(site, id, ISSUER, look, name, None, Role.READER, now_ms() // 1000)
    row = (site, id, ISSUER, look, name, look, None, "reader", person.issued_s)
    with writing(settings) as database:
        known_site(database, site)
        database.execute(f"INSERT OR REPLACE INTO people {_ROW}", row)
        database.execute("INSERT OR REPLACE INTO roles VALUES (?, ?, ?)", (site, id, role))
    _, token = Signer(load_secret(settings), now_ms).reader(person, hours * 3600)
    base = settings.public_url.rstrip("/") or url_of(settings.host, settings.port, is_tls=False)
    of_site = "" if site == DEFAULT else f"?site={site}"
    click.echo(f"{base}/moderation{of_site}#token={token}")
