"""The JSON parsing test suite against the codec: what is JSON is read, what isn't is refused."""

from __future__ import annotations

import functools

import pytest

from livethread.protocol.codec import MAX_DEPTH, decode_command, decode_object
from livethread.protocol.commands import Command
from livethread.protocol.errors import BadJson, LivethreadError
from tests.conformance.packages import JsonText, json_texts

MAX_BYTES = 2**20


@functools.cache
def texts() -> list[JsonText]:
    return json_texts()


def outcome(text: str | bytes) -> Command | LivethreadError:
    """Of a ping that carries this text as a value; anything untyped fails the test."""
    ping = '{"type":"ping","x":'
    try:
        if isinstance(text, bytes):
            return decode_command(ping.encode() + text + b"}", max_bytes=MAX_BYTES)
        return decode_command(f"{ping}{text}}}", max_bytes=MAX_BYTES)
    except LivethreadError as error:
        return error


def test_the_suite_is_there() -> None:
    kinds = [name[:2] for name, _ in texts()]
    assert (kinds.count("y_"), kinds.count("n_"), kinds.count("i_")) == (95, 188, 35)


@pytest.mark.parametrize("as_bytes", [False, True])
def test_what_is_json_is_read(as_bytes: bool) -> None:
    refused = {
        name: found
        for name, text in texts()
        if name.startswith("y_")
        and not isinstance(found := outcome(text.encode() if as_bytes else text), Command)
    }
    assert refused == {}


@pytest.mark.parametrize("as_bytes", [False, True])
def test_what_is_no_json_is_refused_with_a_typed_error(as_bytes: bool) -> None:
    taken = {
        name: found
        for name, text in texts()
        if name.startswith("n_")
        and not isinstance(found := outcome(text.encode() if as_bytes else text), BadJson)
    }
    assert taken == {}


def test_what_may_be_json_is_read_or_refused_with_a_typed_error() -> None:
    for name, text in texts():
        if name.startswith("i_"):
            assert isinstance(outcome(text), (Command, BadJson)), name


def test_a_frame_is_an_object_and_nothing_else() -> None:
    for name, text in texts():
        is_object = name.startswith("y_") and text.strip().startswith("{")
        try:
            decode_object(text, max_bytes=MAX_BYTES)
        except BadJson:
            assert not is_object, name
        else:
            assert is_object or name.startswith("i_"), name


def test_depth_is_bounded_before_it_costs_anything() -> None:
    deep = [text for _, text in texts() if text.count("[") >= 10_000]
    assert deep
    for text in [*deep, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000]:
        assert isinstance(outcome(text), BadJson)
    assert isinstance(outcome("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)), Command)
    assert isinstance(outcome("[" * MAX_DEPTH + "]" * MAX_DEPTH), BadJson)
