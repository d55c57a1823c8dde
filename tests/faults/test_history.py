"""The judge of histories finds every fault that is planted, and none in a good one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.history import Ack, Entry, History, Joined, Range, faults_of


def good() -> History:
    """Six posts; one retried; a follower that was cut off at 2 and one that joined at 3."""
    final = [Entry(seq, seq, f"n{seq}") for seq in range(1, 7)]
    acks = [Ack(entry.body, entry.id, entry.body) for entry in final]
    return History(
        sent={entry.body for entry in final},
        acks=[*acks, acks[2]],
        followers=[
            [
                Joined(None, "snapshot", 0, "e"),
                Range(0, 1, tuple(final[:1])),
                Range(1, 2, tuple(final[1:2])),
                Joined(2, "resume", 2, "e"),
                Range(2, 6, tuple(final[2:])),
            ],
            [Joined(None, "snapshot", 3, "e"), Range(3, 6, tuple(final[3:]))],
        ],
        final=final,
    )


def test_good_history_has_no_fault() -> None:
    assert faults_of(good()) == []


def _lose(history: History) -> None:
    del history.final[3]


def _lose_the_last(history: History) -> None:
    del history.final[5]


def _hole(history: History) -> None:
    history.final[3:] = [Entry(e.seq + 1, e.id + 1, e.body) for e in history.final[3:]]


def _duplicate(history: History) -> None:
    history.final.append(Entry(7, 7, "n6"))


def _invent(history: History) -> None:
    history.final.append(Entry(7, 7, "n7"))


def _swap(history: History) -> None:
    history.final[1:3] = [Entry(2, 2, "n3"), Entry(3, 3, "n2")]


def _answer_twice(history: History) -> None:
    history.acks.append(Ack("n1", 2, "n1"))


def _answer_wrongly(history: History) -> None:
    history.acks.append(Ack("n1", 1, "n2"))


def _never_answer(history: History) -> None:
    history.acks = [ack for ack in history.acks if ack.nonce != "n4"]


def _skip_a_frame(history: History) -> None:
    del history.followers[0][1]


def _repeat_a_frame(history: History) -> None:
    history.followers[0].insert(2, history.followers[0][1])


def _reorder_frames(history: History) -> None:
    history.followers[0][1:3] = reversed(history.followers[0][1:3])


def _leave_out_an_entry(history: History) -> None:
    history.followers[1][1] = Range(3, 6, tuple(history.final[3:5]))


def _show_what_was_not_kept(history: History) -> None:
    history.followers[1][1] = Range(3, 6, (*history.final[3:5], Entry(6, 6, "n9")))


def _resume_too_far(history: History) -> None:
    history.followers[0][3:] = [Joined(2, "resume", 3, "e"), Range(3, 6, tuple(history.final[3:]))]


def _forget_the_cursor(history: History) -> None:
    history.followers[0][3:] = [Joined(2, "snapshot", 6, "e")]


def _change_the_epoch(history: History) -> None:
    step = history.followers[0][3]
    assert isinstance(step, Joined)
    history.followers[0][3] = replace(step, epoch="f")


def _stop_early(history: History) -> None:
    history.followers[1].pop()


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (_lose, "hole"),
        (_lose, "lost"),
        (_lose_the_last, "lost"),
        (_hole, "hole"),
        (_duplicate, "duplicate"),
        (_invent, "invented"),
        (_swap, "lost"),
        (_swap, "not what was kept"),
        (_answer_twice, "two answers"),
        (_answer_wrongly, "mixed up"),
        (_never_answer, "unanswered"),
        (_skip_a_frame, "gap"),
        (_repeat_a_frame, "gap"),
        (_reorder_frames, "gap"),
        (_leave_out_an_entry, "incomplete"),
        (_show_what_was_not_kept, "not what was kept"),
        (_resume_too_far, "was not continued"),
        (_forget_the_cursor, "was not continued"),
        (_change_the_epoch, "another history"),
        (_stop_early, "ended at"),
    ],
)
def test_planted_fault_is_found(plant: Callable[[History], None], found: str) -> None:
    history = good()
    plant(history)
    assert any(found in fault for fault in faults_of(history))
