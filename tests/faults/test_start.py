"""What the server can't start on: it says which file, what is wrong and what to do, and ends."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from livethread import app
from livethread.cli import main
from livethread.store.lock import FileLock
from tests.serverprocess import UNLIMITED, environment, serving
from tests.system.data import Seeded
from tests.system.peer import fill

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER = 1, 2, 3


class Ended(NamedTuple):
    """How an attempt to start ended."""

    code: int
    out: str
    err: str

    def says(self, path: Path, *words: str) -> None:
        """It gave up in words: the path, the problem and the remedy, no traceback."""
        assert self.code == 1, self.err
        assert "Traceback" not in self.err
        assert "listens on" not in self.out
        assert str(path) in self.err
        for word in words:
            assert word in self.err, self.err
        assert len(self.err.splitlines()) <= 3


def start(data_dir: Path, **settings: object) -> Ended:
    """``livethread serve`` in a process of its own, bound by permissions even if it is root's."""
    ended = subprocess.run(
        [sys.executable, "-m", "livethread.cli", "serve"],
        cwd="/",
        env=environment({"port": 0, "data_dir": data_dir, **settings}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        preexec_fn=_bind if os.geteuid() == 0 else None,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def _bind() -> None:
    """Take from the program that is started what lets root ignore permissions."""
    libc = ctypes.CDLL(None)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let :func:`start_here` run the command in this process: a tenth of the time."""

    async def serve(*_: object) -> None:
        raise AssertionError("the server has started")

    monkeypatch.setattr(app.Server, "_serve", serve)
    monkeypatch.setattr("livethread.logs.configure", lambda *_: None)
    for name in list(os.environ):
        if name.startswith("LIVETHREAD_"):
            monkeypatch.delenv(name)


def start_here(data_dir: Path, **settings: object) -> Ended:
    env = environment({"port": 0, "data_dir": data_dir, **settings})
    result = CliRunner().invoke(main, ["serve"], env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def data_dir(tmp_path: Path, seeded: Seeded) -> Path:
    seeded.copy_to(tmp_path)
    return tmp_path / "data"


def test_second_process_on_the_same_file_is_refused_and_the_first_goes_on(
    tmp_path: Path, seeded: Seeded
) -> None:
    seeded.copy_to(tmp_path)
    with serving(tmp_path) as server:
        file = server.data_dir / "livethread.db"
        pid = f"pid {server.process.pid}"
        start(server.data_dir).says(file, pid, "Stop it first")
        assert asyncio.run(fill(server.port, seeded.all_token, "first", 3, body_chars=5)) == 3
        server.kill()
        server.start()  # the lock of a killed process is nobody's


@pytest.mark.usefixtures("here")
def test_link_to_the_file_is_no_second_way_in(tmp_path: Path, data_dir: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(data_dir / "livethread.db")
    lock = FileLock(data_dir / "livethread.db")
    try:
        ended = start_here(tmp_path / "other", database_url=f"sqlite:///{link}")
        ended.says(data_dir / "livethread.db", f"pid {os.getpid()}", "Stop it first")
    finally:
        lock.release()


@pytest.mark.usefixtures("here")
def test_damaged_header_is_refused(data_dir: Path) -> None:
    file = data_dir / "livethread.db"
    _dd(file, at=0, count=100)
    start_here(data_dir).says(file, "damaged", "backup")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("check_mb", [256, 0])
def test_damage_in_the_middle_is_refused(tmp_path: Path, seeded: Seeded, check_mb: int) -> None:
    """At the latest when the schema or the seed is read, if the file is too large to be checked."""
    seeded.copy_to(tmp_path)
    with serving(tmp_path, **UNLIMITED) as server:
        asyncio.run(fill(server.port, seeded.all_token, "middle", 200, body_chars=2_000))
        assert server.terminate() == 0
    file = tmp_path / "data" / "livethread.db"
    pages = file.stat().st_size // 4096
    at, count = (pages // 2, 3) if check_mb else (1, pages - 1)
    _dd(file, at=at * 4096, count=count * 4096)
    ended = start_here(tmp_path / "data", startup_check_mb=check_mb)
    ended.says(file, "damaged", "backup", "recover")


@pytest.mark.usefixtures("here")
def test_file_that_is_no_database_is_refused_and_left_alone(data_dir: Path) -> None:
    file = data_dir / "livethread.db"
    file.write_text("Dear diary, today I was not a database.\n" * 200)
    start_here(data_dir).says(file, "damaged")
    assert file.read_text().startswith("Dear diary")


@pytest.mark.usefixtures("here")
def test_newer_schema_is_refused_and_left_alone(data_dir: Path) -> None:
    file = data_dir / "livethread.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    before = file.read_bytes()
    start_here(data_dir).says(
        file, "newer Livethread", "9999_from_the_future", "Install that version"
    )
    assert file.read_bytes() == before


@pytest.mark.usefixtures("here")
def test_data_directory_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    start_here(tmp_path / "file" / "data").says(tmp_path / "file", "--data-dir")


def test_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        start(tmp_path / "data", port=port).says(
            Path(f"127.0.0.1:{port}"), "can't listen", "--port"
        )


def test_address_of_another_machine_is_refused_and_no_port_is_blamed(tmp_path: Path) -> None:
    ended = start(tmp_path / "data", host="192.0.2.1")  # RFC 5737: for documentation
    ended.says(Path("192.0.2.1:0"), os.strerror(errno.EADDRNOTAVAIL), "--host")
    assert "--port" not in ended.err


def test_misspelt_variable_is_named_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = start(tmp_path / "file" / "data", prot=1)
    ended.says(tmp_path / "file", '"no_such_setting"', "LIVETHREAD_PROT", "LIVETHREAD_PORT")


@pytest.mark.usefixtures("here")
def test_missing_certificate_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "cert.pem"
    start_here(tmp_path / "data", tls_cert=missing, tls_key=missing).says(missing, "certificate")


@pytest.mark.usefixtures("here")
def test_certificate_that_is_none_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "cert.pem"
    other.write_text("-----BEGIN TROUBLE-----\n")
    start_here(tmp_path / "data", tls_cert=other, tls_key=other).says(other, "certificate")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("content", [b"", b"short"])
def test_secret_that_could_be_guessed_is_refused(data_dir: Path, content: bytes) -> None:
    """An empty key is what a crash while it was written could leave behind."""
    (data_dir / "secret.key").write_bytes(content)
    start_here(data_dir).says(data_dir / "secret.key", "secret")


@pytest.mark.usefixtures("here")
def test_secret_that_is_given_and_could_be_guessed_is_refused(data_dir: Path) -> None:
    start_here(data_dir, secret="s" * 31).says(Path("secret"), "too short", "32")
    with pytest.raises(AssertionError, match="started"):
        start_here(data_dir, secret="s" * 32)


@pytest.mark.usefixtures("here")
def test_secret_is_made_once_for_its_owner_only(data_dir: Path) -> None:
    (data_dir / "secret.new").write_bytes(b"half a secr")  # a crash left it
    with pytest.raises(AssertionError, match="started"):
        start_here(data_dir)
    secret = data_dir / "secret.key"
    made = secret.read_bytes()
    assert len(made) == 64
    assert secret.stat().st_mode & 0o777 == 0o600
    assert not (data_dir / "secret.new").exists()
    with pytest.raises(AssertionError, match="started"):
        start_here(data_dir)
    assert secret.read_bytes() == made


@pytest.fixture
def unwritable(data_dir: Path) -> Iterator[Path]:
    """A data directory where nothing may be written."""
    (data_dir / "livethread.db.lock").unlink(missing_ok=True)
    for file in data_dir.iterdir():
        file.chmod(0o444)
    data_dir.chmod(0o555)
    yield data_dir
    data_dir.chmod(0o755)


def test_directory_that_may_not_be_written_is_refused(unwritable: Path) -> None:
    start(unwritable).says(unwritable, "can't write", "writable", "--data-dir")


def test_database_that_may_not_be_written_is_refused(unwritable: Path) -> None:
    """SQLite would open it to be read, and every post would be answered ``unavailable``."""
    unwritable.chmod(0o755)
    start(unwritable).says(unwritable / "livethread.db", "can't write", "write access")


def test_secret_that_may_not_be_read_is_refused(data_dir: Path) -> None:
    secret = data_dir / "secret.key"
    secret.touch()
    secret.chmod(0o000)
    start(data_dir).says(secret, "can't read", "secret")


def _dd(file: Path, *, at: int, count: int) -> None:
    with file.open("r+b") as stream:
        stream.seek(at)
        stream.write(os.urandom(count))
