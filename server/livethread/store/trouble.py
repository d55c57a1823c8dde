"""Why the Store fails, in the log: when it begins, when it changes and when it is over."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

REPEAT_S = 10.0
"""A reason that comes and goes is told that often."""


class Trouble:
    """One line for each change, not one for each failure: thousands a second may fail alike.

    ``what`` names the work: "commits" gives the events ``commits_fail`` with the reason, and
    ``commits_work_again``.
    """

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._fail, self._work_again = f"{what}_fail", f"{what}_work_again"
        self._clock = clock
        self._reason: str | None = None
        self._told: dict[str, float] = {}

    def failed(self, reason: str) -> None:
        """``reason`` is one of a few, such as SQLITE_FULL."""
        now = self._clock()
        if reason == self._reason or now - self._told.get(reason, -REPEAT_S) < REPEAT_S:
            return
        self._reason = reason
        self._told[reason] = now
        log.warning(self._fail, reason=reason)

    def worked(self) -> None:
        if self._reason is not None:
            self._reason = None
            log.info(self._work_again)
