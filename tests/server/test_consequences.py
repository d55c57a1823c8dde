from __future__ import annotations

from typing import Any, cast

from livethread.consequences import AT_ONCE, Consequences
from livethread.model import Act, Committed, Room, RoomName, TellRoom, Write
from livethread.writer import Answer
from tests.contract.making import MOD, T0


class Followed:
    """A hub, a writer and snapshots that write down what is asked of them."""

    def __init__(self, rooms: list[str]) -> None:
        self._rooms = rooms
        self.rechecked: list[str] = []
        self.waiting: list[tuple[Write, Answer]] = []
        self.forgotten = 0

    def rooms(self) -> list[tuple[str, None]]:
        return [(name, None) for name in self._rooms]

    def recheck(self, name: str) -> None:
        self.rechecked.append(name)

    def forget(self) -> None:
        self.forgotten += 1

    def submit(self, write: Write, answer: Answer = lambda _: None) -> None:
        self.waiting.append((write, answer))

    def commit(self) -> list[str]:
        """What waits, and whose rooms that were."""
        done, self.waiting = self.waiting, []
        for _, answer in done:
            answer([])
        assert all(isinstance(write.wish, TellRoom) for write, _ in done)
        return [write.room for write, _ in done]


def said(room: str, action: str) -> Committed:
    act = Act(RoomName(room), None, None, MOD, action, None, None, T0)
    return Committed(Room(RoomName(room), "e"), 1, None, None, act=act)


def consequences(followed: Followed) -> Consequences:
    return Consequences(cast(Any, followed), cast(Any, followed), cast(Any, followed))


def test_the_rooms_of_a_site_are_told_some_at_a_time_and_no_others() -> None:
    its = [f"news {n}" for n in range(2 * AT_ONCE + 1)]
    followed = Followed([*its, "here", "other 1"])
    consequences(followed).see_to([said("news ", "configure")])
    assert followed.forgotten == 1
    told = [followed.commit() for _ in range(4)]
    assert [len(rooms) for rooms in told] == [AT_ONCE, AT_ONCE, 1, 0]
    assert [name for rooms in told for name in rooms] == its


def test_what_is_said_of_one_room_has_none_for_others() -> None:
    followed = Followed(["a", "b"])
    consequences(followed).see_to([said("a", "configure"), said("a", "filters")])
    assert (followed.commit(), followed.forgotten, followed.rechecked) == ([], 0, [])
    consequences(followed).see_to([said("a", "delete_all")])
    assert followed.rechecked == ["a", "b"]
