"""``livethread backup`` and ``livethread restore``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from livethread.cli.flags import load_settings, settings_flags

_DATABASE = ("data_dir", "database_url")
_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.command()
@_FILE
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@settings_flags(_DATABASE)
def backup(file: Path, force: bool, config: Path | None, **flags: Any) -> None:
    """Copy the database to FILE, whether a server runs or not.

    The copy is of one moment. The key that signs guests' tokens (secret.key) is not in it: copy
    that once, by hand.
    """
    settings = load_settings(config, flags)
    from livethread.app import back_up  # noqa: PLC0415 (a second: not for --help or a bad flag)
    from livethread.store.errors import DataError  # noqa: PLC0415

    try:
        rooms, comments = back_up(settings, file, is_replacing=force)
    except DataError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{file}: {_counted(rooms, 'room')}, {_counted(comments, 'comment')}.")


@click.command()
@_FILE
@click.option("--force", is_flag=True, help="Replace the comments that are there.")
@settings_flags(_DATABASE)
def restore(file: Path, force: bool, config: Path | None, **flags: Any) -> None:
    """Put the backup FILE in the database's place, while no server runs.

    It takes place whole or not at all. Readers who come back get the restored discussion.
    """
    settings = load_settings(config, flags)
    from livethread import app  # noqa: PLC0415
    from livethread.store.errors import DataError  # noqa: PLC0415

    try:
        rooms, comments = app.restore(settings, file, is_replacing=force)
    except DataError as error:
        raise click.ClickException(str(error)) from error
    where = settings.database_path
    click.echo(f"{where}: {_counted(rooms, 'room')}, {_counted(comments, 'comment')}.")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
