"""Values: immutable to the type checker, quick to make at run time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """A slotted dataclass that mypy holds frozen.

    ``frozen=True`` would make it so at run time, too, but then seven fields take 2.2 µs instead of
    0.3, and one comment on its way makes values of some 45 fields.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
