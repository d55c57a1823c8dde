"""The protocol page and the schema are what the models say, and say all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from livethread.protocol.codec import to_command
from livethread.protocol.commands import COMMANDS
from livethread.protocol.errors import CloseCode, ErrorCode, LivethreadError, error_for
from livethread.protocol.frames import FRAMES
from tools.generate_protocol import (
    PAGE,
    PARTS,
    PATTERNS,
    SCHEMA,
    TOKENS,
    example,
    page,
    schema,
    schema_text,
)

RUN = "run: .venv/bin/python tools/generate_protocol.py"
MODELS: list[type[BaseModel]] = [*COMMANDS.values(), *FRAMES.values(), *PARTS]
FIELDS = [(model, name) for model in MODELS for name in model.model_fields if name != "type"]


def values(tree: Any, key: str) -> Iterator[Any]:
    """What stands under a key, anywhere in a tree of JSON."""
    if isinstance(tree, dict):
        if key in tree:
            yield tree[key]
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from values(part, key)


def test_the_page_is_what_the_program_says() -> None:
    assert PAGE.read_text() == page(), RUN


def test_the_schema_is_what_the_program_says() -> None:
    assert SCHEMA.read_text() == schema_text(), RUN


@pytest.mark.parametrize("model", [*MODELS, *TOKENS])
def test_each_command_frame_and_part_says_what_it_is(model: type[BaseModel]) -> None:
    assert "__doc__" in vars(model)
    assert model.__doc__


@pytest.mark.parametrize(
    ("model", "name"), FIELDS, ids=[f"{model.__name__}.{name}" for model, name in FIELDS]
)
def test_each_field_says_what_it_is(model: type[BaseModel], name: str) -> None:
    assert model.model_fields[name].description


def test_each_shape_has_its_place_in_the_page() -> None:
    names = {model.__name__ for model in [*MODELS, *TOKENS]}
    assert {*schema()["$defs"]} == {*names, "ErrorCode", "commands", "frames"}


def test_each_pattern_has_words() -> None:
    assert {*values(schema(), "pattern")} <= {*PATTERNS}


@pytest.mark.parametrize("code", ErrorCode)
def test_each_error_code_has_a_class_that_says_what_it_means(code: ErrorCode) -> None:
    kind = error_for(code)
    assert kind.code is code
    assert "__doc__" in vars(kind)
    assert kind.__doc__


def test_each_error_class_has_a_code_of_its_own() -> None:
    kinds = LivethreadError.__subclasses__()
    assert all("code" in vars(kind) for kind in kinds)
    assert len({kind.code for kind in kinds}) == len(kinds)


@pytest.mark.parametrize("code", CloseCode)
def test_each_close_code_says_what_it_means(code: CloseCode) -> None:
    assert code.meaning


def test_each_reference_in_the_schema_leads_somewhere() -> None:
    whole = json.loads(SCHEMA.read_text())
    mapped = [ref for mapping in values(whole, "mapping") for ref in mapping.values()]
    for ref in (*values(whole, "$ref"), *mapped):
        assert ref.removeprefix("#/$defs/") in whole["$defs"]


@pytest.mark.parametrize(("kind", "models"), [("commands", COMMANDS), ("frames", FRAMES)])
def test_the_schema_tells_all_types_apart(kind: str, models: dict[str, type[BaseModel]]) -> None:
    defs = schema()["$defs"]
    assert list(defs[kind]["discriminator"]["mapping"]) == list(models)
    for name, choice in zip(models, defs[kind]["oneOf"], strict=True):
        shape = defs[choice["$ref"].removeprefix("#/$defs/")]
        assert shape["properties"]["type"]["const"] == name
        assert "type" in shape["required"]


@pytest.mark.parametrize(("arrow", "value"), example())
def test_each_frame_shown_is_one_that_can_be_sent(arrow: str, value: dict[str, Any]) -> None:
    if arrow == "→":
        model: BaseModel = to_command(value)
    else:
        model = FRAMES[value["type"]].model_validate_json(json.dumps(value))
    assert model.model_dump(mode="json", by_alias=True, exclude_unset=True) == value


def test_the_example_is_an_exchange() -> None:
    assert {arrow for arrow, _ in example()} == {"→", "←"}
