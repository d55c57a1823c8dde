"""The scenes: functions from a :class:`Stage` to a :class:`Result`; each says what happens."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from tests.bench.results import Result
from tests.bench.scenes.durable import posts
from tests.bench.scenes.fanout import burst, single
from tests.bench.scenes.gathering import crowd
from tests.bench.scenes.schedule import rate
from tests.bench.scenes.stage import Stage

SCENES: MappingProxyType[str, Callable[[Stage], Result]] = MappingProxyType(
    {"burst": burst, "single": single, "rate": rate, "posts": posts, "crowd": crowd}
)
"""Every scene by its name, in the order they play."""
