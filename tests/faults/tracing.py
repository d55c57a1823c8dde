"""System calls of a server, as ``strace`` saw them, and faults it injects into them."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

STRACE = "strace"
_ROW = re.compile(r"(\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\()(?P<rest>.*)")
_PATH = re.compile(r"\d+<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


class Call(NamedTuple):
    """One system call: where it began and ended among all that happened, on what, and with what.

    ``result`` is None if the process ended in it.
    """

    began: int
    ended: int
    name: str
    path: str
    data: bytes
    result: int | None


@cache
def _trouble() -> str:
    """Why nothing can be traced here; empty if it can."""
    if shutil.which(STRACE) is None:
        return "needs strace (apt install strace)"
    tried = subprocess.run([STRACE, "-D", "-f", "-qq", "-o/dev/null", "true"], check=False)
    return "" if tried.returncode == 0 else "needs leave to trace own processes (ptrace)"


def need_strace() -> None:
    """Skip the test where no process can be traced."""
    if _trouble():
        pytest.skip(_trouble())


def traced(command: Iterable[str], names: str, to: Path) -> list[str]:
    """``command`` under ``strace``: the same process, its tracer aside; data whole and in hex."""
    options = ("-D", "-f", "--seccomp-bpf", "-qq", "-xx", "-y", "-s", "100000")
    return [STRACE, *options, "-e", f"trace={names}", "-o", str(to), *command]


@contextmanager
def failing(pid: int, path: Path, injection: str) -> Iterator[None]:
    """While the context lasts, that process's calls on ``path`` fail as ``injection`` says."""
    name = injection.partition(":")[0]
    command = [STRACE, "-f", "-p", str(pid), "-P", str(path), "-o", "/dev/null"]
    command += ["-e", f"trace={name}", "-e", f"inject={injection}"]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert tracer.stderr is not None
        for line in tracer.stderr:
            if "attached" in line:
                break
        else:
            raise AssertionError("strace did not attach")
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=10)


def calls(lines: Iterable[str]) -> list[Call]:
    """The calls of a trace, in the order in which they ended."""
    begun: dict[str, tuple[int, str, str]] = {}
    found = []
    for number, line in enumerate(lines):
        row = _ROW.match(line)
        if row is None:
            continue  # a signal, an exit
        thread, rest = row[1], row["rest"]
        if row["name"]:
            if rest.endswith("<unfinished ...>"):
                begun[thread] = (number, row["name"], rest)
                continue
            found.append(_call(number, number, row["name"], rest))
        else:
            since, name, start = begun.pop(thread)
            found.append(_call(since, number, name, start + rest))
    last = len(found) + len(begun)
    return found + [_call(since, last, name, rest) for since, name, rest in begun.values()]


def _call(began: int, ended: int, name: str, text: str) -> Call:
    path = _PATH.match(text)
    result = re.search(r"\) += (-?\d+)", text)
    return Call(
        began,
        ended,
        name,
        _bytes(path[1]).decode(errors="replace") if path else "",
        b"".join(_bytes(part) for part in _TEXT.findall(text)),
        int(result[1]) if result else None,
    )


def _bytes(hexed: str) -> bytes:
    return bytes.fromhex(hexed.replace("\\x", ""))
