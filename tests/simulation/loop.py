"""A loop whose time is virtual and whose order of what is ready is drawn from a seed.

What runs in the context of a :class:`Process` stops for good when that is killed, as with kill -9:
nothing of it is called any more.
"""

from __future__ import annotations

import itertools
from asyncio import AbstractEventLoop, Task
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, TypeVar

from tests.server.virtual import VirtualLoop

T = TypeVar("T")
Connector = Callable[[Callable[[], Any]], Coroutine[Any, Any, tuple[Any, Any]]]

_PROCESS: ContextVar[Process] = ContextVar("process")


class NumberedTask(Task[Any]):
    """Hashed by its number: a set of tasks has the same order in every run."""

    def __init__(
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        loop: AbstractEventLoop,
        number: int,
        context: Context | None = None,
        **how: Any,
    ) -> None:
        context = copy_context() if context is None else context
        self._number = number
        super().__init__(coro, loop=loop, context=context, **how)
        process = context.get(_PROCESS)
        if process is not None:
            process.keep(self)

    def __hash__(self) -> int:
        return self._number


class _Ready(deque[Any]):
    """The queue of a loop: out comes any of those that are ready, never one of a dead process."""

    def __init__(self, order: Random | None) -> None:
        super().__init__()
        self._order = order

    def popleft(self) -> Any:
        if self._order is not None and len(self) > 1:
            self.rotate(-self._order.randrange(len(self)))
        handle = super().popleft()
        process = handle._context.get(_PROCESS)
        if process is not None and not process.is_alive:
            handle.cancel()
        return handle


class SeededLoop(VirtualLoop):
    """``order`` None keeps the order in which things became ready, as asyncio does."""

    def __init__(self, order: Random | None) -> None:
        super().__init__()
        self._ready = _Ready(order)
        self.connector: Connector | None = None
        numbers = itertools.count()

        def task(loop: AbstractEventLoop, coro: Any, **how: Any) -> NumberedTask:
            return NumberedTask(coro, loop=loop, number=next(numbers), **how)

        self.set_task_factory(task)

    async def create_connection(self, protocol_factory: Any, *_: Any, **__: Any) -> Any:
        """There is no other network than the simulated one."""
        assert self.connector is not None
        return await self.connector(protocol_factory)

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        """Nothing: a killed process finishes nothing, and no collector decides what happens."""

    def apart(self, at: float, callback: Callable[..., Any], *given: Any) -> None:
        """Call at that time what belongs to no process."""
        self.call_at(at, callback, *given, context=Context())


class Process:
    """What dies together. ``name`` is for the history."""

    def __init__(self, loop: SeededLoop, name: str) -> None:
        self.name = name
        self.is_alive = True
        self.loop = loop
        self._tasks: list[Any] = []
        self._context = Context()
        self._context.run(_PROCESS.set, self)

    @staticmethod
    def current() -> Process:
        return _PROCESS.get()

    def start(self, work: Coroutine[Any, Any, T]) -> Task[T]:
        return self.loop.create_task(work, context=self._context.copy())

    def soon(self, callback: Callable[..., Any], *given: Any) -> None:
        """Call it inside the process, if that still lives by then."""
        self.loop.call_soon(callback, *given, context=self._context.copy())

    def keep(self, task: Any) -> None:
        """A loop holds its tasks weakly; nothing shall end by being collected."""
        self._tasks.append(task)
        if len(self._tasks) % 100 == 0:
            self._tasks = [each for each in self._tasks if not each.done()]

    def kill(self) -> None:
        """Nothing of it goes on from here; what it was doing is kept, unfinished."""
        self.is_alive = False

    def bury(self) -> None:
        """End what was left unfinished, when nobody watches any more."""
        self.is_alive = False
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False
                self._context.copy().run(_close, task.get_coro())


def _close(coro: Any) -> None:
    """Also if it awaits something in a ``finally``; it is not resumed."""
    for _ in range(20):
        with suppress(RuntimeError, BaseExceptionGroup):  # a TaskGroup says so of its tasks
            coro.close()
            return
