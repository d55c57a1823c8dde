"""Bytes to models and back. Whatever comes in, only a :class:`LivethreadError` comes out."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from livethread.protocol.commands import COMMANDS, Command
from livethread.protocol.errors import (
    BadFrame,
    BadJson,
    LivethreadError,
    TooLarge,
    UnknownType,
)
from livethread.protocol.frames import FRAMES, Wire

MAX_DEPTH = 8


def decode_command(data: bytes | bytearray | str, *, max_bytes: int = 16 * 1024) -> Command:
    """One command from the payload of a text frame.

    Raises what :func:`decode_object` and :func:`to_command` raise.
    """
    value = decode_object(data, max_bytes=max_bytes)
    try:
        return to_command(value)
    except LivethreadError as error:
        ref = value.get("ref")
        error.ref = ref if type(ref) is str and len(ref) <= 64 else None
        raise


def decode_object(data: bytes | bytearray | str, *, max_bytes: int) -> dict[str, Any]:
    """Raises ``TooLarge`` over ``max_bytes`` and ``BadJson`` for anything but a JSON object."""
    try:
        if isinstance(data, str) and not data.isascii():
            data = data.encode()  # lone surrogates end here
        if len(data) > max_bytes:
            raise TooLarge(f"A frame has at most {max_bytes} bytes.")
        value = from_json(data, allow_inf_nan=False, cache_strings="keys")
    except (ValueError, RecursionError) as error:
        raise BadJson from error
    if type(value) is not dict:
        raise BadJson
    return value


def to_command(value: dict[str, Any]) -> Command:
    """The command that a JSON object stands for.

    Raises ``BadJson`` if it is nested more than eight deep, ``UnknownType``, and ``BadFrame``
    naming the field at fault.
    """
    _check_depth(value, MAX_DEPTH)
    kind = value.get("type")
    model = COMMANDS.get(kind) if type(kind) is str else None
    if model is None:
        raise UnknownType(field="type")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise bad_frame(error) from error


def decode_frame(data: bytes | str) -> Wire | None:
    """One frame from a server; ``None`` for a type this version does not know."""
    try:
        value = from_json(data, allow_inf_nan=False)
        model = FRAMES.get(value["type"])
        return None if model is None else model.model_validate(value)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadFrame("The server sent a frame this client can't read.") from error


def encode(frame: BaseModel | dict[str, Any]) -> bytes:
    """A frame as JSON; a model's absent optional fields are left out."""
    if isinstance(frame, dict):
        return to_json(frame)
    return frame.__pydantic_serializer__.to_json(frame, exclude_none=True, by_alias=True)


def bad_frame(error: ValidationError) -> BadFrame:
    """The first thing wrong with a command, in words, without repeating what was sent."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return BadFrame(f"{field}: {message}" if field else message, field=field or None)


def _check_depth(value: dict[str, Any] | list[Any], left: int) -> None:
    for item in value.values() if type(value) is dict else value:
        if type(item) is dict or type(item) is list:
            if left <= 1:
                raise BadJson("The JSON is nested too deeply.")
            _check_depth(item, left - 1)
