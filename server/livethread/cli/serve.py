"""``livethread serve``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from livethread.cli.flags import load_settings, settings_flags, unknown_variables


@click.command()
@settings_flags()
def serve(config: Path | None, **flags: Any) -> None:
    """Run the server.

    A setting comes from its flag, else from its environment variable, else from the TOML file
    (port = 8080), else it has its default. A rate or a number of connections of 0 has no bound.
    """
    settings = load_settings(config, flags)
    import structlog  # noqa: PLC0415

    from livethread.app import run  # noqa: PLC0415 (a second: not for --help or a bad flag)
    from livethread.logs import configure  # noqa: PLC0415
    from livethread.store.errors import StartError  # noqa: PLC0415

    configure(settings.log_level, settings.log_format)
    log = structlog.get_logger(__name__)
    for name, near in unknown_variables():
        log.warning("no_such_setting", variable=name, nearest=near)
    try:
        run(settings)
    except StartError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:  # before it listened; later it ends in order, with success
        sys.exit(130)
