"""The command line."""

import click


@click.group()
@click.version_option(package_name="livethread")
def main() -> None:
    """Livethread: a self-hosted server for live discussions."""
