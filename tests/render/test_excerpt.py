"""Plain text in a line, for feeds and titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livethread.render.excerpt import excerpt


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("a\n\nb  c", "a b c"),
        ("**a** [b](https://x.y) `c`<d>", "a b c<d>"),
        ("# a\n\n> b\n\n- c\n- d\n\n```\ne\n```", "a b c d e"),
        ("one two three four", "one two three…"),
        ("onetwothreefourfive", "onetwothreefo…"),
        ("twelve chars and more", "twelve chars…"),
        ("a" * 14, "a" * 14),
    ],
)
def test_markup_goes_and_the_cut_falls_between_words(body: str, shown: str) -> None:
    assert excerpt(body, 14) == shown


def test_the_cut_keeps_together_what_belongs_together() -> None:
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    assert excerpt("aaa" + family, 6) == "aaa…"
    assert excerpt("aaax\u0301\u0302b", 6) == "aaa…"


@given(st.text(), st.integers(2, 20))
def test_excerpt_is_one_line_within_its_bound(body: str, max_chars: int) -> None:
    shown = excerpt(body, max_chars)
    assert len(shown) <= max_chars
    assert shown == " ".join(shown.split())
