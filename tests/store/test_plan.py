"""The planner alone; what it must do on a database is in the stores' contract."""

from __future__ import annotations

from typing import Any

from livethread.model import Outcome, Room, RoomRules
from livethread.protocol.errors import Conflict, Forbidden, HeldOff, NotFound, RoomClosed
from livethread.store.plan import BatchState, Plan, plan
from tests.contract.making import (
    MOD,
    T0,
    TOM,
    A,
    comment_of,
    committed,
    configure,
    delete,
    edit,
    moderate,
    post,
    react,
    report,
)


def state(*, premoderate: bool = False, **own: Any) -> BatchState:
    room = Room(A, "k3", premoderate=premoderate, own=RoomRules(**own))
    return BatchState({A: room}, {}, {}, set(), {})


def codes(outcomes: list[Outcome]) -> list[object]:
    return [getattr(outcome, "seq", type(outcome)) for outcome in outcomes]


def test_a_refused_write_takes_no_seq_and_leaves_no_row() -> None:
    made = plan(state(), [post(), delete(9), edit(1, "x", author=TOM), post(parent=7), post()])
    assert codes(made.outcomes) == [1, NotFound, Forbidden, NotFound, 2]
    assert [row.comment for row in made.inserted] == [1, 2]
    assert made.state.rooms[A].seq == made.state.rooms[A].comments == 2
    assert made.updated_only == set()


def test_nothing_but_refusals_is_an_empty_plan() -> None:
    made = plan(state(state="closed"), [post(), delete(1)])
    assert codes(made.outcomes) == [RoomClosed, NotFound]
    assert made.is_empty
    assert not made.inserted
    assert not made.updated


def test_deleting_what_is_hidden_does_not_lower_the_count_again() -> None:
    made = plan(state(), [post(), post(), moderate(1, "hide"), delete(1)])
    assert codes(made.outcomes) == [1, 2, 3, 4]
    assert [committed(outcome).room.comments for outcome in made.outcomes] == [1, 2, 1, 1]


def test_the_count_follows_what_everyone_can_see() -> None:
    steps = [post(), moderate(1, "reject"), post(author=MOD)]
    made = plan(state(premoderate=True), [post(), moderate(1, "approve"), *steps])
    assert [committed(outcome).room.comments for outcome in made.outcomes[:3]] == [0, 1, 1]
    assert made.state.rooms[A].comments == 1  # the rejected one out, staff's own in


def test_a_nonce_is_known_within_its_batch() -> None:
    same = post("one", nonce="nonce-one")
    made = plan(state(), [same, same, post("two", nonce="nonce-one"), post()])
    first, again, other, last = made.outcomes
    assert committed(again).is_duplicate
    assert committed(again).change is None
    assert comment_of(again) == comment_of(first)
    assert isinstance(other, Conflict)
    assert committed(last).seq == 2
    assert len(made.inserted) == 2


def test_a_refused_nonce_may_be_used_again() -> None:
    made = plan(state(), [post(parent=1, nonce="nonce-one"), post(), post(nonce="nonce-one")])
    assert codes(made.outcomes) == [NotFound, 1, 2]


def test_a_repeated_edit_is_answered_with_its_own_seq_and_the_comment_as_it_is() -> None:
    change = edit(1, "two", nonce="nonce-two")
    made = plan(state(), [post(), change, edit(1, "three"), change])
    repeated = committed(made.outcomes[-1])
    assert (repeated.seq, repeated.is_duplicate) == (2, True)
    assert comment_of(made.outcomes[-1]).body == "three"
    assert [key.nonce for key, _ in made.answered].count("nonce-two") == 1


def test_a_reaction_given_and_taken_back_in_one_batch_writes_neither() -> None:
    made = plan(state(), [post(), react(1), react(1), react(1, on=False)])
    assert codes(made.outcomes) == [1, 2, 2, 3]
    assert made.reactions_on == made.reactions_off == set()
    assert comment_of(made.outcomes[-1]).reactions is None


def test_slow_mode_counts_the_posts_of_the_same_batch_and_spares_staff() -> None:
    posts = [post(), post(now=T0 + 9_999), post(author=TOM), post(now=T0 + 10_000)]
    made = plan(state(slow_mode_s=10), [*posts, post(author=MOD), post(author=MOD)])
    assert codes(made.outcomes) == [1, HeldOff, 2, 3, 4, 5]
    held_off = made.outcomes[1]
    assert isinstance(held_off, HeldOff)
    assert held_off.retry_after_ms == 1


def test_a_clock_set_back_holds_nobody_off_for_long() -> None:
    made = plan(state(slow_mode_s=10), [post(now=T0), post(now=T0 - 3_600_000)])
    assert codes(made.outcomes) == [1, 2]


def test_a_configuration_that_changes_nothing_takes_no_seq() -> None:
    made = plan(state(), [configure(state="site"), configure(title="T"), configure(title="T")])
    assert codes(made.outcomes) == [0, 1, 1]
    assert made.state.rooms[A].config_seq == 1


def test_what_is_gone_keeps_no_words() -> None:
    for last in (delete(1), moderate(1, "reject")):
        made = plan(state(), [post("secret", rich='["secret"]'), react(1), last])
        gone = comment_of(made.outcomes[-1])
        assert (gone.body, gone.rich, gone.reactions, gone.author.name) == ("", None, None, "")


def test_a_report_changes_no_comment_but_is_written() -> None:
    made: Plan = plan(state(), [post(), report(1)])
    assert committed(made.outcomes[1]).change is None
    assert not made.is_empty
    assert made.state.rooms[A].seq == 1


def test_nobody_replies_below_what_the_public_never_saw() -> None:
    made = plan(state(premoderate=True), [post(), post(parent=1), post(parent=1, author=MOD)])
    assert codes(made.outcomes) == [1, NotFound, NotFound]
