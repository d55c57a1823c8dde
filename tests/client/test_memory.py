"""Which comments are news, through compaction, moderation and restarts; and a file always whole."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livethread.protocol.cursor import Cursor
from livethread_client.memory import RoomMemory, StateFile, replace_file
from livethread_client.ranges import Ranges


def at(seq: int) -> Cursor:
    return Cursor("e", seq)


def reread(memory: RoomMemory) -> RoomMemory:
    """The memory after a restart."""
    return RoomMemory(memory.cursor, Ranges(memory.unseen), Ranges(memory.ahead))


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["post", "hold", "touch", "approve", "read", "restart"]), st.integers(0, 99)
    ),
    max_size=40,
)


@given(ACTIONS, st.integers(1, 4))
def test_each_comment_is_new_once_however_the_feed_is_compacted(
    actions: list[tuple[str, int]], at_most: int
) -> None:
    memory, handled = RoomMemory(), Counter[int]()
    head, rows, held = 0, dict[int, int](), set[int]()

    def read(limit: int) -> None:
        """One frame: what the public may see of the rows after the cursor."""
        nonlocal memory
        since = memory.cursor.seq if memory.cursor else 0
        found = sorted((seq, id) for id, seq in rows.items() if seq > since)[:limit]
        to = found[-1][0] if len(found) == limit else head
        shown = [(seq, id) for seq, id in found if id not in held]
        for n, (seq, id) in enumerate(shown):
            if memory.is_new(id):
                handled[id] += 1
                memory.mark(id)
            memory.advance(at(to if n == len(shown) - 1 else seq), seq)

    for action, number in actions:
        if action in ("post", "hold"):
            head += 1
            rows[head] = head
            if action == "hold":
                held.add(head)
        elif action == "touch" and rows:
            head += 1
            rows[sorted(rows)[number % len(rows)]] = head
        elif action == "approve" and held:
            head += 1
            id = sorted(held)[number % len(held)]
            held.discard(id)
            rows[id] = head
        elif action == "read":
            read(at_most)
        elif action == "restart":
            memory = reread(memory)
    while (memory.cursor.seq if memory.cursor else 0) < max(
        (seq for id, seq in rows.items() if id not in held), default=0
    ):
        read(1000)
    assert handled == Counter(dict.fromkeys(rows.keys() - held, 1))


def test_what_is_there_at_the_start_is_no_news() -> None:
    memory = RoomMemory()
    memory.begin(at(10), 10)
    assert not any(memory.is_new(id) for id in range(1, 11))
    assert memory.is_new(11)


def test_a_restored_history_is_no_news_as_far_as_it_goes() -> None:
    """A bot that may replay gets it all again, from 0."""
    memory = RoomMemory()
    memory.begin(Cursor("f", 0), 3)
    for seq in (1, 2, 3):
        assert not memory.is_new(seq)
        memory.advance(Cursor("f", seq), seq)
    assert memory.is_new(4)


def test_the_file_brings_everything_back(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.json")
    memory = file.room("r")
    memory.mark(7)
    memory.advance(at(4), 4)
    file.save()
    again = StateFile(tmp_path / "state.json")
    again.load()
    assert again.room("r").cursor == at(4)
    assert [again.room("r").is_new(id) for id in (3, 4, 7, 8)] == [True, False, False, True]


def test_a_crash_while_saving_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    replace_file(path, b"old")

    def full(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rooms":{"r":{"cursor":"x","unseen":[]}}}'])
def test_a_file_that_is_no_state_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"state\.json"):
        StateFile(path).load()


def test_only_the_newest_of_very_many_ranges_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livethread_client.memory.KEEP_RANGES", 2)
    memory = RoomMemory(head=4)
    for seq in (2, 4, 6, 8):
        memory.advance(at(seq), seq)
    assert list(memory.unseen) == [(5, 5), (7, 7)]
