from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livethread.protocol.cursor import Cursor

epochs = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=16)


@given(epoch=epochs, seq=st.integers(0, 10**18 - 1))
def test_a_cursor_is_read_as_it_was_written(epoch: str, seq: int) -> None:
    cursor = Cursor(epoch, seq)
    assert Cursor.parse(str(cursor)) == cursor
    assert cursor.at(5) == Cursor(epoch, 5)


@given(st.text(max_size=40))
def test_anything_else_is_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert str(Cursor.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "0", "k3", "k3.", ".1", "k3.01", "k3.1\n", "k3.\u0661", "K3.1"]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"EPOCH\.SEQ"):
        Cursor.parse(text)
