"""The gap rule, case by case."""

from __future__ import annotations

from livethread.protocol.frames import Change, Changes, Joined, Room
from livethread_client.following import Following, Snapshot


def room(seq: int) -> Room:
    return Room(name="r", state="open", slow_mode_s=0, premoderate=False, comments=0, seq=seq)


def joined(cursor: str, mode: str, head: int | None = None) -> Joined:
    seq = int(cursor.partition(".")[2]) if head is None else head
    return Joined.model_validate({"room": room(seq), "cursor": cursor, "mode": mode})


def changes(from_: int, to: int, *seqs: int) -> Changes:
    return Changes(room="r", from_=from_, to=to, changes=[Change(seq=seq) for seq in seqs])


def at(cursor: str) -> Following:
    """Joined and standing there."""
    following = Following("r", cursor)
    following.join("c1")
    following.receive_joined(joined(cursor, "resume", 1000), may_replay=False)
    assert following.is_joined
    return following


def seqs(following: Following, frame: Changes) -> list[int]:
    steps = following.receive_changes(frame)
    return [step.item.seq for step in steps if isinstance(step.item, Change)]


def test_a_frame_from_the_own_cursor_is_taken() -> None:
    following = at("e.5")
    assert seqs(following, changes(5, 8, 6, 8)) == [6, 8]
    assert str(following.cursor) == "e.8"


def test_each_step_has_its_own_cursor_and_the_last_one_the_frame_s() -> None:
    steps = at("e.5").receive_changes(changes(5, 9, 6, 8))
    assert [str(step.cursor) for step in steps] == ["e.6", "e.9"]


def test_a_range_with_nothing_to_see_moves_the_cursor() -> None:
    [step] = at("e.5").receive_changes(changes(5, 9))
    assert (step.item, str(step.cursor)) == (None, "e.9")


def test_a_repeated_frame_is_dropped() -> None:
    following = at("e.5")
    frame = changes(5, 8, 6, 8)
    following.receive_changes(frame)
    assert following.receive_changes(frame) == []
    assert not following.wants_join


def test_of_an_overlapping_frame_only_the_new_part_is_taken() -> None:
    following = at("e.5")
    assert seqs(following, changes(2, 8, 3, 5, 6, 8)) == [6, 8]


def test_an_old_frame_never_moves_the_cursor_back() -> None:
    following = at("e.5")
    assert following.receive_changes(changes(2, 4, 3, 4)) == []
    assert str(following.cursor) == "e.5"


def test_a_gap_is_joined_anew_at_the_own_cursor() -> None:
    following = at("e.5")
    assert following.receive_changes(changes(7, 8, 8)) == []
    assert following.wants_join
    assert following.join("c2").since == "e.5"


def test_nothing_of_the_old_subscription_is_taken_while_joining() -> None:
    following = at("e.5")
    following.join("c2")
    assert following.receive_changes(changes(5, 8, 6)) == []
    assert str(following.cursor) == "e.5"


def test_a_parked_room_takes_nothing_and_goes_on_at_its_cursor() -> None:
    following = at("e.5")
    following.park()
    assert following.receive_changes(changes(5, 8, 6)) == []
    following.lost()
    assert not following.wants_join
    following.unpark()
    assert following.join("c2").since == "e.5"


def test_the_count_is_the_servers_and_never_goes_back() -> None:
    following = at("e.5")
    assert following.info is not None
    for to, comments, expected in [
        (8, 3, (0, 1000)),
        (1002, 7, (7, 1002)),
        (1003, None, (7, 1002)),
    ]:
        frame = changes(following.cursor.seq if following.cursor else 0, to)
        following.receive_changes(frame.model_copy(update={"comments": comments}))
        assert (following.info.comments, following.info.seq) == expected


def test_a_snapshot_says_why_it_came() -> None:
    reasons = []
    for since, cursor in [(None, "e.9"), ("e.5", "e.9"), ("e.5", "f.9"), ("e.5", "e.4")]:
        following = Following("r", since)
        following.join("c1")
        [step] = following.receive_joined(joined(cursor, "snapshot"), may_replay=False)
        assert isinstance(step.item, Snapshot)
        assert (str(step.cursor), step.item.cursor) == (cursor, cursor)
        reasons.append(step.item.reason)
    assert reasons == ["start", "behind", "new_history", "new_history"]


def test_who_may_replay_is_never_behind() -> None:
    following = Following("r", "e.5")
    following.join("c1")
    assert following.receive_joined(joined("e.5000", "snapshot"), may_replay=True) == []
    assert following.join("c2").since == "0"
    following.receive_joined(joined("e.0", "resume", 5000), may_replay=True)
    assert seqs(following, changes(0, 4, 1, 4)) == []
    assert seqs(following, changes(4, 9, 5, 7)) == [7]


def test_a_replay_of_a_history_that_became_shorter_starts_from_nothing() -> None:
    """The same epoch (a copied database), but behind what is known already."""
    following = Following("r", "e.50")
    following.join("c1")
    following.receive_joined(joined("e.7", "snapshot"), may_replay=True)
    following.join("c2")
    [step] = following.receive_joined(joined("e.0", "resume", 7), may_replay=True)
    assert isinstance(step.item, Snapshot)
    assert step.item.reason == "new_history"
    assert seqs(following, changes(0, 7, 1, 7)) == [1, 7]
