"""What all sessions go by: the settings they need and the limits that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from livethread.auth.limits import Rate, RateLimiter
from livethread.model import Draft, Judgement, Role, RoomName
from livethread.protocol.frames import Limits


class Judge(Protocol):
    """Looks at what readers write before it is committed: ``moderation.engine``."""

    def admit(self, room: RoomName, author: str, now_ms: int) -> None:
        """Raises ``Banned`` if they may not write in that room."""

    def judge(self, draft: Draft) -> Judgement:
        """Whether it is to wait, and why. Raises ``Rejected``."""

    def default(self, room: RoomName) -> Literal["approve", "hold"]:
        """What is done to a comment that no bot has judged in time."""

    def hold_at(self, room: RoomName) -> int:
        """How many readers' reports hold a comment; 0: none do."""

    def is_shadowed(self, room: RoomName, author: str, now_ms: int) -> bool:
        """Whether what they do is to be seen by nobody else."""

    def spared(self, site: str, role: Role) -> frozenset[str]:
        """Whom a moderator, bot or admin of the site may not bar."""


class NoJudge:
    """Lets everything pass."""

    def admit(self, room: RoomName, author: str, now_ms: int) -> None:
        pass

    def judge(self, draft: Draft) -> Judgement:
        return Judgement()

    def default(self, room: RoomName) -> Literal["approve", "hold"]:
        return "approve"

    def hold_at(self, room: RoomName) -> int:
        return 0

    def is_shadowed(self, room: RoomName, author: str, now_ms: int) -> bool:
        return False

    def spared(self, site: str, role: Role) -> frozenset[str]:
        return frozenset()


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
    negative_reactions: frozenset[str]
    command_rate: Rate
    flood_commands: int
    identity_posts: RateLimiter
    address_posts: RateLimiter
    bot_posts: RateLimiter
    address_guests: RateLimiter
    render: Callable[[str], str | None]
    clock: Callable[[], float]
    clock_ms: Callable[[], int]
    judge: Judge = field(default_factory=NoJudge)
