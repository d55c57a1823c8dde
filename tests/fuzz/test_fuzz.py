"""The fuzzer's inputs in every run, the fuzzer itself in the slow one; the harness sees faults."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import pytest
import structlog

from livethread.auth.limits import Tally
from livethread.session import Session
from livethread.socket import Connection
from livethread.wire import encode_frame
from tests.fuzz.__main__ import keeping
from tests.fuzz.corpus import dictionary, found, seeds
from tests.fuzz.harness import Server
from tests.fuzz.script import SEPARATOR, Kind, Opening, read, write

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[Server]:
    before = structlog.get_config()
    made = Server()
    yield made
    made.loop.close()
    structlog.configure(**before)


def test_seeds_and_what_was_found_break_nothing(server: Server) -> None:
    scripts = {**seeds(), **found()}
    assert len(scripts) > 180
    sent = {name: server.play(script) for name, script in scripts.items()}
    assert {b'{"type":"joi', b'{"type":"ack', b'{"type":"cha', b'{"type":"pag'} <= {
        payload[:12] for payload in sent["life-3-True"]
    }
    assert sent["request"][0].startswith(b"HTTP/1.1 ")


def test_seeds_mutated_at_random_break_nothing(server: Server) -> None:
    """Without coverage to guide them; a seed of its own for each, so that one fails alone."""
    scripts = list(seeds().values())
    for number in range(400):
        random = Random(number)
        script = bytearray(random.choice(scripts)[:2_000] + random.choice(scripts)[1:2_000])
        for _ in range(random.randint(1, 8)):
            if script:
                place = random.randrange(len(script))
                script[place : place + random.randint(0, 3)] = random.randbytes(
                    random.randint(0, 3)
                )
        server.play(bytes(script))


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("atheris") is None, reason="atheris has wheels for Linux on x86-64 only"
)
def test_two_minutes_of_fuzzing_find_nothing() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", "120", "--seed", "1"]
    # By a shell that forks: a child of this process would take its peak of memory for its own,
    # 950 MB after 10,000 connections, and stop at the fuzzer's bound.
    ended = subprocess.run(
        ["sh", "-c", '"$@"; exit $?', "sh", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    assert "number_of_executed_units" in ended.stderr


def test_any_bytes_are_a_script_and_scripts_are_read_as_written() -> None:
    opening = Opening(2, has_origin=False, is_deflating=True)
    steps = [(Kind.TEXT, b"{}"), (Kind.WAIT, b""), (Kind.RAW, b"\x81\x80")]
    assert read(write(opening, steps)) == (opening, steps)
    for script in (b"", b"\xff", SEPARATOR * 3, SEPARATOR + b"\xff"):
        read(script)
    assert '"\\"type\\":\\"' not in dictionary()


def test_what_breaks_something_is_kept_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def play(script: bytes) -> None:
        assert script != b"bad"

    fuzzed = keeping(play, tmp_path)
    fuzzed(b"good")
    with pytest.raises(AssertionError):
        fuzzed(b"bad")
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == b"bad"
    assert f"-m tests.fuzz {kept}\n" in capsys.readouterr().err


def _answer_wrongly(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("livethread.socket.encode", lambda _: b'{"type":"pong","t":"x"}')


def _fail_in_a_task(patch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise KeyError("a bug")

    patch.setattr(Connection, "_page", fail)


def _raise(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "receive_control", lambda _: 1 / 0)


def _forget_to_leave(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tally, "leave", lambda *_: None)


def _stay_subscribed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Connection, "_unsubscribe", lambda *_: None)


def _count_wrongly(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "_take_place", lambda _: None)


def _answer_after_the_end(patch: pytest.MonkeyPatch) -> None:
    def send(self: Connection, payload: bytes) -> None:
        self._transport.write(encode_frame(payload))

    patch.setattr(Connection, "_send", send)


@pytest.mark.parametrize(
    "plant",
    [
        _answer_wrongly,
        _fail_in_a_task,
        _raise,
        _forget_to_leave,
        _stay_subscribed,
        _count_wrongly,
        _answer_after_the_end,
    ],
)
def test_planted_fault_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    broken = 0
    for script in seeds().values():
        server = Server()
        try:
            server.play(script)
        except Exception:  # noqa: BLE001 (whatever a bug raises)
            broken += 1
            break
        finally:
            server.loop.finish()
    assert broken
