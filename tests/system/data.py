"""Data directories made before the server starts: the bots that tests speak as."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

from livethread.auth.bots import new_bot
from livethread.auth.identity import SCOPES
from livethread.store.sqlite import SqliteStore


@dataclass(frozen=True)
class Seeded:
    """A database with two bots: one that may do everything, one that may read and post."""

    data_dir: Path
    all_token: str
    post_token: str

    def copy_to(self, directory: Path) -> None:
        """Where ``ServerProcess(directory)`` looks for its data."""
        shutil.copytree(self.data_dir, directory / "data", dirs_exist_ok=True)


def seed(data_dir: Path) -> Seeded:
    data_dir.mkdir(parents=True)
    all_bot, all_token = new_bot("All", frozenset(SCOPES), "*", 0)
    post_bot, post_token = new_bot("Poster", frozenset({"read", "post"}), "*", 0)

    async def make() -> None:
        store = await SqliteStore.open(data_dir / "livethread.db")
        await store.add_bot(all_bot)
        await store.add_bot(post_bot)
        await store.close()

    asyncio.run(make())
    return Seeded(data_dir, all_token, post_token)
