"""Bots of a server under test, made as an operator makes them."""

from __future__ import annotations

import subprocess
import sys

from tests.serverprocess import ServerProcess


def bot_token(server: ServerProcess, name: str, *scopes: str, rooms: str = "*") -> str:
    """Create a bot while the server runs; returns its token."""
    flags = [part for scope in scopes for part in ("--scope", scope)]
    command = [sys.executable, "-m", "livethread.cli", "bot", "create", name, "--rooms", rooms]
    done = subprocess.run(
        [*command, *flags], env=server.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
