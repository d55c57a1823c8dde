"""Every implementation of each interface, for the contract suites."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from livethread.store.base import Store
from livethread.store.sqlite import SqliteStore
from tests.contract.memory_store import MemoryStore
from tests.emptystore import lay_empty_store

pytest.register_assert_rewrite("tests.contract.store_contract")

Reopen = Callable[[], Awaitable[Store]]
"""Closes the store, if one is open, and opens the same data again."""


class SqliteFactory:
    def __init__(self, directory: Path) -> None:
        self._path = directory / "livethread.db"

    async def open(self) -> Store:
        await lay_empty_store(self._path)
        return await SqliteStore.open(self._path, readers=2)


class MemoryFactory:
    def __init__(self, _: Path) -> None:
        self._store = MemoryStore()

    async def open(self) -> Store:
        return self._store


STORES = {"sqlite": SqliteFactory, "memory": MemoryFactory}
"""A new back-end adds itself here and passes the suite as it is."""


@pytest.fixture(params=list(STORES.values()), ids=list(STORES))
async def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Reopen]:
    factory = request.param(tmp_path)
    opened: list[Store] = []

    async def open_again() -> Store:
        if opened:
            await opened.pop().close()
        opened.append(await factory.open())
        return opened[0]

    yield open_again
    for store in opened:
        await store.close()


@pytest.fixture
async def store(reopen: Reopen) -> Store:
    return await reopen()
