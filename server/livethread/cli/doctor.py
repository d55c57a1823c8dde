"""``livethread doctor``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from livethread.cli.flags import load_settings, settings_flags
from livethread.cli.shown import one_line

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@settings_flags(
    ("host", "port", "data_dir", "database_url", "tls_cert", "tls_key", "max_connections")
)
def doctor(config: Path | None, **flags: Any) -> None:
    """Check whether a server can run well here.

    Each line says ok, warn or fail, and what to do. Exit code 1 if something fails.
    """
    from livethread.doctor import examine  # noqa: PLC0415

    findings = examine(load_settings(config, flags))
    for finding in findings:
        mark = click.style(f"{finding.verdict:4}", fg=_COLOURS[finding.verdict])
        click.echo(f"{mark}  {finding.subject}: {one_line(finding.text)}")
        if finding.remedy:
            click.echo(f"      {one_line(finding.remedy)}")
    sys.exit(any(finding.verdict == "fail" for finding in findings))
