"""One server process per SQLite file, held by an advisory lock that dies with the process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from livethread.store.errors import StartError


class FileLock:
    """Holds ``<database>.lock``; raises ``StartError`` naming the holder if it is taken."""

    def __init__(self, database: Path) -> None:
        # Beside the file itself: a link to it must not be a second way in.
        database = database.resolve()
        self.path = database.with_name(database.name + ".lock")
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(
                self.path.parent,
                f"can't write to the data directory ({error.strerror}).",
                "Make it writable for the user who runs Livethread, or choose another one "
                "with --data-dir.",
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._fd)
            raise StartError(
                database,
                f"another Livethread process (pid {holder}) is using this database.",
                "Stop it first, or give this one its own --data-dir: a database has one server.",
            ) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        os.close(self._fd)
