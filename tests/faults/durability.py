"""The judge of durability: what was told to anyone was on the disk before.

It reads the system calls of a server on SQLite (https://www.sqlite.org/fileformat2.html#walformat):
frames written to the log, of which one with a size ends a transaction; fdatasync of the log; bytes
written to sockets. A comment is durable when an fdatasync has succeeded that began after its
transaction was written whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tests.faults.tracing import Call

SYNCS = ("fdatasync", "fsync")
SOCKET_WRITES = ("write", "writev", "sendmsg", "sendto")
TRACED = ",".join(("pwrite64", *SYNCS, *SOCKET_WRITES))

_FRAME_HEADER_BYTES = 24


def told_too_early(calls: Iterable[Call], word: str) -> list[str]:
    """Bodies, of those that match ``word``, that left on a socket before they were durable."""
    return [f"{body} was told before it was on the disk" for body in _early(calls, word)]


def _early(calls: Iterable[Call], word: str) -> Iterator[str]:
    found, told = re.compile(word.encode()), re.compile(b'"body":"(%b)"' % word.encode())
    frames: set[bytes] = set()  # in frames whose transaction isn't whole yet
    written: dict[bytes, int] = {}  # where a body's transaction had been written whole
    durable: set[bytes] = set()
    is_last = False
    for call in _by_effect(calls):
        if call.name == "pwrite64" and call.path.endswith("-wal"):
            if len(call.data) == _FRAME_HEADER_BYTES:
                is_last = any(call.data[4:8])
            else:
                frames.update(found.findall(call.data))
                if is_last:
                    for body in frames:
                        written.setdefault(body, call.ended)
                    frames.clear()
        elif call.name in SYNCS and call.path.endswith("-wal") and call.result == 0:
            durable.update(body for body, ended in written.items() if ended < call.began)
        elif call.name in SOCKET_WRITES and call.path.startswith("socket:"):
            yield from sorted(
                body.decode() for body in told.findall(call.data) if body not in durable
            )


def _by_effect(calls: Iterable[Call]) -> list[Call]:
    """A socket's bytes are out when the call begins, a disk's are in when it has ended."""
    return sorted(calls, key=lambda call: call.began if call.name in SOCKET_WRITES else call.ended)


def told(calls: Iterable[Call], word: str) -> int:
    """How many bodies left on sockets; a judge who saw none has nothing to say."""
    pattern = re.compile(b'"body":"(%b)"' % word.encode())
    return len(
        {
            body
            for call in calls
            if call.name in SOCKET_WRITES and call.path.startswith("socket:")
            for body in pattern.findall(call.data)
        }
    )
