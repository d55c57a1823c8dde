"""Debian's Chromium as the tests and the bench launch it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from tools.bootstrap import BROWSERS


def installed(names: Iterable[str] = BROWSERS) -> str | None:
    """Return the path of the first that this system has."""
    return next((path for name in names if (path := shutil.which(name))), None)


CHROMIUM = installed()


CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
]
