"""The command line."""

import sys

import click

from livethread.app import run
from livethread.logs import configure
from livethread.settings import Settings
from livethread.store.errors import StartError


@click.group()
@click.version_option(package_name="livethread")
def main() -> None:
    """Livethread: a self-hosted server for live discussions."""


@main.command()
@click.option("--port", type=int)
@click.option("--data-dir")
def serve(**flags: object) -> None:
    """Run the server."""
    settings = Settings.load({k: v for k, v in flags.items() if v is not None})
    configure(settings.log_level, settings.log_format)
    try:
        run(settings)
    except StartError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
