"""The shared vectors (see vectors/README.md), run on the models and a reference reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from livethread.protocol.codec import decode_command, decode_frame, encode
from livethread.protocol.commands import COMMANDS
from livethread.protocol.errors import BadFrame, ErrorCode, LivethreadError
from livethread.protocol.frames import FRAMES
from tests.protocol.reader import Reader

VECTORS = Path(__file__).parent / "vectors"


def load(name: str, key: str) -> list[Any]:
    cases: list[Any] = json.loads((VECTORS / f"{name}.json").read_text())[key]
    names = [case["name"] for case in cases]
    assert len(set(names)) == len(names)
    return [pytest.param(case, id=case["name"]) for case in cases]


def text_of(case: dict[str, Any]) -> str:
    return case["text"] if "text" in case else json.dumps(case["command"])


@pytest.mark.parametrize("case", load("commands", "valid"))
def test_valid_command_is_read(case: dict[str, Any]) -> None:
    command = decode_command(text_of(case))
    sent = json.loads(text_of(case))
    assert command.model_dump()["type"] == sent["type"]
    read = json.loads(command.model_dump_json())
    known = {name: value for name, value in sent.items() if name in read}
    assert read == read | known | case.get("reads", {})


@pytest.mark.parametrize("case", load("commands", "invalid"))
def test_invalid_command_is_refused_with_its_code_and_field(case: dict[str, Any]) -> None:
    with pytest.raises(LivethreadError) as caught:
        decode_command(text_of(case))
    assert (caught.value.code, caught.value.field) == (ErrorCode(case["code"]), case["field"])


def test_every_command_and_frame_has_a_vector() -> None:
    def types(name: str, key: str, part: str) -> set[str]:
        cases = json.loads((VECTORS / f"{name}.json").read_text())[key]
        return {case[part]["type"] for case in cases if part in case}

    assert types("commands", "valid", "command") == set(COMMANDS)
    assert types("frames", "valid", "frame") == set(FRAMES)


@pytest.mark.parametrize("case", load("frames", "valid"))
def test_valid_frame_is_read_and_written_again(case: dict[str, Any]) -> None:
    frame = decode_frame(json.dumps(case["frame"]))
    assert frame is not None
    assert json.loads(encode(frame)) == case["frame"]


@pytest.mark.parametrize("case", load("frames", "unknown_fields"))
def test_unknown_fields_of_a_frame_are_ignored(case: dict[str, Any]) -> None:
    assert decode_frame(json.dumps(case["frame"])) is not None


@pytest.mark.parametrize("case", load("frames", "ignored"))
def test_unknown_types_of_frames_are_ignored(case: dict[str, Any]) -> None:
    assert decode_frame(json.dumps(case["frame"])) is None


@pytest.mark.parametrize("case", load("frames", "malformed"))
def test_malformed_frame_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(BadFrame):
        decode_frame(case["text"])


@pytest.mark.parametrize("case", load("feed", "scenarios"))
def test_reader_follows_a_scenario(case: dict[str, Any]) -> None:
    reader = Reader()
    for step in case["steps"]:
        if "join" in step:
            assert reader.join() == step["join"]
            continue
        assert reader.receive(step["receive"]) == step["outcome"], step
        assert reader.cursor == step["cursor"], step
    assert list(reader.shown().values()) == case["comments"]
    assert reader.count == case["count"]
    assert reader.room.items() >= case.get("room", {}).items()


@pytest.mark.parametrize("case", load("feed", "scenarios"))
def test_frames_of_scenarios_are_the_protocols(case: dict[str, Any]) -> None:
    for step in case["steps"]:
        if "receive" in step:
            assert decode_frame(json.dumps(step["receive"])) is not None
