"""Whatever comes in, only a LivethreadError comes out."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from livethread.protocol.codec import decode_command, decode_frame, encode
from livethread.protocol.commands import COMMANDS, Command
from livethread.protocol.errors import BadFrame, BadJson, LivethreadError, TooLarge
from livethread.protocol.frames import FRAMES, Error, Pong

N = "nonce-01"
GOOD: dict[str, dict[str, Any]] = {
    "hello": {"version": 1, "token": "t", "client": "c/1"},
    "join": {"room": "a", "since": "k3.1", "limit": 5, "order": "best", "ref": "r"},
    "leave": {"room": "a"},
    "writing": {"room": "a", "on": True},
    "post": {"room": "a", "nonce": N, "body": "words", "parent": 1},
    "edit": {"room": "a", "nonce": N, "comment": 1, "body": "words"},
    "delete": {"room": "a", "nonce": N, "comment": 1},
    "react": {"room": "a", "comment": 1, "reaction": "like", "on": True},
    "report": {"room": "a", "comment": 1, "reason": "spam", "text": "why"},
    "page": {"room": "a", "parent": 1, "after": "o1", "limit": 5, "order": "newest"},
    "moderate": {"room": "a", "nonce": N, "comment": 1, "action": "pin", "reason": "why"},
    "configure": {"room": "a", "nonce": N, "state": "open", "slow_mode_s": 1, "title": "T"},
    "watch": {"on": True, "held": True},
    "renew": {"guest": {"name": "Mara"}},
    "ping": {"t": 1},
}
FIELDS = [(kind, field) for kind, model in COMMANDS.items() for field in model.model_fields]

texts = st.text(st.characters(codec=None), max_size=30)  # lone surrogates among them
numbers = st.one_of(
    st.integers(), st.integers(-(10**400), 10**400), st.floats(allow_nan=True, allow_infinity=True)
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def read(data: Any) -> Command | LivethreadError:
    """The command or the typed error; anything else fails the test."""
    try:
        return decode_command(data, max_bytes=1_000_000)
    except LivethreadError as error:
        encode(Error(code=error.code, message=error.message, retryable=False, ref=error.ref))
        return error


def test_the_examples_are_good_and_complete() -> None:
    assert GOOD.keys() == COMMANDS.keys()
    for kind, fields in GOOD.items():
        assert isinstance(read(json.dumps({"type": kind} | fields)), Command), kind


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=lambda value: value)
@settings(max_examples=5)
@given(value=values)
@example(value=None)
@example(value=True)
@example(value=10**400)
@example(value=float("nan"))
@example(value=float("-inf"))
@example(value="\x00")
@example(value="\ud800")
@example(value=[])
@example(value={})
@example(value=-0.0)
def test_any_value_in_any_field_is_read_or_refused(kind: str, field: str, value: Any) -> None:
    text = json.dumps({"type": kind} | GOOD[kind] | {field: value})
    outcome = read(text)
    if isinstance(outcome, LivethreadError) and outcome.field is not None:
        assert outcome.field.split(".")[0] in COMMANDS[kind].model_fields
    if isinstance(outcome, Command):
        encode(outcome)  # what was taken can be written again


@given(st.binary(max_size=200) | texts | values.map(json.dumps))
@example(b"")
@example(b"\xff\xfe")
@example("\ud800")
@example('{"type":"ping","t":\ud800}')
@example("\ufeff{}")
@example(b"\xef\xbb\xbf{}")
def test_any_bytes_are_read_or_refused(data: bytes | str) -> None:
    read(data)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000,
        '{"type":"ping","x":' + "[" * 50_000 + "]" * 50_000 + "}",
        '{"type":"ping","t":' + "9" * 100_000 + "}",
        '{"type":"ping","t":1e' + "9" * 1_000 + "}",
        '{"type":"ping","t":-0.' + "0" * 100_000 + "1}",
        '{"type":"ping","t":NaN}',
        '{"type":"ping","t":Infinity}',
        '{"type":"hello","version":1,"client":"\\ud800"}',
        '{"type":"hello","version":1,"client":"\\udc00\\ud800"}',
        '{"type":"hello","version":1,"client":"a\\u0000b"}',
        "\x00",
    ],
    ids=lambda text: f"{text[:18]}…{text[-18:]}×{len(text)}".encode("unicode_escape").decode(),
)
def test_what_breaks_parsers_is_refused(text: str) -> None:
    assert isinstance(read(text), LivethreadError)


@pytest.mark.parametrize(("depth", "is_good"), [(6, True), (7, True), (8, False)])
def test_json_may_be_eight_deep(depth: int, is_good: bool) -> None:
    text = '{"type":"ping","x":' + "[" * depth + "]" * depth + "}"
    outcome = read(text)
    assert isinstance(outcome, BadJson) is not is_good


def test_the_size_is_counted_in_bytes() -> None:
    text = '{"type":"ping","x":"' + "é" * 40 + '"}'
    assert isinstance(decode_command(text, max_bytes=102), Command)
    for data in (text, text.encode(), bytearray(text.encode())):
        with pytest.raises(TooLarge):
            decode_command(data, max_bytes=101)


def test_an_error_carries_the_commands_own_ref() -> None:
    for text, ref in (
        ('{"type":"join","ref":"r"}', "r"),
        ('{"type":"what","ref":"r"}', "r"),
        ('{"type":"join","ref":5}', None),
        ('{"type":"join","ref":"' + "r" * 65 + '"}', None),
        ('{"ref":"r"', None),
    ):
        outcome = read(text)
        assert isinstance(outcome, LivethreadError)
        assert outcome.ref == ref


@given(kind=st.sampled_from([kind for kind in GOOD if kind != "hello"]), secret=st.uuids())
def test_a_refusal_does_not_repeat_what_was_sent(kind: str, secret: Any) -> None:
    word = str(secret)
    for field in COMMANDS[kind].model_fields:
        outcome = read(json.dumps({"type": kind} | GOOD[kind] | {field: [word]}))
        assert isinstance(outcome, LivethreadError)
        assert word not in outcome.message


@given(st.binary(max_size=200) | texts | values.map(json.dumps))
def test_a_client_reads_any_bytes_or_refuses_them(data: bytes | str) -> None:
    with contextlib.suppress(BadFrame):
        decode_frame(data)


@pytest.mark.parametrize("kind", list(FRAMES))
@settings(max_examples=10)
@given(fields=st.dictionaries(st.sampled_from(["room", "code", "t", "changes", "rich"]), values))
def test_a_client_reads_any_fields_or_refuses_them(kind: str, fields: dict[str, Any]) -> None:
    with contextlib.suppress(BadFrame):
        decode_frame(json.dumps({"type": kind} | fields))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"type":"heartbeat","t":NaN}', "{", "null"])
def test_what_breaks_a_clients_parser_is_refused(text: str) -> None:
    with pytest.raises(BadFrame):
        decode_frame(text)


def test_absent_fields_are_left_out_of_frames() -> None:
    assert encode(Pong()) == b'{"type":"pong"}'
    assert encode({"type": "pong"}) == b'{"type":"pong"}'
