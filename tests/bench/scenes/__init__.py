"""The scenes: functions from a :class:`Stage` to a :class:`Result`; each says what happens."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from tests.bench.results import Result
from tests.bench.scenes.catchup import replay
from tests.bench.scenes.compression import wire
from tests.bench.scenes.durable import posts
from tests.bench.scenes.fanout import burst, generator, saturation, single
from tests.bench.scenes.gathering import crowd
from tests.bench.scenes.polling import poll
from tests.bench.scenes.reading import widget
from tests.bench.scenes.schedule import hall, rate, spaced
from tests.bench.scenes.stage import Stage
from tests.bench.scenes.stalling import slow

SCENES: MappingProxyType[str, Callable[[Stage], Result]] = MappingProxyType(
    {
        scene.__name__: scene
        for scene in (
            burst,
            single,
            generator,
            saturation,
            spaced,
            hall,
            rate,
            slow,
            wire,
            replay,
            posts,
            poll,
            crowd,
            widget,
        )
    }
)
"""Every scene by its name, in the order they play."""
