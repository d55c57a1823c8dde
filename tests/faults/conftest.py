"""The bots that the faults' crowds speak as."""

from __future__ import annotations

import pytest

from tests.system.data import Seeded, seed


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    return seed(tmp_path_factory.mktemp("seeded") / "data")
