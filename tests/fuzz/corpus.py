"""Where the fuzzer begins: the protocol's vectors, broken frames, and what was found before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from livethread.protocol.commands import COMMANDS
from tests.fuzz.script import Kind, Opening, Step, write
from tests.system.peer import PING, frame
from tests.system.test_frames import BROKEN, BROKEN_DEFLATED, deflated

HERE = Path(__file__).parent
FOUND = HERE / "found"
"""Inputs that once broke something; a test plays them in every run."""
_VECTORS = HERE.parent / "protocol" / "vectors" / "commands.json"
_MAX_SEED = 4_096


def seeds() -> dict[str, bytes]:
    """Scripts by name; none of them breaks anything."""
    return dict(_seeds())


def found() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(FOUND.glob("*.script"))}


def dictionary() -> str:
    """Words of the protocol, in libFuzzer's form."""
    words = {'"type":', "true", "null", "\\xfe\\xfd"}
    for kind, model in COMMANDS.items():
        words.add(f'"{kind}"')
        words |= {f'"{name}":' for name in model.model_fields}
    return "".join(f'"{word.replace(chr(34), chr(92) + chr(34))}"\n' for word in sorted(words))


def _seeds() -> Iterator[tuple[str, bytes]]:
    vectors = json.loads(_VECTORS.read_text())
    bot, guest = Opening(3), Opening(2)
    for number, case in enumerate([*vectors["valid"], *vectors["invalid"]]):
        text = case["text"] if "text" in case else json.dumps(case["command"], ensure_ascii=False)
        data = text.encode(errors="surrogatepass")[:_MAX_SEED]
        is_hello = b'"hello"' in data
        yield f"vector-{number}", write(Opening(0) if is_hello else bot, [(Kind.TEXT, data)])
    for name, (sent, _) in {**BROKEN, **BROKEN_DEFLATED}.items():
        opening = Opening(1, is_deflating=name in BROKEN_DEFLATED)
        yield name.replace(" ", "-"), write(opening, [(Kind.RAW, sent[:_MAX_SEED])])
    for speaker in range(4):
        for has_origin in (True, False):
            opening = Opening(speaker, has_origin, is_deflating=True)
            yield f"life-{speaker}-{has_origin}", write(opening, _life())
    yield "compressed", write(bot._replace(is_deflating=True), [(Kind.RAW, _compressed())])
    end: list[Step] = [*_life()[:4], (Kind.TEXT, b'{"type":"hello","version":1}')]
    wait: Step = (Kind.WAIT, b"x" * 30)
    yield "end-amid-a-post", write(bot, [*end, wait, (Kind.TEXT, b'{"type":"ping"}')])
    yield "end-slowly", write(bot, [*end[:2], (Kind.PAUSE, b""), *end[2:], wait])
    yield "flood", write(guest, [(Kind.RAW, frame(b"", PING) * 300)])
    bare = Opening(0, is_handshake=False)
    yield "request", write(bare, [(Kind.RAW, b"GET /ws HTTP/1.1\r\n\r\n")])
    yield "nothing", b""


def _compressed() -> bytes:
    text = json.dumps({"type": "join", "room": "a", "since": "0"}).encode()
    return frame(deflated(text), rsv=4)


def _life() -> list[Step]:
    """All that one does on a connection, and the weather it meets."""

    def say(**fields: Any) -> Step:
        return Kind.TEXT, json.dumps(fields).encode()

    wait, settle = (Kind.WAIT, b""), (Kind.SETTLE, b"")
    return [
        say(type="join", room="a", ref="j"),
        say(type="join", room="b", since="0"),
        settle,
        say(type="post", room="a", nonce="nonce-01", body="- *x*\n- [y](https://z.example)"),
        say(type="post", room="a", nonce="nonce-02", body="reply", parent=1),
        wait,
        say(type="edit", room="a", nonce="nonce-03", comment=3, body="> x"),
        say(type="react", room="a", comment=1, reaction="like", on=True),
        say(type="report", room="a", comment=1, reason="spam", text="why"),
        say(type="moderate", room="a", nonce="nonce-04", comment=1, action="pin"),
        say(type="configure", room="a", nonce="nonce-05", title="T", slow_mode_s=1),
        wait,
        (Kind.PAUSE, b""),
        say(type="page", room="a", limit=100, order="best"),
        say(type="delete", room="a", nonce="nonce-06", comment=3),
        (Kind.FRAGMENTS, b'{"type":"ping","t":1}'),
        wait,
        (Kind.RESUME, b""),
        say(type="leave", room="a"),
        say(type="renew", guest={"name": "Tom"}),
        say(type="join", room="a", since="x.1"),
        settle,
        (Kind.WAIT, b"x" * 30),
        (Kind.EOF, b""),
    ]
