"""Checks of the machine and the data, without changing anything (but for a file made and removed).

Each check is a function of the settings that returns what it found; none of them raises.
"""

from __future__ import annotations

import fcntl
import os
import resource
import socket
import sqlite3
import ssl
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from livethread.listening import problem_of, remedy_for
from livethread.settings import Settings
from livethread.store.pragmas import WRITER

Verdict = Literal["ok", "warn", "fail"]

MIN_PYTHON = (3, 11)
MIN_SQLITE = (3, 38, 0)  # the ->> operator
SAFE_SQLITE = (3, 51, 3)
WORDS_INDEX = "CREATE VIRTUAL TABLE words USING fts5(text, tokenize = 'trigram')"
SPARE_FILES = 64
_AS_READ = MappingProxyType(  # how pragmas answer
    {"ON": "1", "FULL": "2", "MEMORY": "2", "WAL": "wal"}
)
LOW_DISK_BYTES = 1024**3
CHECK_BYTES = 256 * 1024**2
BUILT = datetime(2026, 1, 1, tzinfo=UTC)
AHEAD_S = 300
NETWORK_FILESYSTEMS = frozenset(
    {
        "9p",
        "afs",
        "ceph",
        "cifs",
        "fuse.sshfs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
    }
)


class Finding(NamedTuple):
    verdict: Verdict
    subject: str
    text: str
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order in which one would mend things."""
    checks: tuple[Callable[[Settings], Finding], ...] = (
        check_python,
        check_sqlite,
        check_directory,
        check_filesystem,
        check_disk,
        check_lock,
        check_pragmas,
        check_database,
        check_files,
        check_clock,
        check_tls,
        check_port,
    )
    return [check(settings) for check in checks]


def check_python(_: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= MIN_PYTHON:
        return Finding("ok", "Python", version)
    return Finding("fail", "Python", f"{version} is too old.", "Install 3.11 or newer.")


def check_sqlite(_: Settings) -> Finding:
    found = sqlite3.sqlite_version_info
    version = sqlite3.sqlite_version
    if found < MIN_SQLITE:
        return Finding("fail", "SQLite", f"{version} is too old.", "3.38 or newer is needed.")
    if not _has_words_index():
        text = f"{version} was built without full-text search (FTS5)."
        return Finding("fail", "SQLite", text, "Use Python's or the system's own build.")
    if found < SAFE_SQLITE:
        text = (
            f"{version}; before 3.51.3, several programs writing at once can damage a database. "
            "Livethread keeps to one writer."
        )
        return Finding("ok", "SQLite", text)
    return Finding("ok", "SQLite", version)


def _has_words_index() -> bool:
    with closing(sqlite3.connect(":memory:")) as database:
        try:
            database.execute(WORDS_INDEX)
        except sqlite3.Error:
            return False
    return True


def check_directory(settings: Settings) -> Finding:
    directory = settings.database_path.parent
    existing = directory
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        with tempfile.NamedTemporaryFile(dir=existing, prefix=".livethread-doctor-") as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Finding(
            "fail",
            "Data directory",
            f"{existing} can't be written ({error.strerror}).",
            "Make it writable for the user who runs Livethread, or choose another --data-dir.",
        )
    is_there = "is writable" if existing == directory else "will be created"
    return Finding("ok", "Data directory", f"{directory.absolute()} {is_there}.")


def check_pragmas(settings: Settings) -> Finding:
    """Set up a database there as the server does, write to it, and read back what is in force."""
    directory = settings.database_path.parent
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    try:
        with (
            tempfile.TemporaryDirectory(dir=directory, prefix=".livethread-doctor-") as trial,
            closing(sqlite3.connect(Path(trial) / "trial.db", isolation_level=None)) as database,
        ):
            for name, value in WRITER.items():
                database.execute(f"PRAGMA {name}={value}")
            database.execute("CREATE TABLE trial (number INTEGER)")
            found = {name: _in_force(database, name) for name in WRITER}
    except (sqlite3.Error, OSError) as error:
        text = f"a database could not be made in {directory} ({error})."
        remedy = "Keep the data on a local disk that the user who runs Livethread may write."
        return Finding("fail", "Pragmas", text, remedy)
    wrong = [name for name, value in WRITER.items() if found[name] != _AS_READ.get(value)]
    text = ", ".join(f"{name}={found[name]}" for name in WRITER)
    if wrong:
        remedy = f"This SQLite ignores {', '.join(wrong)}: use Python's or the system's own build."
        return Finding("fail", "Pragmas", text, remedy)
    return Finding("ok", "Pragmas", text)


def _in_force(database: sqlite3.Connection, pragma: str) -> str:
    row = database.execute(f"PRAGMA {pragma}").fetchone()
    return "unknown" if row is None else str(row[0])


def check_filesystem(settings: Settings) -> Finding:
    directory = settings.database_path.parent.absolute()
    kind = filesystem_of(directory, Path("/proc/self/mounts"))
    if kind in NETWORK_FILESYSTEMS:
        return Finding(
            "fail",
            "File system",
            f"{directory} is on {kind}, where SQLite's log can't be shared safely.",
            "Keep the data on a local disk.",
        )
    return Finding("ok", "File system", kind or "unknown")


def filesystem_of(directory: Path, mounts: Path) -> str:
    """The type of the file system a directory is (or will be) on; empty if it can't be told."""
    best, kind = -1, ""
    try:
        entries = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for entry in entries:
        fields = entry.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].encode().decode("unicode_escape")
        if directory.is_relative_to(point) and len(point) > best:
            best, kind = len(point), fields[2]
    return kind


def check_disk(settings: Settings) -> Finding:
    directory = settings.database_path.parent.absolute()
    while not directory.exists():
        directory = directory.parent
    stat = os.statvfs(directory)
    free = stat.f_bavail * stat.f_frsize
    text = f"{free / 1024**3:.1f} GiB free."
    if free < LOW_DISK_BYTES:
        return Finding("warn", "Disk", text, "Comments can't be saved on a full disk: make room.")
    return Finding("ok", "Disk", text)


def running_server(settings: Settings) -> str | None:
    """The process that holds the database's lock; None if nobody does."""
    path = settings.database_path
    lock = path.with_name(path.name + ".lock")
    try:
        fd = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(fd, 32, 0).decode(errors="replace").strip() or "unknown"
    finally:
        os.close(fd)
    return None


def check_lock(settings: Settings) -> Finding:
    holder = running_server(settings)
    if holder is None:
        return Finding("ok", "Lock", "no server is running on this database.")
    return Finding("ok", "Lock", f"a server is running on this database (process {holder}).")


def check_database(settings: Settings) -> Finding:
    path = settings.database_path
    remedy = "Move the file away and restore a backup."
    if not path.exists():
        return Finding("ok", "Database", f"{path} will be created.")
    try:
        with closing(_read_only(path)) as database:
            mode = str(database.execute("PRAGMA journal_mode").fetchone()[0])
            size = path.stat().st_size
            if size <= CHECK_BYTES:
                problem = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
                if problem != "ok":
                    return Finding("fail", "Database", f"{path} is damaged ({problem}).", remedy)
    except (sqlite3.Error, OSError) as error:
        return Finding("fail", "Database", f"{path} can't be read ({error}).", remedy)
    was_checked = "sound" if size <= CHECK_BYTES else "too large to be checked here"
    text = f"{path}, {size / 1024**2:.1f} MiB, {was_checked}, journal {mode}."
    if mode != "wal":
        return Finding("warn", "Database", text, "Start a server once: it switches to WAL.")
    return Finding("ok", "Database", text)


def _read_only(path: Path) -> sqlite3.Connection:
    """A connection that neither writes nor checkpoints, whoever else uses the file."""
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
    try:
        database.execute("PRAGMA query_only=ON")
        database.execute("PRAGMA wal_autocheckpoint=0")
    except sqlite3.Error:
        database.close()
        raise
    return database


def check_files(settings: Settings) -> Finding:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # up to which the server goes by itself
    needed = settings.max_connections + SPARE_FILES
    allowed = "any number" if hard == resource.RLIM_INFINITY else str(hard)
    if hard == resource.RLIM_INFINITY or hard >= needed:
        return Finding("ok", "Open files", f"{allowed} allowed, {needed} needed.")
    return Finding(
        "warn",
        "Open files",
        f"{allowed} allowed; {settings.max_connections} connections need {needed}.",
        f"Raise the hard limit for the user, set LimitNOFILE={needed} in the systemd unit, or "
        "lower --max-connections.",
    )


def check_clock(settings: Settings) -> Finding:
    now = datetime.now(UTC)
    remedy = "Set the clock and keep it set (systemd-timesyncd, chrony)."
    if now < BUILT:
        return Finding("fail", "Clock", f"{now:%Y-%m-%d} is in the past.", remedy)
    newest_ms = _newest_comment_ms(settings.database_path)
    if newest_ms is not None and newest_ms / 1000 > time.time() + AHEAD_S:
        newest = datetime.fromtimestamp(newest_ms / 1000, UTC)
        text = f"{now:%Y-%m-%d %H:%M} UTC, but the newest comment is of {newest:%Y-%m-%d %H:%M}."
        return Finding("warn", "Clock", text, remedy)
    return Finding("ok", "Clock", f"{now:%Y-%m-%d %H:%M:%S} UTC.")


def _newest_comment_ms(path: Path) -> int | None:
    if not path.exists():
        return None
    try:
        with closing(_read_only(path)) as database:
            row = database.execute(
                "SELECT created_ms FROM comments ORDER BY row_id DESC LIMIT 1"
            ).fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else int(row[0])


def check_tls(settings: Settings) -> Finding:
    cert, key = settings.tls_cert, settings.tls_key
    if cert is None and key is None:
        return Finding("ok", "TLS", "off; put a proxy with TLS before a public server.")
    if cert is None:
        return Finding("fail", "TLS", "there is a key but no certificate.", "Set --tls-cert.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        text = f"certificate and key can't be used ({error.strerror or error})."
        return Finding("fail", "TLS", text, "Check the files, and who may read them.")
    return Finding("ok", "TLS", f"{cert}")


def check_port(settings: Settings) -> Finding:
    where = f"{settings.host}:{settings.port}"
    if running_server(settings) is not None:
        return Finding("ok", "Port", f"{where}: not tried, as a server is running.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen()
    except OSError as error:
        text = f"{where} can't be used ({problem_of(error)})."
        return Finding("fail", "Port", text, remedy_for(error))
    return Finding("ok", "Port", f"{where} is free.")
