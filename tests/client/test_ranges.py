"""A set of integers in few ranges, held against Python's own."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from livethread_client.ranges import Ranges

STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "discard"]), st.integers(0, 40), st.integers(-2, 12))
)


@given(STEPS)
def test_it_is_a_set(steps: list[tuple[str, int, int]]) -> None:
    ranges, model = Ranges(), set[int]()
    for what, start, length in steps:
        numbers = range(start, start + length + 1)
        if what == "add":
            ranges.add(start, start + length)
            model.update(numbers)
        else:
            ranges.discard(start, start + length)
            model.difference_update(numbers)
    found = list(ranges)
    assert {n for start, end in found for n in range(start, end + 1)} == model
    assert all(n in ranges for n in model)
    assert not any(n in ranges for n in range(-1, 60) if n not in model)
    for (_, end), (start, _) in pairwise(found):
        assert start > end + 1, "neighbours are one range"


def test_the_lowest_ranges_can_be_forgotten() -> None:
    ranges = Ranges([(1, 2), (4, 5), (9, 9)])
    ranges.drop_lowest(2)
    assert list(ranges) == [(4, 5), (9, 9)]
