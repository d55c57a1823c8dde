"""How often something was said lately, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict


class Recently:
    """Counts who did each thing within ``window_s``; at most ``max_keys`` are remembered.

    Doing it again under the same ``by`` counts once: a comment is sent again with its nonce.
    """

    def __init__(self, window_s: float, *, max_keys: int = 10_000, max_each: int = 1_000) -> None:
        self._window_ms = window_s * 1000
        self._max_keys = max_keys
        self._max_each = max_each
        self._seen: OrderedDict[str, dict[str, int]] = OrderedDict()

    def count(self, key: str, by: str, now_ms: int) -> int:
        """Note it; how often it was within the window, this time included."""
        times = self._seen.pop(key, {})
        while times and next(iter(times.values())) <= now_ms - self._window_ms:
            del times[next(iter(times))]
        if len(times) < self._max_each:
            times.setdefault(by, now_ms)
        self._seen[key] = times
        if len(self._seen) > self._max_keys:
            self._seen.popitem(last=False)
        return len(times)
