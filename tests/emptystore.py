# ruff: noqa: ASYNC240 (nothing else runs in the loop)
"""An empty database of this version: copied, it opens ten times as fast as one made anew."""

from __future__ import annotations

from pathlib import Path

from livethread.store.sqlite import SqliteStore

_migrated: list[bytes] = []


async def lay_empty_store(path: Path) -> None:
    """Put one there, unless there is a database."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return
    if not _migrated:
        await (await SqliteStore.open(path)).close()
        _migrated.append(path.read_bytes())
    path.write_bytes(_migrated[0])
