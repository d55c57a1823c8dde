"""What others wrote can't drive a terminal."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from livethread.cli.shown import json_line, lines, one_line
from livethread.cli.tail import Printer
from livethread.protocol.frames import Author, Change, Comment, Room
from livethread_client import Snapshot

ANY = st.text(st.characters(codec=None) | st.sampled_from("\x1b\x07\r\n\x9b\x7f\u202e\u2066\u2028"))
HARMFUL = frozenset({"Cc", "Cs", "Zl", "Zp"})
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def assert_harmless(text: str) -> None:
    assert not BIDI & set(text)
    assert not HARMFUL & {unicodedata.category(char) for char in text}


@given(ANY)
def test_no_control_reaches_the_terminal(text: str) -> None:
    assert_harmless(one_line(text))
    for line in lines(text):
        assert_harmless(line)


@given(ANY)
def test_json_lines_are_plain_ascii_and_lossless(text: str) -> None:
    line = json_line({"body": text})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"body": text}


@given(ANY, ANY, ANY, st.booleans())
def test_a_comment_s_lines_are_harmless(name: str, body: str, room: str, as_json: bool) -> None:
    comment = Comment(
        id=1,
        author=Author(id="g:1", name=name),
        body=body,
        created="2026-01-01T00:00:00.000Z",
        state="visible",
        seq=1,
    )
    info = Room(
        name=room, title=name, state="open", slow_mode_s=1, premoderate=True, comments=1, seq=2
    )
    printer = Printer(room, as_json=as_json)
    items: list[Snapshot | Change] = [
        Snapshot("behind", "e.1", info, (comment,), next="x"),
        Change(seq=1, comment=comment),
        Change(seq=2, room=info),
    ]
    for item in items:
        for line in printer.lines(room, item):
            assert_harmless(line)


def test_readable_text_stays_as_it_is() -> None:
    for text in ("Grüße, 世界", "👩‍👩‍👧 família", "مرحبا"):
        assert one_line(text) == text


def test_replies_are_indented_below_their_parents() -> None:
    printer = Printer(None, as_json=False)
    found = []
    for id, parent in ((1, None), (2, 1), (3, 2)):
        comment = Comment(
            id=id,
            parent=parent,
            author=Author(id="b:1", name="Ann", badge="bot"),
            body="a\nb",
            created="2026-01-01T00:00:00.000Z",
            state="visible",
            seq=id,
        )
        found += list(printer.lines("r", Change(seq=id, comment=comment)))
    assert [line[: len(line) - len(line.lstrip())] for line in found] == [
        "",
        "   ",
        "   ",
        "  ",
        "     ",
        "     ",
        "    ",
        "       ",
        "       ",
    ]
    assert found[0].endswith("Ann [bot]")
