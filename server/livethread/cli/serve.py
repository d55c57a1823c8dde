"""``livethread serve``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from livethread.cli.flags import load_settings, settings_flags


@click.command()
@settings_flags()
def serve(config: Path | None, **flags: Any) -> None:
    """Run the server.

    A setting comes from its flag, else from its environment variable, else from the TOML file
    (port = 8080), else it has its default. A rate or a number of connections of 0 has no bound.
    """
    settings = load_settings(config, flags)
    from livethread.app import run  # noqa: PLC0415 (a second: not for --help or a bad flag)
    from livethread.logs import configure  # noqa: PLC0415
    from livethread.store.errors import StartError  # noqa: PLC0415

    configure(settings.log_level, settings.log_format)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        run(settings)
    except StartError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    """Unwind, closing the database, with success.

    Uvicorn takes the signals while it serves, and raises them once more when it has ended: by
    default they would kill the process before the database is closed.
    """
    raise SystemExit(0)
