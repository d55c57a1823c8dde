"""How long to wait before connecting again."""

from __future__ import annotations

from collections.abc import Callable

CAP_S = 30.0
FIRST_S = 0.5
HEALTHY_S = 30.0


class Backoff:
    """Full jitter: ``random(0, min(30 s, 0.5 s × 2^n))``; n starts anew after 30 s of health.

    Many clients of one server that went away come back spread out, not in step.
    ``random(low, high)`` is ``random.uniform`` or a test's.
    """

    def __init__(self, random: Callable[[float, float], float]) -> None:
        self._random = random
        self._failures = 0

    def delay_s(self, connected_s: float, window_ms: tuple[int, int] | None = None) -> float:
        """The wait after a connection that lived ``connected_s`` (0: it was never made).

        ``window_ms`` is what the server asked for when it said goodbye.
        """
        if connected_s >= HEALTHY_S:
            self._failures = 0
        most = min(CAP_S, FIRST_S * 2 ** min(self._failures, 10))
        self._failures += 1
        if window_ms is not None:
            low, high = window_ms
            return self._random(low / 1000, max(low, high) / 1000)
        return self._random(0, most)
