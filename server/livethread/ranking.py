"""How comments are ranked in the order ``best``."""

from __future__ import annotations

from collections.abc import Collection, Mapping

Z2 = 3.841459
"""The square of 1.959964: 95 % confidence."""
SCALE = 1_000_000_000
"""Scores are kept as integers: equal ones are equal on every database."""


def score_of(counts: Mapping[str, int], against: Collection[str]) -> int:
    """The lower bound of the share of reactions that are for a comment, in billionths.

    That is the lower end of Wilson's score interval (E. B. Wilson, JASA 22, 1927, p. 209) for the
    names that don't count ``against`` it. One ``like`` is no 100 %: 1 of 1 scores 0.21, 10 of 10
    0.72, 90 of 100 0.83. Where all are for it, it is n / (n + z²) and ranks by their number.
    """
    total = sum(counts.values())
    if not total:
        return 0
    share = sum(count for name, count in counts.items() if name not in against) / total
    spread = (Z2 * (share * (1 - share) + Z2 / (4 * total)) / total) ** 0.5
    bound = (share + Z2 / (2 * total) - spread) / (1 + Z2 / total)
    return max(0, int(bound * SCALE))
