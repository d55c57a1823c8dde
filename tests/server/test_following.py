from __future__ import annotations

from livethread.feed import Encoding, Feed, Kind
from livethread.following import Following, Subscriber
from tests.server.readers import PUBLIC, STAFF

SIZE = 4


class Socket:
    is_writable = True
    socket = None

    def write(self, data: bytes, /) -> None: ...

    def write_rest(self, data: bytes, sent: int, /) -> None: ...

    def lost_place(self, subscriber: Subscriber) -> None: ...


def following() -> Following:
    return Following(Feed("a", b'"a"', max_entries=8, max_bytes=1000))


def enlist(room: Following, cursor: int, kind: Kind = PUBLIC) -> Subscriber:
    subscriber = Subscriber(room.feed, Socket(), kind, cursor, False)
    room.enlist(subscriber, SIZE)
    return subscriber


def sizes(room: Following) -> list[int]:
    return [len(cohort.members) for cohort in room.cohorts]


def test_a_cohort_is_of_one_place_and_one_kind_and_bounded() -> None:
    room = following()
    for _ in range(SIZE + 1):
        enlist(room, 3)
    enlist(room, 2)
    enlist(room, 3, STAFF)
    enlist(room, 3, Kind(False, Encoding.DEFLATED))
    assert sizes(room) == [SIZE, 1, 1, 1, 1]
    assert len(room.live) == SIZE + 4


def test_whoever_falls_out_stays_where_the_cohort_was() -> None:
    room = following()
    one, other = enlist(room, 3), enlist(room, 3)
    room.cohorts[0].cursor = 5
    one.fall_out()
    room.cohorts[0].cursor = 7
    assert (one.cursor, other.cursor) == (5, 7)
    assert room.live == [other]


def test_small_cohorts_that_come_to_the_same_place_become_one() -> None:
    room = following()
    members = [enlist(room, cursor) for cursor in (1, 2, 3, 4, 5, 6)]
    assert sizes(room) == [1] * 6
    for cohort in room.cohorts[:5]:
        cohort.cursor = 9
    room.tidy(SIZE)
    assert sorted(sizes(room)) == [1, 1, 4]
    assert [member.cursor for member in members] == [9] * 5 + [6]


def test_empty_cohorts_are_forgotten() -> None:
    room = following()
    for member in [enlist(room, 1), enlist(room, 2)]:
        member.fall_out()
    room.tidy(SIZE)
    assert room.cohorts == []
