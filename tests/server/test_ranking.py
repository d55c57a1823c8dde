"""The order ``best``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livethread.ranking import SCALE, Z2, score_of

AGAINST = frozenset({"dislike"})
counts = st.integers(0, 10_000)


@given(counts, counts)
def test_the_score_is_the_lower_end_of_wilsons_interval(likes: int, dislikes: int) -> None:
    """The p below the observed share from which that is z standard deviations away."""
    total = likes + dislikes
    score = score_of({"like": likes, "dislike": dislikes}, AGAINST) / SCALE
    if not total:
        assert score == 0
        return
    share = likes / total
    assert score <= share
    assert (share - score) ** 2 == pytest.approx(Z2 * score * (1 - score) / total, abs=1e-7)


@pytest.mark.parametrize(
    ("likes", "dislikes", "expected"), [(1, 0, 0.21), (10, 0, 0.72), (90, 10, 0.83), (0, 5, 0)]
)
def test_what_the_docs_say_of_scores_is_so(likes: int, dislikes: int, expected: float) -> None:
    score = score_of({"like": likes, "dislike": dislikes}, AGAINST)
    assert round(score / SCALE, 2) == expected


@given(counts, counts)
def test_a_reaction_for_a_comment_never_lowers_it_and_one_against_never_lifts_it(
    likes: int, dislikes: int
) -> None:
    now = score_of({"like": likes, "dislike": dislikes}, AGAINST)
    assert 0 <= now < SCALE
    assert score_of({"like": likes + 1, "dislike": dislikes}, AGAINST) >= now
    assert score_of({"like": likes, "dislike": dislikes + 1}, AGAINST) <= now


def test_without_reactions_against_it_ranks_by_their_number() -> None:
    scores = [score_of({"like": n}, frozenset()) for n in range(2_000)]
    assert scores == sorted(set(scores))
    assert score_of({"like": 2, "heart": 3}, frozenset()) == scores[5]
