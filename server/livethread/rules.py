"""What all sessions go by: the settings they need and the limits that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from livethread.auth.limits import Rate, RateLimiter
from livethread.protocol.frames import Limits


@dataclass(frozen=True, slots=True)
class SessionRules:
    """Handed to every session. ``clock`` is monotonic, s; ``clock_ms`` wall time, ms since 1970."""

    limits: Limits
    heartbeat_s: float
    max_in_flight: int
    page_roots: int
    page_replies: int
    page_bytes: int
    reactions: frozenset[str]
    command_rate: Rate
    flood_commands: int
    identity_posts: RateLimiter
    address_posts: RateLimiter
    bot_posts: RateLimiter
    address_guests: RateLimiter
    render: Callable[[str], str | None]
    clock: Callable[[], float]
    clock_ms: Callable[[], int]
