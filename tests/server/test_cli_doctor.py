"""Each thing that can be wrong is found, with what to do about it."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import sqlite3
import time
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from livethread import doctor
from livethread.app import open_store
from livethread.cli import main
from livethread.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", port=0, max_connections=10)


def make_database(settings: Settings) -> None:
    async def make() -> None:
        await (await open_store(settings)).close()

    asyncio.run(make())


def test_a_fresh_place_is_fine_and_stays_untouched(settings: Settings) -> None:
    findings = doctor.examine(settings)
    assert {finding.verdict for finding in findings} <= {"ok", "warn"}
    assert not settings.data_dir.exists()
    assert all(finding.remedy for finding in findings if finding.verdict != "ok")


def test_a_used_place_is_fine(settings: Settings) -> None:
    make_database(settings)
    finding = doctor.check_database(settings)
    assert finding.verdict == "ok"
    assert "sound" in finding.text
    assert "wal" in finding.text


def test_the_exit_code_says_whether_something_fails(tmp_path: Path) -> None:
    (tmp_path / "livethread.db").write_bytes(b"no database at all" * 300)
    result = CliRunner().invoke(main, ["doctor", "--data-dir", str(tmp_path), "--port", "0"])
    assert result.exit_code == 1
    assert "fail  Database" in result.output
    fine = CliRunner().invoke(main, ["doctor", "--data-dir", str(tmp_path / "x"), "--port", "0"])
    assert fine.exit_code == 0, fine.output


def test_a_damaged_database_is_found(settings: Settings) -> None:
    make_database(settings)
    path = settings.database_path
    data = bytearray(path.read_bytes())
    for at in range(4096, len(data), 97):
        data[at] ^= 0xFF
    path.write_bytes(data)
    assert doctor.check_database(settings).verdict == "fail"


def test_a_directory_that_can_t_be_written_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = doctor.check_directory(Settings(data_dir=tmp_path / "file" / "data"))
    assert finding.verdict == "fail"
    assert "--data-dir" in finding.remedy


def test_a_network_file_system_is_found(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nhost:/x {tmp_path} nfs4 rw 0 0\nbad line\n")
    assert doctor.filesystem_of(settings.data_dir, mounts) == "nfs4"
    assert doctor.filesystem_of(Path("/srv"), mounts) == "ext4"
    assert doctor.filesystem_of(Path("/srv"), tmp_path / "nowhere") == ""
    monkeypatch.setattr(doctor, "filesystem_of", lambda *_: "nfs4")
    assert doctor.check_filesystem(settings).verdict == "fail"


def test_a_nearly_full_disk_is_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = namedtuple("stat", "f_bavail f_frsize")
    monkeypatch.setattr(os, "statvfs", lambda _: stat(1, 4096))
    assert doctor.check_disk(settings).verdict == "warn"


def test_too_few_open_files_are_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (50, 50))
    finding = doctor.check_files(settings)
    assert finding.verdict == "warn"
    assert "74" in finding.text
    assert "LimitNOFILE=74" in finding.remedy


def test_files_that_the_server_may_open_by_itself_are_enough(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (50, 74))
    assert doctor.check_files(settings).verdict == "ok"


def test_the_pragmas_in_force_are_the_servers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = doctor.check_pragmas(settings)
    assert finding.verdict == "ok"
    for pragma in ("journal_mode=wal", "synchronous=2", "foreign_keys=1", "secure_delete=1"):
        assert pragma in finding.text
    monkeypatch.setattr(doctor, "WRITER", {"synchronous": "FULL", "no_such_pragma": "ON"})
    finding = doctor.check_pragmas(settings)
    assert finding.verdict == "fail"
    assert "no_such_pragma" in finding.remedy
    assert "synchronous," not in finding.remedy


def test_a_clock_that_is_behind_is_found(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_database(settings)
    assert doctor.check_clock(settings).verdict == "ok"
    monkeypatch.setattr(doctor, "_newest_comment_ms", lambda _: (time.time() + 3600) * 1000)
    assert doctor.check_clock(settings).verdict == "warn"


def test_a_running_server_is_found(settings: Settings) -> None:
    async def look() -> tuple[doctor.Finding, doctor.Finding]:
        store = await open_store(settings)
        try:
            return doctor.check_lock(settings), doctor.check_port(settings)
        finally:
            await store.close()

    lock, port = asyncio.run(look())
    assert "is running" in lock.text
    assert port.verdict == "ok"
    assert "no server" in doctor.check_lock(settings).text


def test_a_port_in_use_is_found(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken_port = taken.getsockname()[1]
        finding = doctor.check_port(settings.model_copy(update={"port": taken_port}))
    assert finding.verdict == "fail"
    assert "--port" in finding.remedy


def test_an_address_of_another_machine_is_found(settings: Settings) -> None:
    finding = doctor.check_port(settings.model_copy(update={"host": "192.0.2.1"}))
    assert finding.verdict == "fail"
    assert "--host" in finding.remedy


def test_tls_files_that_can_t_be_used_are_found(settings: Settings, tmp_path: Path) -> None:
    wrong = settings.model_copy(update={"tls_cert": tmp_path / "nowhere.pem"})
    assert doctor.check_tls(wrong).verdict == "fail"
    key_only = settings.model_copy(update={"tls_key": tmp_path / "key.pem"})
    assert doctor.check_tls(key_only).verdict == "fail"


def test_old_libraries_are_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 37, 2))
    assert doctor.check_sqlite(settings).verdict == "fail"


def test_an_sqlite_without_full_text_search_is_found(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "WORDS_INDEX", "CREATE VIRTUAL TABLE words USING none(text)")
    finding = doctor.check_sqlite(settings)
    assert finding.verdict == "fail"
    assert "FTS5" in finding.text
    monkeypatch.setattr(doctor, "MIN_PYTHON", (99, 0))
    assert doctor.check_python(settings).verdict == "fail"


def test_looking_changes_nothing_in_the_database(settings: Settings) -> None:
    make_database(settings)
    before = settings.database_path.read_bytes()
    doctor.examine(settings)
    assert settings.database_path.read_bytes() == before
    with closing(sqlite3.connect(settings.database_path)) as database:
        assert database.execute("PRAGMA quick_check").fetchone() == ("ok",)
