"""Token buckets: so much at once, so much per second, per identity and per address."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from livethread.protocol.errors import RateLimited


def source_of(address: str) -> str:
    """What an address is counted as: an IPv6 one as its /64, which one subscriber has whole.

    RFC 6177: 2^64 addresses for each site would be as many limits. An IPv4 address that an IPv6
    socket shows (``::ffff:192.0.2.1``) is that IPv4 address.
    """
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{ipaddress.IPv6Address(int(found) >> 64 << 64)}/64"


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` at once, then ``per_s`` a second; a ``per_s`` of 0 means no limit."""

    per_s: float
    burst: int


class Bucket:
    """One bucket, full at first. ``clock`` values are seconds, monotonic."""

    __slots__ = ("_rate", "_tokens", "since")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self.since = now

    def take(self, now: float) -> None:
        """Use one; raises ``RateLimited`` with the wait in ms if there is none."""
        rate = self._rate
        if rate.per_s <= 0:
            return
        tokens = min(float(rate.burst), self._tokens + (now - self.since) * rate.per_s)
        self.since = now
        self._tokens = tokens - 1 if tokens >= 1 else tokens
        if tokens < 1:
            raise RateLimited(retry_after_ms=int((1 - tokens) / rate.per_s * 1000) + 1)


class RateLimiter:
    """Buckets by key. One unused until it must be full again is forgotten: a new one is the same.

    There are at most ``max_keys``; over that the longest unused is forgotten before.
    """

    def __init__(self, rate: Rate, clock: Callable[[], float], *, max_keys: int = 100_000) -> None:
        self._rate = rate
        self._clock = clock
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str) -> None:
        """Use one of the key's; raises ``RateLimited`` with the wait in ms if there is none."""
        if self._rate.per_s <= 0:
            return
        now = self._clock()
        bucket = self._buckets.pop(key, None) or Bucket(self._rate, now)
        self._forget(now - self._rate.burst / self._rate.per_s)
        self._buckets[key] = bucket
        bucket.take(now)

    def _forget(self, full_since: float) -> None:
        """Make room for one more. The buckets stand in the order of their last use."""
        buckets = self._buckets
        while buckets and (
            len(buckets) >= self._max_keys or next(iter(buckets.values())).since < full_since
        ):
            buckets.popitem(last=False)


class Tally:
    """How many are open per key, with a bound."""

    def __init__(self, max_each: int) -> None:
        self._max_each = max_each
        self._counts: dict[str, int] = {}

    def enter(self, key: str) -> bool:
        """Count one more unless the bound is reached; a bound of 0 means none."""
        count = self._counts.get(key, 0)
        if 0 < self._max_each <= count:
            return False
        self._counts[key] = count + 1
        return True

    def leave(self, key: str) -> None:
        count = self._counts[key] - 1
        if count:
            self._counts[key] = count
        else:
            del self._counts[key]
