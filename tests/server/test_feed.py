from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livethread.feed import MAX_COVERED, Encoding, Entry, Feed, Gap, Kind, reactions_of

PUBLIC = Kind(False, Encoding.JSON)
STAFF = Kind(True, Encoding.JSON)
WHOLE = 1_000_000


def bare(payload: bytes, _: Encoding) -> bytes:
    return payload


def feed(*, max_entries: int = 100, max_bytes: int = 100_000) -> Feed:
    made = Feed("a", b'"a"', max_entries=max_entries, max_bytes=max_bytes)
    made.load("k3", 0, b"{}")
    return made


def entry(seq: int, key: int | None = None, text: str = "", *, public: bool = True) -> Entry:
    """A change after which there are ten times as many comments as its seq."""
    part = b'{"seq":%d,"text":"%b"}' % (seq, (text or f"text {seq}").encode())
    return Entry(seq, seq if key is None else key, part if public else None, part, seq * 10)


def read(found: tuple[int, bytes] | None, *, is_counted: bool = True) -> Any:
    assert found is not None
    to, frame = found
    decoded = json.loads(frame)
    assert decoded["to"] == to
    assert decoded.get("comments", None if is_counted else to * 10) == to * 10
    return [change["seq"] for change in decoded["changes"]]


def test_a_frame_says_which_range_it_covers() -> None:
    one = feed()
    one.append([entry(1), entry(2), entry(3)])
    to, frame = one.frame(1, 3, PUBLIC, bare, WHOLE) or (0, b"")
    assert to == 3
    assert json.loads(frame) == {
        "type": "changes",
        "room": "a",
        "from": 1,
        "to": 3,
        "comments": 30,
        "changes": [{"seq": 2, "text": "text 2"}, {"seq": 3, "text": "text 3"}],
    }


@pytest.mark.parametrize("max_bytes", [WHOLE, 30], ids=["whole", "cut"])
def test_the_same_range_is_encoded_once(max_bytes: int) -> None:
    one = feed()
    one.append(entry(seq) for seq in range(1, 6))
    calls = count()

    def encode(payload: bytes, encoding: Encoding) -> bytes:
        next(calls)
        return bytes(bytearray(payload))

    first = one.frame(0, 5, PUBLIC, encode, max_bytes)
    second = one.frame(0, 5, PUBLIC, encode, max_bytes)
    assert first is not None
    assert second is not None
    assert first[1] is second[1]
    assert next(calls) == 1


def test_a_frame_is_cut_at_its_bound_but_never_empty() -> None:
    one = feed()
    one.append(entry(seq, text="x" * 50) for seq in range(1, 5))
    assert read(one.frame(0, 4, PUBLIC, bare, 160)) == [1, 2]
    assert read(one.frame(2, 4, PUBLIC, bare, 160)) == [3, 4]
    assert read(one.frame(1, 4, PUBLIC, bare, 1)) == [2]


def test_what_the_public_may_not_know_is_covered_without_an_entry() -> None:
    one = feed()
    one.append([entry(1), entry(2, public=False), entry(3)])
    assert read(one.frame(0, 3, PUBLIC, bare, WHOLE)) == [1, 3]
    assert read(one.frame(0, 3, STAFF, bare, WHOLE)) == [1, 2, 3]
    assert read(one.frame(1, 2, PUBLIC, bare, WHOLE)) == []


def test_changing_again_takes_the_older_bytes_out_of_the_ring_and_of_built_frames() -> None:
    one = feed()
    one.append([entry(1, text="canary"), entry(2)])
    assert b"canary" in (one.frame(0, 2, PUBLIC, bare, WHOLE) or (0, b""))[1]
    one.append([entry(3, key=1, text="gone")])
    for since, until in ((0, 2), (0, 3), (0, 1)):
        assert b"canary" not in (one.frame(since, until, STAFF, bare, WHOLE) or (0, b""))[1]
        assert b"canary" not in (one.frame(since, until, PUBLIC, bare, WHOLE) or (0, b""))[1]
    assert read(one.frame(0, 3, PUBLIC, bare, WHOLE)) == [2, 3]
    assert one.changed_seq == 3


def test_a_frame_says_how_many_comments_there_were_at_its_end() -> None:
    one = feed()
    one.append([entry(1), entry(2), entry(3, key=2), entry(4, key=1, public=False)])
    for kind in (PUBLIC, STAFF):
        for until in range(1, 5):
            _, frame = one.frame(0, until, kind, bare, WHOLE) or (0, b"")
            assert json.loads(frame)["comments"] == until * 10
    _, cut = one.frame(1, 4, STAFF, bare, 1) or (0, b"")
    assert (json.loads(cut)["to"], json.loads(cut)["comments"]) == (3, 30)


def test_a_gap_is_refused_and_what_came_before_it_is_kept() -> None:
    one = feed()
    with pytest.raises(Gap):
        one.append([entry(1), entry(3)])
    assert one.head == 1
    one.append([entry(1), entry(2), entry(3)])
    assert one.head == 3


def test_what_changed_beyond_a_gap_does_not_leave_any_more() -> None:
    one = feed()
    one.append([entry(1), entry(2)])
    with one.watched() as changed:
        with pytest.raises(Gap):
            one.append([entry(4, 1), entry(5, 2)])
        assert changed == {1: 4, -1: 4, 2: 5, -2: 5}  # of what the Store was asked for before
    assert read(one.frame(0, 2, PUBLIC, bare, WHOLE)) == []
    assert one.changed_seq == 5  # no older snapshot will do
    one.skip_to(3)
    assert one.changed_seq == 5


def test_what_is_appended_before_the_head_is_known_waits() -> None:
    one = Feed("a", b'"a"', max_entries=10, max_bytes=10_000)
    one.append([entry(4), entry(5), entry(6)])
    assert one.head is None
    one.load("k3", 5, b"{}")
    assert [one.head, one.tail, one.sent] == [6, 5, 5]
    assert read(one.frame(5, 6, PUBLIC, bare, WHOLE)) == [6]


def test_the_ring_keeps_its_bounds_and_knows_its_tail() -> None:
    one = feed(max_entries=3)
    one.append(entry(seq) for seq in range(1, 11))
    assert one.tail == 7
    assert one.frame(6, 10, PUBLIC, bare, WHOLE) is None
    assert read(one.frame(7, 10, PUBLIC, bare, WHOLE)) == [8, 9, 10]
    small = feed(max_bytes=60)
    small.append([entry(1, text="x" * 20), entry(2, text="x" * 20)])
    assert small.tail == 1
    small.append([entry(3, text="x" * 100)])
    assert small.tail == small.head == 3


def test_a_ring_started_anew_says_nothing_of_what_lies_before() -> None:
    one = feed()
    one.append([entry(1, text="canary"), entry(2)])
    one.skip_to(7)
    assert one.frame(0, 7, PUBLIC, bare, WHOLE) is None
    assert one.changed_seq == 7
    one.append([entry(8, key=1)])
    assert read(one.frame(7, 8, PUBLIC, bare, WHOLE)) == [8]


def test_what_is_recalled_is_read_and_forgotten_like_the_rest() -> None:
    one = Feed("a", b'"a"', max_entries=6, max_bytes=10_000)
    one.load("k3", 5, b"{}")
    one.append([entry(6)])
    assert one.frame(2, 6, PUBLIC, bare, WHOLE) is None
    one.recall(2, [entry(3), entry(5, key=1), entry(6)], 50)  # 4 has changed again, as 5 or 6
    assert one.tail == 2
    assert read(one.frame(2, 5, PUBLIC, bare, WHOLE)) == [3, 5]
    assert read(one.frame(2, 6, PUBLIC, bare, WHOLE)) == [3, 5, 6]
    assert one.changed_seq >= 5
    one.append([entry(7, key=3)])
    assert read(one.frame(2, 7, PUBLIC, bare, WHOLE)) == [5, 6, 7]
    one.append(entry(seq) for seq in range(8, 12))
    assert one.tail == 5
    assert read(one.frame(5, 11, PUBLIC, bare, WHOLE)) == [6, 7, 8, 9, 10, 11]


def test_nothing_is_recalled_that_has_no_room_or_has_changed_since() -> None:
    one = feed(max_entries=4)
    one.append(entry(seq) for seq in range(1, 9))
    one.recall(0, [entry(seq) for seq in range(1, 9)], None)
    assert one.tail == 4
    small = feed(max_bytes=100)
    small.append([entry(1, text="x" * 100), entry(2)])
    small.recall(0, [entry(1, text="x" * 100)], None)
    assert small.tail == 1
    late = Feed("a", b'"a"', max_entries=9, max_bytes=10_000)
    late.load("k3", 3, b"{}")
    late.append([entry(4, key=2)])
    late.recall(0, [entry(1), entry(2), entry(3)], None)
    assert read(late.frame(0, 4, PUBLIC, bare, WHOLE)) == [1, 3, 4]


def test_reactions_change_beside_their_comment_and_it_brings_them_along() -> None:
    one = feed()
    one.append([entry(1), entry(2), entry(3, key=reactions_of(1)), entry(4, key=reactions_of(1))])
    assert read(one.frame(0, 4, PUBLIC, bare, WHOLE)) == [1, 2, 4]
    assert one.changed_seq == 0  # a snapshot taken before is as good
    one.append([entry(5, key=1)])
    assert read(one.frame(0, 5, PUBLIC, bare, WHOLE)) == [2, 5]
    assert one.changed_seq == 5


def test_older_reactions_are_not_recalled_once_their_comment_has_changed() -> None:
    one = Feed("a", b'"a"', max_entries=9, max_bytes=10_000)
    one.load("k3", 3, b"{}")
    one.append([entry(4, key=1), entry(5, key=reactions_of(2))])
    one.recall(0, [entry(1), entry(2), entry(3, key=reactions_of(1))], None)
    assert read(one.frame(0, 5, PUBLIC, bare, WHOLE)) == [2, 4, 5]


def test_many_reactions_do_not_drive_out_what_the_ring_is_for() -> None:
    one = feed(max_entries=4)
    one.append([entry(1), entry(2), entry(3)])
    one.append(entry(seq, key=reactions_of(1)) for seq in range(4, 15))
    assert read(one.frame(0, 14, PUBLIC, bare, WHOLE)) == [1, 2, 3, 14]
    one.append([entry(15, key=reactions_of(2))])
    assert one.tail == 1  # that is one entry more than four
    one.append(entry(seq, key=reactions_of(2)) for seq in range(16, 60))
    assert len(one._ring) == 4 * MAX_COVERED


def test_keys_that_change_during_a_reading_are_noted() -> None:
    one = feed()
    one.append([entry(1), entry(2)])
    with one.watched() as outer:
        one.append([entry(3, key=1)])
        with one.watched() as inner:
            one.append([entry(4, key=1), entry(5)])
            one.append([entry(6, key=-5)])
        assert inner == outer == {1: 4, -1: 4, -5: 6}
    with one.watched() as later:
        assert later == {}


@given(
    keys=st.lists(st.integers(-5, 5), max_size=40),
    max_entries=st.integers(1, 12),
    max_bytes=st.sampled_from([40, 120, 100_000]),
    frame_bytes=st.sampled_from([1, 60, 100_000]),
    recalled=st.none() | st.integers(0, 40),
)
def test_reading_from_any_place_gives_the_compacted_rest(
    keys: list[int], max_entries: int, max_bytes: int, frame_bytes: int, recalled: int | None
) -> None:
    """A ring read from any cursor it goes back to is the list of last changes, in order."""
    one = feed(max_entries=max_entries, max_bytes=max_bytes)
    last: dict[int, int] = {}
    for seq, wanted in enumerate(keys, 1):
        if seq == recalled:
            one.recall(
                seq // 2, [entry(at, key) for key, at in last.items() if at > seq // 2], None
            )
        key = min(seq, wanted) if -wanted < seq else seq
        one.append([entry(seq, key)])
        if key > 0:
            last.pop(reactions_of(key), None)
        last[key] = seq
    head = one.head or 0
    expected = sorted(last.values())
    for since in range(one.tail, head + 1):
        at, seen = since, []
        while at < head:
            found = one.frame(at, head, PUBLIC, bare, frame_bytes)
            seen += read(found, is_counted=recalled is None)
            assert found is not None
            assert found[0] > at
            at = found[0]
        assert seen == [seq for seq in expected if seq > since]
    assert sum(len(part) for _, _, _, part, _ in one._ring if part) == one._ring_bytes
    assert sum(entry.staff is not None for entry in one._ring) == one._filled
