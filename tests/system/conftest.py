"""One server process for all tests that need no settings of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest

from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.data import Seeded, seed


@dataclass(frozen=True)
class Shared:
    """The process, and the tokens of two bots it knows."""

    process: ServerProcess
    all_token: str
    post_token: str

    @property
    def port(self) -> int:
        return self.process.port

    @property
    def rss_bytes(self) -> int:
        return int(psutil.Process(self.process.process.pid).memory_info().rss)

    def closed_with(self, session: str) -> int | None:
        """The close code in the log; None while the connection is open."""
        for line in self.process.log.read_text().splitlines():
            if f'"session": "{session}"' in line and '"event": "closed"' in line:
                return int(json.loads(line)["code"])
        return None


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    return seed(tmp_path_factory.mktemp("seeded") / "data")


def _logged_no_bug(process: ServerProcess) -> None:
    """After all that was done to it."""
    log = process.log.read_text()
    for trouble in ("Traceback", "never retrieved", "never awaited", '"level": "error"'):
        assert trouble not in log, log[max(0, log.index(trouble) - 500) :][:3000]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, seeded: Seeded) -> Iterator[Shared]:
    """Without rates, and with a site of its own on the list of origins."""
    directory = tmp_path_factory.mktemp("server")
    seeded.copy_to(directory)
    settings = {
        **UNLIMITED,
        "origins": ["https://news.example", "http://localhost:3000"],
        "max_connections_per_address": 0,
        "max_connections_per_identity": 0,  # all tests share two bots
        "log_level": "debug",
    }
    with serving(directory, **settings) as process:
        yield Shared(process, seeded.all_token, seeded.post_token)
        _logged_no_bug(process)


IMPATIENT = {
    "hello_deadline_s": 0.4,
    "heartbeat_s": 0.3,
    "silence_s": 1.2,
    "stall_s": 1,
    "presence_s": 0,
}


@pytest.fixture(scope="session")
def impatient(tmp_path_factory: pytest.TempPathFactory, seeded: Seeded) -> Iterator[Shared]:
    """All deadlines short; bodies long, so that buffers fill quickly."""
    directory = tmp_path_factory.mktemp("impatient")
    seeded.copy_to(directory)
    settings = {
        **UNLIMITED,
        **IMPATIENT,
        "max_connections_per_address": 0,
        "max_connections_per_identity": 0,
        "max_body_chars": 20_000,
        "max_frame_bytes": 65_536,
        "log_level": "debug",
    }
    with serving(directory, **settings) as process:
        yield Shared(process, seeded.all_token, seeded.post_token)
        _logged_no_bug(process)
