"""Fuzzes the socket, guided by coverage: ``make fuzz SECONDS=600``.

``python -m tests.fuzz FILE…`` plays inputs again, as they were found, without the fuzzer.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

MAX_BYTES = 4_096
RSS_MB = 512
SLOWEST_S = 10
FINDINGS = Path("build") / "fuzz"
"""Where an input is put that broke something; the name begins with what it was."""


def main() -> int:
    """Exit code 1 if something broke: its input is in build/fuzz then."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("inputs", nargs="*", type=Path, help="play these again")
    parser.add_argument("--seconds", type=int, default=600, help="how long (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the fuzzer (0: another each time)")
    parser.add_argument("--corpus", type=Path, help="where inputs that led further are kept")
    chosen = parser.parse_args()
    if chosen.inputs:
        return _again(chosen.inputs)
    _fuzz(chosen.seconds, chosen.seed, chosen.corpus)
    return 0


def _again(paths: list[Path]) -> int:
    from tests.fuzz.harness import Server  # noqa: PLC0415 (the fuzzer imports it in its own way)
    from tests.fuzz.script import read  # noqa: PLC0415

    for path in paths:
        script = path.read_bytes()
        opening, steps = read(script)
        print(f"{path}: {opening}", *(f"  {kind.name} {data!r}" for kind, data in steps), sep="\n")
        print(f"  → {Server().play(script)!r}")
    return 0


def keeping(play: Callable[[bytes], object], directory: Path) -> Callable[[bytes], None]:
    """Play, and put the input where it can be played again if it breaks something.

    libFuzzer writes it, too, if the process lives until then; what is too slow or too large, only
    libFuzzer writes.
    """

    def play_and_keep(script: bytes) -> None:
        try:
            play(script)
        except Exception:
            path = directory / f"{hashlib.sha256(script).hexdigest()[:12]}.script"
            path.write_bytes(script)
            print(f"found: .venv/bin/python -m tests.fuzz {path}", file=sys.stderr, flush=True)
            raise

    return play_and_keep


def _fuzz(seconds: int, seed: int, corpus: Path | None) -> None:
    """Does not return: libFuzzer ends the process."""
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]  # noqa: PLC0415

    with atheris.instrument_imports(include=["livethread", "websockets"]):
        from tests.fuzz.corpus import dictionary, found, seeds  # noqa: PLC0415
        from tests.fuzz.harness import Server  # noqa: PLC0415

    FINDINGS.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="livethread-fuzz-"))
    begin = directory / "seeds"
    begin.mkdir()
    for name, script in {**seeds(), **found()}.items():
        (begin / name.replace("/", "-")).write_bytes(script)
    words = directory / "words"
    words.write_text(dictionary())
    grown = corpus or directory / "grown"
    grown.mkdir(exist_ok=True)
    play = keeping(Server().play, FINDINGS)
    arguments = [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-max_len={MAX_BYTES}",
        f"-rss_limit_mb={RSS_MB}",
        f"-timeout={SLOWEST_S}",
        f"-dict={words}",
        f"-artifact_prefix={FINDINGS}/",
        "-print_final_stats=1",
        str(grown),
        str(begin),
    ]
    atheris.Setup([sys.argv[0], *arguments], play)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
