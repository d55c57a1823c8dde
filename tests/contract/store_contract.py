"""What ``store.base.Store`` promises, as tests that any back-end must pass unchanged."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Literal, get_args

import pytest

from livethread.model import (
    ActsRequest,
    Audience,
    Author,
    BotToken,
    Comment,
    CommentId,
    CommentState,
    Committed,
    EditComment,
    EndJudgement,
    Judgement,
    Page,
    PageRequest,
    PostComment,
    Queue,
    QueueRequest,
    Report,
    ReportComment,
    Restricted,
    RestrictedRequest,
    Role,
    RoomName,
    TellRoom,
)
from livethread.protocol.errors import (
    BadFrame,
    Conflict,
    Forbidden,
    HeldOff,
    LivethreadError,
    NotFound,
    Rejected,
    RoomClosed,
)
from livethread.site import Link, Person, Restriction, key_of
from livethread.store.base import Store
from livethread.store.paging import size_of
from tests.contract.making import (
    MARA,
    MOD,
    T0,
    TOM,
    WINDOW_S,
    A,
    comment_of,
    committed,
    configure,
    delete,
    edit,
    filters,
    moderate,
    post,
    react,
    report,
    restrict,
    write,
)

Reopen = Callable[[], Awaitable[Store]]
Order = Literal["newest", "oldest", "best"]


async def only(store: Store, *writes: Any) -> list[Committed]:
    return [committed(outcome) for outcome in await store.commit(writes)]


async def feed(store: Store, room: RoomName = A, since: int = 0) -> dict[int, Comment | None]:
    found = await store.changes(room, since, limit=1000)
    return {change.seq: change.comment for change in found.changes}


async def state_of(store: Store, id: int) -> CommentState:
    found = {c.id: c for c in (await feed(store)).values() if c is not None}
    return found[CommentId(id)].state


# ── order and atomicity ──


async def test_seqs_of_a_batch_are_dense_and_in_the_order_of_its_writes(store: Store) -> None:
    done = await only(store, post("1"), post("2", room="b"), post("3"), post("4", room="b"))
    assert [(c.room.name, c.seq) for c in done] == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert [c.comment.id for c in done if c.comment] == [1, 1, 2, 2]
    assert (await store.room(A)).seq == 2


async def test_seqs_go_on_over_batches_and_after_reopening(reopen: Reopen) -> None:
    store = await reopen()
    await only(store, post(), post())
    await only(store, post())
    store = await reopen()
    assert [c.seq for c in await only(store, post())] == [4]
    assert list(await feed(store)) == [1, 2, 3, 4]


async def test_a_refused_write_leaves_no_hole_and_does_not_fail_its_batch(store: Store) -> None:
    outcomes = await store.commit([post("1"), post(parent=99), delete(99), post("2")])
    assert [type(outcome) for outcome in outcomes] == [Committed, NotFound, NotFound, Committed]
    assert committed(outcomes[3]).seq == 2


async def test_a_batch_of_refusals_writes_nothing(store: Store) -> None:
    before = await store.room(A)
    assert isinstance((await store.commit([post(parent=1)]))[0], NotFound)
    assert await store.room(A) == before


async def test_an_empty_batch_has_no_outcomes(store: Store) -> None:
    assert await store.commit([]) == []


async def test_a_room_nobody_wrote_to_has_a_stable_epoch(reopen: Reopen) -> None:
    store = await reopen()
    room = await store.room(A)
    assert (room.seq, room.comments, room.config_seq, room.state) == (0, 0, 0, "open")
    store = await reopen()
    assert await store.room(A) == room
    await only(store, post())
    assert (await store.room(A)).epoch == room.epoch
    assert (await store.room(RoomName("b"))).epoch != room.epoch


async def test_an_outcome_is_what_is_read_afterwards(store: Store) -> None:
    body = "Grüße, 'quotes', \"more\", \\, %s, 😀, \u2066rtl\u2069, [1,2]"
    done = await only(store, post(body, rich='[{"t":"br"}]', author=TOM))
    assert await feed(store) == {1: done[0].comment}
    assert done[0].change is not None
    assert done[0].change.comment == done[0].comment
    assert done[0].room == await store.room(A)
    comment = comment_of(done[0])
    assert (comment.body, comment.rich, comment.author) == (body, '[{"t":"br"}]', TOM)
    assert (comment.created_ms, comment.edited_ms, comment.state) == (T0, None, "visible")


async def test_what_was_committed_is_there_after_reopening(reopen: Reopen) -> None:
    store = await reopen()
    await only(store, post(), react(1), post(parent=1), configure(title="T"))
    before = await store.changes(A, 0, limit=100)
    page = await store.page(PageRequest(A))
    store = await reopen()
    assert await store.changes(A, 0, limit=100) == before
    assert await store.page(PageRequest(A)) == page


async def test_concurrent_commits_share_one_order(store: Store) -> None:
    batches = [[post(f"{i}.{j}") for j in range(3)] for i in range(20)]
    done = await asyncio.gather(*(store.commit(batch) for batch in batches))
    seqs = [[committed(outcome).seq for outcome in outcomes] for outcomes in done]
    assert all(one == sorted(one) for one in seqs)
    assert sorted(itertools.chain.from_iterable(seqs)) == list(range(1, 61))


async def test_a_clock_that_jumps_back_does_not_change_the_order(store: Store) -> None:
    await only(store, post("1"), post("2", now=T0 - 3_600_000), post("3", now=T0 + 3_600_000))
    page = await store.page(PageRequest(A))
    assert [comment.body for comment in page.comments] == ["1", "2", "3"]


# ── idempotency ──


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: post("again", nonce="same-nonce"),
        lambda: post("again", parent=1, nonce="same-nonce"),
        lambda: edit(1, "again", nonce="same-nonce"),
        lambda: delete(1, nonce="same-nonce"),
        lambda: moderate(1, "hide", nonce="same-nonce"),
        lambda: moderate(1, "approve", nonce="same-nonce"),
        lambda: configure(title="T", nonce="same-nonce"),
    ],
    ids=["post", "reply", "edit", "delete", "hide", "approve nothing", "configure"],
)
async def test_the_same_nonce_again_gets_the_same_answer_and_changes_nothing(
    reopen: Reopen, make: Callable[[], Any], together: bool
) -> None:
    store = await reopen()
    await only(store, post())
    if together:
        first, second = await only(store, make(), make())
    else:
        (first,) = await only(store, make())
        (second,) = await only(store, make())
    store = await reopen()
    (third,) = await only(store, make())
    assert not first.is_duplicate
    for repeated in (second, third):
        assert repeated.is_duplicate
        assert repeated.change is None
        assert repeated.seq == first.seq
        assert repeated.comment == first.comment
    assert (await store.room(A)).seq == first.room.seq


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
async def test_the_same_nonce_for_something_else_is_a_conflict(
    store: Store, together: bool
) -> None:
    others = [
        post("other", nonce="same-nonce"),
        edit(1, "other", nonce="same-nonce"),
        delete(1, nonce="same-nonce"),
    ]
    if together:
        outcomes = await store.commit([post("one", nonce="same-nonce"), *others])
    else:
        outcomes = await store.commit([post("one", nonce="same-nonce")])
        for other in others:
            outcomes += await store.commit([other])
    assert [type(outcome) for outcome in outcomes] == [Committed, *[Conflict] * 3]
    assert (await store.room(A)).seq == 1


async def test_a_nonce_of_an_edit_cannot_be_used_for_a_post(store: Store) -> None:
    await only(store, post(), edit(1, "better", nonce="same-nonce"))
    assert isinstance((await store.commit([post("x", nonce="same-nonce")]))[0], Conflict)


async def test_a_nonce_belongs_to_its_author_and_room(store: Store) -> None:
    done = await only(
        store,
        post("one", nonce="same-nonce"),
        post("two", nonce="same-nonce", author=TOM),
        post("three", nonce="same-nonce", room="b"),
    )
    assert not any(outcome.is_duplicate for outcome in done)


async def test_a_refused_nonce_may_be_used_again(store: Store) -> None:
    write = post(parent=1, nonce="same-nonce")
    assert isinstance((await store.commit([write]))[0], NotFound)
    await only(store, post())
    (done,) = await only(store, write)
    assert not done.is_duplicate


async def test_a_hundred_of_the_same_nonce_at_once_make_one_row_and_one_answer(
    store: Store,
) -> None:
    write = post("once", nonce="same-nonce")
    done = await asyncio.gather(*(store.commit([write] * (1 + i % 3)) for i in range(100)))
    outcomes = [committed(outcome) for batch in done for outcome in batch]
    assert sum(not outcome.is_duplicate for outcome in outcomes) == 1
    assert {(outcome.seq, outcome.comment) for outcome in outcomes} == {(1, outcomes[0].comment)}
    assert list(await feed(store)) == [1]


async def test_a_deleted_comment_still_answers_its_nonce(store: Store) -> None:
    write = post("gone", nonce="same-nonce")
    await only(store, write, delete(1))
    (again,) = await only(store, write)
    assert again.is_duplicate
    assert again.seq == 1
    assert comment_of(again).state is CommentState.DELETED
    assert (await store.room(A)).seq == 2


# ── replies ──


async def test_a_reply_carries_its_threads_root(store: Store) -> None:
    done = await only(store, post(), post(parent=1), post(parent=2), post())
    assert [(c.parent, c.root) for c in map(comment_of, done)] == [
        (None, 1),
        (1, 1),
        (2, 1),
        (None, 4),
    ]


async def test_a_parent_may_be_in_the_same_batch_but_only_before(store: Store) -> None:
    outcomes = await store.commit([post(parent=1), post(), post(parent=1)])
    assert [type(outcome) for outcome in outcomes] == [NotFound, Committed, Committed]


async def test_a_parent_in_another_room_is_unknown(store: Store) -> None:
    await only(store, post(room="b"))
    (refused,) = await store.commit([post(parent=1)])
    assert isinstance(refused, NotFound)
    assert refused.field == "parent"


@pytest.mark.parametrize("action", ["hide", "reject"])
async def test_what_is_no_longer_shown_takes_no_replies(store: Store, action: str) -> None:
    await only(store, post(), moderate(1, action))
    assert isinstance((await store.commit([post(parent=1)]))[0], NotFound)


async def test_staff_cannot_reply_to_what_the_public_never_saw(store: Store) -> None:
    """Their reply would be public, and hang below nothing."""
    await only(store, configure(premoderate=True), post())
    assert isinstance((await store.commit([post(parent=2, author=MOD)]))[0], NotFound)


# ── editing and deleting ──


async def test_an_edit_replaces_the_words_and_takes_a_seq(store: Store) -> None:
    await only(store, post("one"), post("two"))
    (done,) = await only(store, edit(1, "three", now=T0 + 1000))
    comment = comment_of(done)
    assert (comment.id, comment.seq, comment.body) == (1, 3, "three")
    assert (comment.created_ms, comment.edited_ms) == (T0, T0 + 1000)
    assert list(await feed(store)) == [2, 3]


async def test_editing_ends_with_the_window_but_not_for_staff(store: Store) -> None:
    await only(store, post(), post(author=MOD))
    last = T0 + WINDOW_S * 1000
    await only(store, edit(1, "in time", now=last))
    assert isinstance((await store.commit([edit(1, "late", now=last + 1)]))[0], Forbidden)
    await only(store, edit(2, "late", now=last + 1, author=MOD))


@pytest.mark.parametrize(
    "make",
    [lambda **how: edit(1, "x", **how), lambda **how: delete(1, **how)],
    ids=["edit", "delete"],
)
async def test_only_the_author_edits_and_deletes(store: Store, make: Callable[..., Any]) -> None:
    await only(store, post("mine"))
    for author in (TOM, MOD):
        assert isinstance((await store.commit([make(author=author)]))[0], Forbidden)
    assert await state_of(store, 1) == "visible"


async def test_deleting_erases_the_words_and_the_name(store: Store) -> None:
    await only(store, post("canary", rich='["canary"]', author=TOM), react(1), post(parent=1))
    (done,) = await only(store, delete(1, author=TOM))
    comment = comment_of(done)
    assert comment.state is CommentState.DELETED
    assert (comment.body, comment.rich, comment.reactions) == ("", None, None)
    assert (comment.author.name, comment.author.avatar) == ("", None)
    assert (await feed(store))[4] == comment
    for again in (delete(1, author=TOM), edit(1, "x", author=TOM), react(1)):
        assert isinstance((await store.commit([again]))[0], NotFound)


async def test_a_closed_room_takes_no_posts_and_edits_but_staffs(store: Store) -> None:
    await only(store, post(), configure(state="closed"))
    refused = await store.commit([post(), edit(1, "x")])
    assert [type(outcome) for outcome in refused] == [RoomClosed, RoomClosed]
    await only(store, post(author=MOD), delete(1), configure(state="open"), post())


# ── reactions and reports ──


async def test_a_reaction_counts_once_a_person_and_is_taken_back(store: Store) -> None:
    await only(store, post())
    done = await only(
        store, react(1), react(1), react(1, author=TOM), react(1, "heart"), react(1, on=False)
    )
    counts = [comment_of(outcome).reactions for outcome in done]
    assert counts == [
        '{"like":1}',
        '{"like":1}',
        '{"like":2}',
        '{"heart":1,"like":2}',
        '{"heart":1,"like":1}',
    ]
    assert [outcome.change is None for outcome in done] == [False, True, False, False, False]
    (last,) = await only(store, react(1, on=False))
    assert last.change is None
    await only(store, react(1, on=False, author=TOM), react(1, "heart", on=False))
    assert (await feed(store))[7] is not None
    assert comment_of((await only(store, react(1, on=False)))[0]).reactions is None


@pytest.mark.parametrize("action", ["hide", "reject"])
async def test_nobody_reacts_to_or_reports_what_is_not_shown(store: Store, action: str) -> None:
    await only(store, post(), moderate(1, action))
    refused = await store.commit([react(1), report(1), react(9), report(9)])
    assert [type(outcome) for outcome in refused] == [NotFound] * 4


async def test_own_reactions_come_with_a_page_to_whoever_gave_them(store: Store) -> None:
    await only(store, post(), post(parent=1), post())
    await only(store, react(1), react(1, "heart"), react(2), react(3, author=TOM))
    await only(store, react(2, on=False), react(3), delete(3))
    assert await store.reacted_by(A, MARA.id, [1, 2, 9]) == {1: ["heart", "like"]}
    assert await store.reacted_by(A, MARA.id, []) == {}
    assert await store.reacted_by(RoomName("b"), MARA.id, [1]) == {}
    for request in (PageRequest(A), place_of(1)):
        assert (await store.page(request)).reacted == {}
        assert (await store.page(replace(request, reader=TOM.id))).reacted == {}
        own = (await store.page(replace(request, reader=MARA.id))).reacted
        assert own == {1: ["heart", "like"]}


async def test_a_report_changes_nothing_that_readers_see(store: Store) -> None:
    await only(store, post())
    done = await only(store, report(1, author=TOM), report(1, "abuse", "why", author=TOM))
    assert [(c.seq, c.change, c.comment) for c in done] == [(1, None, None)] * 2
    assert (await store.room(A)).seq == 1


# ── moderation ──


@pytest.mark.parametrize(
    ("actions", "state", "pinned", "count"),
    [
        (["hide"], "hidden", False, 0),
        (["hide", "hide"], "hidden", False, 0),
        (["hide", "restore"], "visible", False, 1),
        (["hide", "approve"], "visible", False, 1),
        (["reject"], "removed", False, 0),
        (["pin"], "visible", True, 1),
        (["pin", "unpin"], "visible", False, 1),
        (["approve"], "visible", False, 1),
        (["hold"], "held", False, 0),
        (["reject", "restore"], "visible", False, 1),
        (["delete"], "removed", False, 0),
    ],
)
async def test_staff_acts_on_a_comment(
    store: Store, actions: list[str], state: str, pinned: bool, count: int
) -> None:
    await only(store, post("words"))
    for action in actions:
        (done,) = await only(store, moderate(1, action))
    comment = comment_of(done)
    assert (comment.state, comment.pinned) == (state, pinned)
    assert (comment.body == "") == (state == "removed")
    assert (await store.counts([A]))[A] == count


async def test_an_action_that_changes_nothing_takes_no_seq(store: Store) -> None:
    await only(store, post())
    done = await only(store, moderate(1, "approve"), moderate(1, "unpin"), configure(state="site"))
    assert [outcome.change for outcome in done] == [None] * 3
    assert (await store.room(A)).seq == 1


@pytest.mark.parametrize("action", ["restore", "approve", "pin", "hide", "delete"])
async def test_what_is_gone_cannot_be_brought_back(store: Store, action: str) -> None:
    await only(store, post(), moderate(1, "delete"), post(), delete(3))
    refused = await store.commit([moderate(1, action), moderate(3, action)])
    assert [type(outcome) for outcome in refused] == [NotFound, NotFound]


@pytest.mark.parametrize("action", ["approve", "pin", "hide", "hold", "reject"])
async def test_what_was_rejected_can_only_be_restored_or_deleted(store: Store, action: str) -> None:
    await only(store, post(), moderate(1, "reject"))
    assert isinstance((await store.commit([moderate(1, action)]))[0], NotFound)


UNDONE = [
    ("approve", "hold", {"hold": "held by a moderator", "was_public": True}),
    ("hide", "restore", {}),
    ("reject", "restore", {}),
    ("pin", "unpin", {}),
    ("feature", "unfeature", {}),
    ("lock", "unlock", {}),
]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(("action", "undo", "changed"), UNDONE)
async def test_each_action_is_taken_back_by_another(
    store: Store, action: str, undo: str, changed: dict[str, Any], together: bool
) -> None:
    is_held = action == "approve"
    rich = '[{"t":"p","c":["words"]}]'
    await only(
        store, configure(title="T", premoderate=is_held), post("words", rich=rich, author=TOM)
    )
    await only(store, *([] if is_held else [react(2), moderate(2, "feature")]))
    before = (await store.changes(A, 1, limit=9)).changes[-1].comment
    assert before is not None
    steps = [moderate(2, action), moderate(2, undo)]
    if action == "feature":
        before = replace(before, featured=False)
    for batch in [steps] if together else [[step] for step in steps]:
        await only(store, *batch)
    after = (await store.changes(A, 1, limit=9)).changes[-1].comment
    assert after == replace(before, seq=before.seq + (1 if action == "feature" else 2), **changed)
    assert (await store.counts([A]))[A] == int(not is_held)


async def test_a_rejected_comments_words_are_in_no_reading(store: Store) -> None:
    await only(store, post("words", author=TOM), moderate(1, "reject"))
    page = await store.page(PageRequest(A, audience=Audience.STAFF))
    changes = await store.changes(A, 0, limit=9)
    assert "words" not in repr([page, changes])
    assert "Tom" not in repr([page, changes])


async def test_what_is_deleted_after_it_was_rejected_is_gone_for_good(store: Store) -> None:
    await only(store, post(), moderate(1, "reject"), moderate(1, "delete"))
    assert isinstance((await store.commit([moderate(1, "restore")]))[0], NotFound)


async def test_acts_are_logged_by_whom_when_what_and_why(reopen: Reopen) -> None:
    store = await reopen()
    await only(
        store,
        post("words", author=TOM),
        moderate(1, "hide", reason="rude", now=T0 + 5),
        configure(slow_mode_s=9, room="b"),
        moderate(1, "hide"),  # changes nothing
    )
    await store.commit([moderate(9, "hide")])  # is refused
    await only(store, moderate(1, "restore"))
    store = await reopen()
    acts = await store.acts(ActsRequest("default"))
    assert [(a.act.room, a.act.comment, a.act.action) for a in acts] == [
        ("a", 1, "restore"),
        ("b", None, "configure"),
        ("a", 1, "hide"),
    ]
    hide = acts[-1].act
    assert (hide.by.id, hide.by.name, hide.person) == (MOD.id, MOD.name, TOM.id)
    assert (hide.reason, hide.at_ms) == ("rude", T0 + 5)
    assert json.loads(hide.detail or "") == {"state": ["visible", "hidden"]}
    assert json.loads(acts[1].act.detail or "") == {"slow_mode_s": [0, 9]}
    assert "words" not in repr(acts)
    assert list(await store.acts(ActsRequest("default", before=acts[0].id))) == acts[1:]
    assert list(await store.acts(ActsRequest("default", room=A, limit=1))) == acts[:1]
    assert list(await store.acts(ActsRequest("default", comment=CommentId(1)))) == [
        acts[0],
        acts[2],
    ]
    assert list(await store.acts(ActsRequest("default", person=TOM.id))) == [acts[0], acts[2]]
    assert list(await store.acts(ActsRequest("other"))) == []


async def test_the_audit_log_is_written_with_the_act_or_neither_is(store: Store) -> None:
    """A repeated nonce is one act; so is an act whose answer was lost."""
    await only(store, post())
    for _ in range(3):
        await only(store, moderate(1, "pin", nonce="same-nonce"))
    assert [a.act.action for a in await store.acts(ActsRequest("default"))] == ["pin"]


async def test_an_act_of_another_site_is_not_this_sites(store: Store) -> None:
    await only(store, configure(title="T", room="other a"), configure(title="T", room="a"))
    for site, room in (("default", "a"), ("other", "other a"), ("othe", None)):
        acts = await store.acts(ActsRequest(site))
        assert [a.act.room for a in acts] == ([] if room is None else [room])


HELD_BY_FILTER = Judgement("link filter: 2 links")


async def test_a_comment_is_held_for_the_reason_given_unless_it_is_staffs(store: Store) -> None:
    judged = PostComment("words", None, None, judgement=HELD_BY_FILTER)
    (done, staffs) = await only(store, write(judged), write(judged, author=MOD))
    held, shown = comment_of(done), comment_of(staffs)
    assert (held.state, held.hold, held.was_public) == ("held", "link filter: 2 links", False)
    assert (shown.state, shown.hold) == ("visible", None)
    assert (await store.held_by(A, MARA.id))[0] == held
    assert (await store.counts([A]))[A] == 1


async def test_an_edit_that_a_filter_holds_takes_the_comment_out_of_sight(store: Store) -> None:
    edited = EditComment(CommentId(1), "see https://a.example", None, WINDOW_S, HELD_BY_FILTER)
    (_, done) = await only(store, post(), write(edited))
    comment = comment_of(done)
    assert (comment.state, comment.hold, comment.was_public) == (
        "held",
        "link filter: 2 links",
        True,
    )
    assert (await store.counts([A]))[A] == 0


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("settings", "judgement", "hold", "due_ms"),
    [
        ({"premoderate": True}, Judgement(), "every comment waits here", None),
        ({}, Judgement(first=2), "new author: ", None),
        ({}, Judgement(judge_s=5), "a bot looks at it", T0 + 6_000),
    ],
    ids=["premoderation", "first comments", "a bot"],
)
async def test_an_edit_of_what_is_shown_waits_where_a_new_comment_would(
    store: Store,
    settings: dict[str, Any],
    judgement: Judgement,
    hold: str,
    due_ms: int | None,
    together: bool,
) -> None:
    """Else words that nobody has looked at are shown under an approval of others."""
    writes = [
        post("words"),
        post("staff's", author=MOD),
        configure(title="T", **settings),
        edit(1, "others", now=T0 + 1_000, judgement=judgement),
        edit(2, "others", now=T0 + 1_000, judgement=judgement, author=MOD),
    ]
    if together:
        *_, readers, staffs = await only(store, *writes)
    else:
        await only(store, *writes[:-2])
        readers, staffs = await only(store, *writes[-2:])
    held, shown = comment_of(readers), comment_of(staffs)
    assert (held.state, held.due_ms, held.was_public) == ("held", due_ms, True)
    assert held.hold is not None
    assert held.hold.startswith(hold)
    assert (shown.state, shown.hold, shown.due_ms) == ("visible", None, None)
    assert (await store.counts([A]))[A] == 1
    (again,) = await only(store, moderate(1, "approve"))
    assert (comment_of(again).state, comment_of(again).body) == ("visible", "others")


async def test_what_waits_keeps_its_reason_when_it_is_edited(store: Store) -> None:
    await only(
        store, post("words"), moderate(1, "hold", reason="look"), configure(premoderate=True)
    )
    (done,) = await only(store, edit(1, "others", judgement=Judgement(judge_s=5)))
    assert (comment_of(done).state, comment_of(done).due_ms) == ("held", None)
    assert comment_of(done).hold == "look"


async def test_an_authors_first_comments_wait_until_enough_were_shown(store: Store) -> None:
    def first(**how: Any) -> Any:
        return write(PostComment("words", None, None, judgement=Judgement(first=2)), **how)

    states = [comment_of((await only(store, first()))[0]).state for _ in range(3)]
    assert states == ["held"] * 3
    await only(store, moderate(1, "approve"), moderate(2, "approve"))
    (here, elsewhere, other) = await only(
        store, first(), first(room="b"), first(room="b", author=TOM)
    )
    assert [comment_of(c).state for c in (here, elsewhere, other)] == ["visible", "visible", "held"]
    assert comment_of(other).hold == "new author: 0 of 2 comments were shown"


@pytest.mark.parametrize("together", [True, False])
async def test_reports_of_enough_readers_hold_a_comment(store: Store, together: bool) -> None:
    def reported(by: Author) -> Any:
        return write(ReportComment(CommentId(1), "spam", None, hold_at=2), author=by)

    await only(store, post())
    steps = [reported(MARA), reported(MARA), reported(TOM)]
    for batch in [steps] if together else [[step] for step in steps]:
        assert await state_of(store, 1) == "visible"
        await only(store, *batch)
    assert await state_of(store, 1) == "held"
    held = (await feed(store))[2]
    assert held is not None
    assert (held.hold, held.reports) == ("reported by 2", 2)
    (approved,) = await only(store, moderate(1, "approve"))
    assert comment_of(approved).reports == 0
    await only(store, reported(TOM), reported(MARA))  # they have had their say
    assert await state_of(store, 1) == "visible"


async def test_a_ban_a_mute_a_shadow_are_said_logged_and_taken_back(reopen: Reopen) -> None:
    store = await reopen()
    before = await store.standing_version()
    await only(
        store,
        post(author=TOM, room="news a"),
        restrict(TOM.id, "ban", T0 + 9, reason="rude", room="news a"),
        restrict("", "mute", comment=CommentId(1), room="news a"),
        restrict(TOM.id, "shadow"),
    )
    store = await reopen()
    said = await store.standing()
    assert said.version > before
    ban = said.bans["news", TOM.id]
    assert (ban.until_ms, ban.reason, ban.by) == (T0 + 9, "rude", MOD.id)
    assert said.restrictions == {
        ("news", TOM.id): (Restriction("mute", RoomName("news a"), None),),
        ("default", TOM.id): (Restriction("shadow", None, None),),
    }
    acts = await store.acts(ActsRequest("news", person=TOM.id))
    assert [(a.act.action, a.act.comment) for a in acts] == [("mute", 1), ("ban", None)]
    await only(
        store,
        restrict(TOM.id, "unban", room="news a"),
        restrict(TOM.id, "unmute", room="news a"),
        restrict(TOM.id, "unshadow"),
    )
    said = await store.standing()
    assert (dict(said.bans), dict(said.restrictions)) == ({}, {})


async def restricted(store: Store, site: str = "default", **of: Any) -> list[Restricted]:
    return list(await store.restricted(RestrictedRequest(site, **({"now_ms": T0} | of))))


async def test_those_restricted_are_listed_with_who_said_so_and_why(reopen: Reopen) -> None:
    store = await reopen()
    await only(
        store,
        post(author=TOM),
        configure(title="The bridge"),
        restrict("g:9", "ban", T0 + 9, reason="rude", now=T0 + 1),
        restrict("", "mute", comment=CommentId(1), now=T0 + 2),
        restrict(TOM.id, "shadow", reason="bait", now=T0 + 3),
    )
    store = await reopen()
    by = Author(MOD.id, MOD.name)
    shadow = Restricted(TOM.id, "Tom", "shadow", None, None, None, "bait", by, T0 + 3)
    mute = Restricted(TOM.id, "Tom", "mute", A, "The bridge", None, None, by, T0 + 2)
    ban = Restricted("g:9", None, "ban", None, None, T0 + 9, "rude", by, T0 + 1)
    assert await restricted(store) == [shadow, mute, ban]
    assert [one.kind for one in await restricted(store, person="g:9")] == ["ban"]
    assert [one.kind for one in await restricted(store, now_ms=T0 + 9)] == ["shadow", "mute"]
    await only(store, restrict(TOM.id, "unmute"), restrict("g:9", "ban", reason="ruder"))
    (_, again) = await restricted(store)
    assert (again.reason, again.until_ms, again.since_ms) == ("ruder", None, T0)
    await only(store, restrict(TOM.id, "unshadow"), restrict("g:9", "unban"))
    assert await restricted(store) == []


async def test_those_restricted_on_another_site_are_none_of_this_ones(store: Store) -> None:
    await only(
        store,
        post(author=TOM, room="news a"),
        post(author=replace(TOM, name="Tomek"), room="a"),
        restrict(TOM.id, "ban", reason="news", room="news a", now=T0 + 1),
        restrict(TOM.id, "mute", room="news a", now=T0 + 2),
        restrict(TOM.id, "shadow", reason="news", room="news a", now=T0 + 3),
        restrict(TOM.id, "ban", reason="default", room="a", now=T0 + 4),
        restrict(TOM.id, "shadow", reason="default", room="a", now=T0 + 5),
    )
    found = {site: await restricted(store, site) for site in ("news", "new", "default")}
    assert {
        site: [(one.kind, one.name, one.reason, one.room) for one in listed]
        for site, listed in found.items()
    } == {
        "news": [
            ("shadow", "Tom", "news", None),
            ("mute", "Tom", None, "news a"),
            ("ban", "Tom", "news", None),
        ],
        "new": [],
        "default": [("shadow", "Tomek", "default", None), ("ban", "Tomek", "default", None)],
    }


async def test_each_mute_is_as_it_was_said_in_its_room(store: Store) -> None:
    await only(
        store,
        restrict(TOM.id, "mute", reason="in a", room="a", now=T0 + 1),
        restrict(TOM.id, "mute", reason="in b", room="b", now=T0 + 2),
    )
    found = [(one.room, one.reason, one.since_ms) for one in await restricted(store)]
    assert found == [("b", "in b", T0 + 2), ("a", "in a", T0 + 1)]


async def test_who_is_restricted_has_the_name_they_had_last(store: Store) -> None:
    """Also where all that they wrote was taken away with it, but not where it is gone for good."""
    await store.remember(Person("default", "u:1", "i", "s", "Rea", None, Role.READER, 1))
    await only(
        store,
        post(author=replace(TOM, name="Tomek")),
        post(author=TOM),
        post(author=MARA),
        moderate(1, "reject"),
        moderate(2, "reject"),
        *(restrict(who, "shadow") for who in (TOM.id, MARA.id, "u:1")),
    )

    async def names() -> dict[str, str | None]:
        return {one.person: one.name for one in await restricted(store)}

    assert await names() == {TOM.id: "Tom", MARA.id: "Mara", "u:1": "Rea"}
    await only(store, restrict(TOM.id, "delete_all"), moderate(3, "delete"))
    assert await names() == {TOM.id: None, MARA.id: None, "u:1": "Rea"}


async def test_walking_those_restricted_gives_each_once_also_of_one_moment(store: Store) -> None:
    together = [restrict(f"g:{n}", "ban", now=T0 + n // 3) for n in range(10, 20)]
    await only(store, *together)
    seen, before = list[str](), None
    while page := await restricted(store, before=before, limit=2):
        seen += [one.person for one in page]
        before = page[-1].since_ms
    assert sorted(seen) == [f"g:{n}" for n in range(10, 20)]
    assert seen[:2] == ["g:18", "g:19"]


async def test_all_comments_of_a_person_are_deleted_on_the_site(store: Store) -> None:
    await only(store, post("one", author=TOM), post("two", author=TOM), post("mine", parent=1))
    await only(store, post("b", author=TOM, room="b"), post("b", author=TOM, room="other a"))
    await only(store, react(1), moderate(2, "reject"), moderate(1, "pin"))
    await only(store, restrict(TOM.id, "delete_all", reason="spam"))
    found = await feed(store)
    states = {c.id: (c.state, c.body, c.author.name) for c in found.values() if c}
    assert states == {
        1: ("removed", "", ""),
        2: ("removed", "", ""),
        3: ("visible", "mine", "Mara"),
    }
    assert (await store.counts([A, RoomName("b"), RoomName("other a")])) == {
        "a": 1,
        "b": 0,
        "other a": 1,
    }
    assert max(found) == (await store.room(A)).seq
    assert isinstance((await store.commit([moderate(2, "restore")]))[0], NotFound)
    (act,) = await store.acts(ActsRequest("default", person=TOM.id, limit=1))
    assert (act.act.action, act.act.reason) == ("delete_all", "spam")
    (after,) = await only(store, post("goes on"))
    assert after.seq == max(found) + 1


async def test_nobody_bars_themselves(store: Store) -> None:
    assert isinstance((await store.commit([restrict(MOD.id, "ban")]))[0], BadFrame)
    assert dict((await store.standing()).bans) == {}


async def test_filters_are_kept_by_room_and_by_site(reopen: Reopen) -> None:
    store = await reopen()
    version = await store.standing_version()
    await only(store, filters('{"max_links":1}', room=""), filters("{}", room="news "))
    await only(store, filters('{"max_links":2}', room="a"), filters('{"max_links":3}', room="a"))
    store = await reopen()
    said = await store.standing()
    assert said.version > version
    assert said.filters == {"": '{"max_links":1}', "news ": "{}", "a": '{"max_links":3}'}
    assert [a.act.room for a in await store.acts(ActsRequest("news"))] == ["news "]
    assert [a.act.room for a in await store.acts(ActsRequest("default"))] == ["a", "a", ""]
    assert (await store.room(A)).seq == 0


JUDGED = PostComment("words", None, None, judgement=Judgement(judge_s=5))


async def test_a_comment_waits_for_a_judgement_until_it_is_due(store: Store) -> None:
    def end(now: int, action: Any = "approve") -> Any:
        return write(EndJudgement(CommentId(1), action, "late"), author=MOD, now=now, nonce=None)

    (done,) = await only(store, write(JUDGED, now=T0))
    waiting = comment_of(done)
    assert (waiting.state, waiting.due_ms) == ("held", T0 + 5_000)
    assert not waiting.was_public
    assert list(await store.due(T0 + 4_999, limit=9)) == []
    assert list(await store.due(T0 + 5_000, limit=9)) == [(A, 1)]
    (early,) = await only(store, end(T0 + 4_999))
    assert early.change is None
    await only(store, end(T0 + 5_000), end(T0 + 5_001, "hold"))
    assert await state_of(store, 1) == "visible"
    assert list(await store.due(T0 + 9_999, limit=9)) == []
    (act,) = await store.acts(ActsRequest("default"))
    assert (act.act.action, act.act.reason) == ("approve", "late")


@pytest.mark.parametrize("together", [True, False])
async def test_what_a_filter_holds_in_an_edit_waits_for_a_moderator_whatever_the_time(
    store: Store, together: bool
) -> None:
    """Else the default of the time limit would show words that a filter holds."""
    edited = EditComment(CommentId(1), "see https://a.example", None, WINDOW_S, HELD_BY_FILTER)
    late = EndJudgement(CommentId(1), "approve", "late")
    writes = [write(JUDGED), write(edited, now=T0 + 1_000)]
    end = write(late, author=MOD, now=T0 + 60_000, nonce=None)
    await (only(store, *writes, end) if together else only(store, *writes))
    assert list(await store.due(T0 + 60_000, limit=9)) == []
    await only(store, end)
    comment = (await store.held_by(A, MARA.id))[0]
    assert (comment.state, comment.hold) == ("held", "link filter: 2 links")


async def test_words_edited_while_a_bot_looks_wait_as_long_again(store: Store) -> None:
    looked_at = JUDGED.judgement
    await only(store, write(JUDGED), edit(1, "other words", now=T0 + 4_000, judgement=looked_at))
    assert list(await store.due(T0 + 8_999, limit=9)) == []
    assert list(await store.due(T0 + 9_000, limit=9)) == [(A, 1)]
    await only(store, edit(1, "other words again", now=T0 + 6_000, judgement=looked_at))
    assert list(await store.due(T0 + 10_999, limit=9)) == []
    assert list(await store.due(T0 + 11_000, limit=9)) == [(A, 1)]


@pytest.mark.parametrize("action", ["approve", "hold", "reject", "hide", "delete"])
async def test_a_comment_that_was_judged_is_not_due(store: Store, action: str) -> None:
    await only(store, write(JUDGED, now=T0), moderate(1, action))
    assert list(await store.due(T0 + 9_999, limit=9)) == []


@pytest.mark.parametrize("action", ["approve", "hold", "reject"])
@pytest.mark.parametrize("together", [True, False])
async def test_what_has_changed_since_it_was_judged_is_not_decided(
    store: Store, action: str, together: bool
) -> None:
    """Else a bot that read harmless words would show those which came in their place."""
    first, then = [write(JUDGED), edit(1, "other words")], moderate(1, action, seq=1)
    if not together:
        await only(store, *first)
    *_, refused = await store.commit([*first, then] if together else [then])
    assert isinstance(refused, Conflict)
    assert refused.field == "seq"
    assert await state_of(store, 1) == "held"
    assert list(await store.acts(ActsRequest("default"))) == []
    await only(store, moderate(1, "approve", seq=2))
    assert await state_of(store, 1) == "visible"


async def test_reactions_since_are_no_change_of_what_was_judged(store: Store) -> None:
    await only(store, post(), react(1), report(1), moderate(1, "hide", seq=1))
    assert await state_of(store, 1) == "hidden"


async def test_what_is_held_for_people_waits_for_no_bot(store: Store) -> None:
    judgement = Judgement("link filter", judge_s=5)
    (done,) = await only(store, write(PostComment("words", None, None, judgement=judgement)))
    assert (comment_of(done).hold, comment_of(done).due_ms) == ("link filter", None)
    (staffs,) = await only(store, write(JUDGED, author=MOD))
    assert comment_of(staffs).state == "visible"


async def queue(store: Store, which: Any, site: str = "default", **of: Any) -> Queue:
    return await store.queue(QueueRequest(site, which, **of))


async def test_the_queue_lists_what_is_held_what_is_reported_and_all(store: Store) -> None:
    await only(store, configure(premoderate=True, title="Bridge"), post("held", author=TOM))
    await only(store, post("one", room="b"), post("two", room="b"), post(room="other a"))
    await only(store, report(1, "spam", "see", room="b", now=T0 + 1))
    await only(store, report(1, "abuse", None, room="b", author=TOM, now=T0 + 2))
    await only(store, report(1, "spam", "more", room="b", now=T0 + 3))
    held = await queue(store, "held")
    assert [(i.room, i.title, i.comment.body) for i in held.items] == [("a", "Bridge", "held")]
    assert (held.held, held.reported) == (1, 1)
    (item,) = (await queue(store, "reported")).items
    assert item.comment.body == "one"
    assert item.reports == (
        Report(MARA.id, "spam", "more", T0 + 1),
        Report(TOM.id, "abuse", None, T0 + 2),
    )
    recent = await queue(store, "recent")
    assert [i.comment.body for i in recent.items] == ["two", "one", "held"]
    assert [i.comment.body for i in (await queue(store, "recent", room=A)).items] == ["held"]
    assert [i.comment.id for i in (await queue(store, "recent", author=TOM.id)).items] == [2]
    elsewhere = await store.queue(QueueRequest("other", "recent"))
    assert [(i.room, i.comment.id) for i in elsewhere.items] == [("other a", 1)]
    await only(store, moderate(1, "approve", room="b"), moderate(2, "approve"))
    for which in ("held", "reported"):
        assert await queue(store, which) == Queue((), 0, 0)


async def test_each_site_has_a_queue_and_counts_of_its_own(store: Store) -> None:
    counts = {"default": (1, 2), "news": (2, 3), "news-2": (3, 1)}
    for site, (held, reported) in counts.items():
        room = key_of(site, "a")
        await only(store, *(post(room=room) for _ in range(reported)))
        await only(store, *(report(n + 1, room=room) for n in range(reported)))
        await only(store, configure(premoderate=True, room=room))
        await only(store, *(post(room=room) for _ in range(held)))
    for site, (held, reported) in counts.items():
        for which, many in (("held", held), ("reported", reported), ("recent", held + reported)):
            found = await queue(store, which, site)
            assert [item.room for item in found.items] == [key_of(site, "a")] * many
            assert (found.held, found.reported) == (held, reported)


async def test_the_queue_goes_on_behind_a_place_and_not_at_it(store: Store) -> None:
    await only(store, *(post(str(n)) for n in range(4)))
    items = (await queue(store, "recent")).items
    for at, item in enumerate(items):
        assert (await queue(store, "recent", before=item.place)).items == items[at + 1 :]


async def test_the_queue_is_searched_by_words_and_names(store: Store) -> None:
    await only(store, post("The BRIDGE is open"), post("100 %_ sure"), post("no", author=TOM))
    await only(store, post("ПРИВЕТ, Ärger"))
    for text, ids in (
        ("bridge", [1]),
        ("%", [2]),
        ("_", [2]),
        ("tom", [3]),
        ("o", [3, 1]),
        ("привет", [4]),
        ("äRG", [4]),
        ("xyz", []),
    ):
        found = (await queue(store, "recent", text=text)).items
        assert [item.comment.id for item in found] == ids, text


async def test_searches_find_the_same_however_much_is_indexed(store: Store) -> None:
    await only(store, *(post(f"comment {n}", room=f"r{n % 3}") for n in range(100)))
    wanted = [item.comment.body for item in (await queue(store, "recent", text="ENT 1")).items]
    assert len(wanted) == 11
    is_more = True
    while is_more:
        is_more = await store.index(is_tidying=True)
        found = (await queue(store, "recent", text="ENT 1")).items
        assert [item.comment.body for item in found] == wanted


async def test_walking_the_queue_gives_each_comment_once_while_more_come(store: Store) -> None:
    await only(store, *(post(str(n), room=f"r{n % 3}") for n in range(7)))
    found, before = [], None
    while items := (await queue(store, "recent", before=before, limit=2)).items:
        found += [int(item.comment.body) for item in items]
        before = items[-1].place
        await only(store, post("100"))
    assert found == [6, 5, 4, 3, 2, 1, 0]


async def test_a_locked_thread_takes_staffs_replies_only(store: Store) -> None:
    await only(store, post(), post(parent=1), moderate(1, "lock"))
    for reply in (post(parent=1), post(parent=2)):
        assert isinstance((await store.commit([reply]))[0], RoomClosed)
    await only(store, post(), post(parent=2, author=MOD), moderate(1, "unlock"), post(parent=2))


async def test_only_a_root_can_be_locked(store: Store) -> None:
    await only(store, post(), post(parent=1))
    assert isinstance((await store.commit([moderate(2, "lock")]))[0], BadFrame)


async def test_replies_go_as_deep_as_the_room_allows(store: Store) -> None:
    await only(store, configure(max_depth=1), post(), post(parent=2))
    assert isinstance((await store.commit([post(parent=3)]))[0], Rejected)
    (staffs,) = await only(store, post(parent=3, author=MOD))
    assert comment_of(staffs).depth == 2
    await only(store, configure(max_depth=0))
    assert isinstance((await store.commit([post(parent=2)]))[0], Rejected)
    await only(store, configure(max_depth=-1), post(parent=4))
    assert (await store.room(A)).max_depth is None


async def test_a_room_has_its_own_edit_window(store: Store) -> None:
    await only(store, post(), configure(edit_window_s=5))
    await only(store, edit(1, "soon", now=T0 + 5_000))
    late = await store.commit([edit(1, "late", now=T0 + 5_001)])
    assert isinstance(late[0], Forbidden)
    await only(store, configure(edit_window_s=-1), edit(1, "late", now=T0 + 5_001))


async def test_a_read_only_room_takes_no_reactions_either(store: Store) -> None:
    await only(store, post(), configure(state="closed"), react(1))
    await only(store, configure(state="read_only"))
    refused = await store.commit([react(1, on=False), post(), edit(1, "x"), post(parent=1)])
    assert [type(outcome) for outcome in refused] == [RoomClosed] * 4
    await only(store, report(1), delete(1), post(author=MOD))


async def test_premoderation_holds_what_readers_post_until_it_is_approved(store: Store) -> None:
    await only(store, configure(premoderate=True), post("held"), post("staff's", author=MOD))
    public = await store.page(PageRequest(A))
    assert [comment.id for comment in public.comments] == [3]
    assert (await store.counts([A]))[A] == 1
    staff = await store.page(PageRequest(A, audience=Audience.STAFF))
    assert [(comment.id, comment.state) for comment in staff.comments] == [
        (2, "held"),
        (3, "visible"),
    ]
    assert [comment.id for comment in await store.held_by(A, MARA.id)] == [2]
    assert list(await store.held_by(A, TOM.id)) == []
    (done,) = await only(store, moderate(2, "approve"))
    assert comment_of(done).was_public
    assert list(await store.held_by(A, MARA.id)) == []
    assert [c.id for c in (await store.page(PageRequest(A))).comments] == [2, 3]
    assert (await store.counts([A]))[A] == 2


async def test_the_held_comments_of_an_author_are_bounded_in_bytes(store: Store) -> None:
    await only(store, configure(premoderate=True), *(post("é" * 20_000) for _ in range(9)))
    held = await store.held_by(A, MARA.id)
    assert [comment.id for comment in held] == [2, 3, 4, 5, 6, 7]
    assert sum(map(size_of, held)) <= 256 * 1024 < sum(map(size_of, held)) + size_of(held[0])


async def test_a_held_comment_is_unknown_to_others_and_known_to_its_author(store: Store) -> None:
    await only(store, configure(premoderate=True), post("held"))
    for theirs in (edit(2, "x", author=TOM), delete(2, author=TOM), react(2, author=TOM)):
        assert isinstance((await store.commit([theirs]))[0], NotFound)
    await only(store, edit(2, "better"), delete(2))


async def test_a_rejected_held_comment_was_never_public(store: Store) -> None:
    await only(store, configure(premoderate=True), post("held"), moderate(2, "reject"))
    assert (await store.page(PageRequest(A))).comments == ()
    found = (await feed(store))[3]
    assert found is not None
    assert not found.was_public
    assert found.body == ""


# ── the room ──


async def test_configuring_takes_a_seq_and_appears_in_the_feed_once(store: Store) -> None:
    await only(store, configure(title="One"), post(), configure(title="Two", slow_mode_s=5))
    found = await store.changes(A, 0, limit=100)
    assert [(change.seq, change.comment is None) for change in found.changes] == [
        (2, False),
        (3, True),
    ]
    room = found.changes[1].room
    assert room == await store.room(A)
    assert room is not None
    assert (room.title, room.slow_mode_s, room.config_seq) == ("Two", 5, 3)
    assert (await store.changes(A, 3, limit=100)).changes == ()
    await only(store, configure(title=""))
    assert (await store.room(A)).title is None


async def test_slow_mode_holds_a_reader_off_and_says_for_how_long(store: Store) -> None:
    await only(store, configure(slow_mode_s=10), post())
    (refused,) = await store.commit([post(now=T0 + 4_000)])
    assert isinstance(refused, HeldOff)
    assert refused.retry_after_ms == 6_000
    await only(
        store,
        post(author=TOM, now=T0 + 4_000),
        post(author=MOD, now=T0 + 4_000),
        post(author=MOD, now=T0 + 4_000),
        edit(2, "x", now=T0 + 4_000),
        post(now=T0 + 10_000),
    )
    assert isinstance((await store.commit([post(now=T0 + 10_001)]))[0], HeldOff)


async def test_slow_mode_set_in_a_batch_knows_what_was_posted_before(store: Store) -> None:
    await only(store, post())
    outcomes = await store.commit([configure(slow_mode_s=10), post(now=T0 + 1)])
    assert isinstance(outcomes[1], HeldOff)


@pytest.mark.parametrize("together", [True, False])
async def test_a_clock_set_back_does_not_lock_slow_mode(store: Store, together: bool) -> None:
    await only(store, configure(slow_mode_s=10), post())
    back = T0 - 3_600_000
    writes = [post(now=back), post(now=back + 5_000)]
    outcomes = (
        await store.commit(writes)
        if together
        else [(await store.commit([write]))[0] for write in writes]
    )
    assert [type(outcome) for outcome in outcomes] == [Committed, Committed]


async def test_a_repeated_nonce_passes_slow_mode_and_a_closed_room(store: Store) -> None:
    write = post(nonce="same-nonce")
    await only(store, configure(slow_mode_s=10), write, configure(state="closed"))
    (again,) = await only(store, write)
    assert again.is_duplicate


async def test_counts_are_of_what_everyone_sees(store: Store) -> None:
    await only(store, post(), post(), post(), post(room="b"), delete(1), moderate(2, "hide"))
    rooms = [A, RoomName("b"), RoomName("never")]
    assert await store.counts(rooms) == {"a": 1, "b": 1, "never": 0}


async def test_a_room_is_as_its_site_says_where_it_says_nothing(
    store: Store, reopen: Reopen
) -> None:
    await only(
        store,
        configure(slow_mode_s=3, room="said"),
        configure(state="closed", slow_mode_s=9, max_depth=0, edit_window_s=5, room=""),
        configure(state="open", max_depth=7, room="said"),
        configure(state="read_only", room="other "),
    )

    async def rules(room: str) -> tuple[str, int, int | None, int | None]:
        now = await store.room(RoomName(room))
        return now.state, now.slow_mode_s, now.max_depth, now.edit_window_s

    store = await reopen()
    assert await rules("said") == ("open", 3, 7, 5)
    assert await rules("new") == ("closed", 9, 0, 5)
    assert await rules("other new") == ("read_only", 0, None, None)
    await only(
        store, configure(state="site", slow_mode_s=-1, max_depth=-1, edit_window_s=4, room="said")
    )
    assert await rules("said") == ("closed", 9, 0, 4)
    await only(store, configure(state="open", slow_mode_s=-1, max_depth=-1, room=""))
    assert await rules("said") == ("open", 0, None, 4)


async def test_what_a_site_says_binds_who_writes_in_its_rooms_also_in_the_same_batch(
    store: Store,
) -> None:
    await only(store, post(author=TOM, room="b"), post(author=TOM, room="other b"))
    rules = configure(slow_mode_s=10, max_depth=0, edit_window_s=0, room="")
    soon, later = T0 + 5_000, T0 + 20_000
    outcomes = await store.commit(
        [
            rules,
            post(author=TOM, room="b", now=soon),
            post(author=TOM, room="other b", now=soon),
            post(parent=1, room="b", now=later),
            edit(1, "late", author=TOM, room="b", now=later),
            configure(state="closed", room=""),
            post(room="new"),
            configure(state="open", room="b"),
            post(room="b", now=later),
        ]
    )
    refused = [type(one) for one in outcomes if not isinstance(one, Committed)]
    assert refused == [HeldOff, Rejected, Forbidden, RoomClosed]
    (again,) = await store.commit([post(room="new")])
    assert isinstance(again, RoomClosed)


async def test_followers_are_told_of_a_room_that_its_site_has_changed(store: Store) -> None:
    await only(store, post(), configure(state="closed", room=""))
    for name, seq in ((A, 2), (RoomName("new"), 1)):
        (told,) = await only(store, write(TellRoom(), author=MOD, room=name, nonce=None))
        assert (told.seq, told.act) == (seq, None)
        assert told.change is not None
        assert told.change.room is not None
        assert told.change.room.state == "closed"
        found = await store.changes(name, seq - 1, limit=9)
        assert [change.room for change in found.changes] == [told.change.room]


# ── changes ──


async def test_changes_list_each_comment_once_as_it_is_now(store: Store) -> None:
    await only(store, post("1"), post("2"), post("3"), edit(1, "1b"), edit(1, "1c"), react(2))
    found = await store.changes(A, 0, limit=100)
    bodies = [(c.seq, c.comment.body, c.is_of_reactions) for c in found.changes if c.comment]
    assert bodies == [(2, "2", False), (3, "3", False), (5, "1c", False), (6, "2", True)]
    assert (found.from_seq, found.to_seq, found.room.seq) == (0, 6, 6)


async def test_changes_list_a_comments_reactions_once_beside_it(store: Store) -> None:
    await only(store, post("1"), post("2"), react(1), react(2), react(1, author=TOM), react(1))
    found = await store.changes(A, 0, limit=100)
    assert [(c.seq, c.is_of_reactions) for c in found.changes] == [
        (1, False),
        (2, False),
        (4, True),
        (5, True),
    ]
    assert {c.comment.reactions for c in found.changes if c.comment} == {
        '{"like":1}',
        '{"like":2}',
    }
    await only(store, edit(1, "1b"), react(2, on=False))
    found = await store.changes(A, 2, limit=100)
    assert [(c.seq, c.is_of_reactions) for c in found.changes] == [(6, False), (7, True)]
    assert [c.comment.last_seq for c in found.changes if c.comment] == [6, 7]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_reading_changes_part_by_part_while_there_are_reactions_misses_nothing(
    store: Store, limit: int
) -> None:
    """A reader at any seq gets, behind it, only reactions to what they have."""
    await only(store, *(post(str(i)) for i in range(5)))
    bodies: dict[int, str] = {}
    counts: dict[int, str | None] = {}
    reached, is_like = 0, itertools.cycle([True, False])
    for step in range(30):
        found = await store.changes(A, reached, limit=limit)
        for change in found.changes:
            assert change.comment is not None
            id = change.comment.id
            if change.is_of_reactions:
                assert id in bodies
            else:
                bodies[id] = change.comment.body
            counts[id] = change.comment.reactions
        reached = found.to_seq
        if step < 12:
            await only(store, react(1 + step % 5, on=next(is_like)), edit(1 + step % 3, f"e{step}"))
    fresh = (await store.page(PageRequest(A))).comments
    assert bodies == {comment.id: comment.body for comment in fresh}
    assert counts == {comment.id: comment.reactions for comment in fresh}


async def test_changes_are_cut_at_the_limit_and_say_how_far_they_reach(store: Store) -> None:
    await only(store, *(post(str(i)) for i in range(7)), configure(title="T"), edit(1, "x"))
    reached, seen = 0, []
    for _ in range(20):
        found = await store.changes(A, reached, limit=3)
        assert found.from_seq == reached
        assert len(found.changes) <= 3
        seen += [change.seq for change in found.changes]
        reached = found.to_seq
        if reached == found.room.seq:
            break
        assert found.changes[-1].seq == reached
    assert seen == [2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_a_changed_room_is_one_of_the_changes_wherever_it_stands(
    store: Store, limit: int
) -> None:
    await only(store, post(), configure(title="T"), post())
    reached, seen = 0, []
    while reached < 3:
        found = await store.changes(A, reached, limit=limit)
        assert 0 < len(found.changes) <= limit
        seen += [change.seq for change in found.changes]
        reached = found.to_seq
    assert seen == [1, 2, 3]


async def test_changes_after_the_head_are_none(store: Store) -> None:
    await only(store, post())
    for since in (1, 5):
        found = await store.changes(A, since, limit=10)
        assert found.changes == ()
        assert found.to_seq == since
    found = await store.changes(RoomName("never"), 0, limit=10)
    assert (found.changes, found.to_seq) == ((), 0)


async def test_the_size_of_changes_grows_with_their_text(store: Store) -> None:
    await only(store, post("x" * 1000), post("y"))
    whole, rest = await store.size_since(A, 0), await store.size_since(A, 1)
    assert whole - rest >= 1000
    assert rest > 0
    assert await store.size_since(A, 2) == 0
    assert await store.size_since(RoomName("never"), 0) == 0


# ── pages ──


async def a_discussion(store: Store) -> None:
    """Seven roots, of which 2 has five replies, 3 a reply to a reply; 1 and 5 are liked."""
    await only(store, *(post(f"root {i}") for i in range(7)))
    await only(store, *(post(parent=2) for _ in range(5)), post(parent=3), post(parent=13))
    await only(store, react(5), react(5, author=TOM), react(1))


@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20])
async def test_walking_all_pages_gives_every_root_once_in_order(
    store: Store, order: Order, limit: int
) -> None:
    await a_discussion(store)
    request = PageRequest(A, limit=limit, order=order)
    roots: list[int] = []
    while True:
        page = await store.page(request)
        found = [comment.id for comment in page.comments if comment.parent is None]
        assert len(found) <= limit
        roots += found
        if page.next is None:
            break
        assert len(found) == limit
        request = replace(request, after=page.next)
    expected = {
        "oldest": [1, 2, 3, 4, 5, 6, 7],
        "newest": [7, 6, 5, 4, 3, 2, 1],
        "best": [5, 1, 7, 6, 4, 3, 2],
    }
    assert roots == expected[order]


async def test_roots_are_followed_by_their_first_replies_parents_first(store: Store) -> None:
    await a_discussion(store)
    page = await store.page(PageRequest(A, limit=3, replies=2))
    assert [comment.id for comment in page.comments] == [1, 2, 8, 9, 3, 13, 14]
    assert [comment.replies for comment in page.comments if comment.parent is None] == [0, 5, 2]
    assert list(page.more) == [2]
    assert page.next is not None
    assert page.room == await store.room(A)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_a_thread_is_continued_to_its_end(store: Store, limit: int) -> None:
    await a_discussion(store)
    first = await store.page(PageRequest(A, replies=2))
    seen = [comment.id for comment in first.comments if comment.root == 2]
    token: str | None = first.more[2]
    while token is not None:
        page = await store.page(PageRequest(A, parent=CommentId(2), after=token, limit=limit))
        seen += [comment.id for comment in page.comments]
        token = page.next
    assert seen == [2, 8, 9, 10, 11, 12]


async def test_a_thread_from_its_beginning(store: Store) -> None:
    await a_discussion(store)
    page = await store.page(PageRequest(A, parent=CommentId(3)))
    assert [comment.id for comment in page.comments] == [13, 14]
    assert (page.next, page.more) == (None, {})


async def test_a_thread_counts_only_what_is_shown(store: Store) -> None:
    await a_discussion(store)
    await only(store, delete(8), moderate(9, "hide"))
    root = next(c for c in (await store.page(PageRequest(A))).comments if c.id == 2)
    assert root.replies == 3


async def a_long_discussion(store: Store) -> None:
    """Five roots with one to five replies and replies to these, some of them long."""
    sizes = [1, 900, 30, 4000, 5]
    for i, size in enumerate(sizes, 1):
        await only(store, post("é" * size, rich='[{"t":"p"}]' if i % 2 else None))
    for i, size in enumerate(sizes * 2):
        await only(
            store, post("x" * size, parent=1 + i * 3 % 5), post("y" * (i * 99), parent=6 + i)
        )
    await only(store, react(3), moderate(8, "hide"))


async def all_pages(store: Store, request: PageRequest) -> list[tuple[PageRequest, Page]]:
    """Every page of roots, each followed by the pages that complete its threads."""
    walked: list[tuple[PageRequest, Page]] = []
    after: str | None = None
    while True:
        asked = replace(request, after=after)
        page = await store.page(asked)
        walked.append((asked, page))
        for root, token in page.more.items():
            rest: str | None = token
            while rest is not None:
                asked = replace(request, parent=CommentId(root), after=rest)
                thread = await store.page(asked)
                walked.append((asked, thread))
                rest = thread.next
        after = page.next
        if after is None:
            return walked


@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize(("limit", "replies"), [(100, 100), (2, 1), (3, 2)])
@pytest.mark.parametrize("max_bytes", [1, 1_500, 5_000, 20_000])
async def test_a_page_ends_at_its_bytes_and_paging_goes_on_without_a_gap(
    store: Store, order: Order, limit: int, replies: int, max_bytes: int
) -> None:
    await a_long_discussion(store)
    whole = await store.page(PageRequest(A, limit=100, replies=100, order=order, max_bytes=10**9))
    assert (whole.next, whole.more, len(whole.comments)) == (None, {}, 25)
    request = PageRequest(A, None, None, limit, order, replies, max_bytes=max_bytes)
    seen: dict[int, Comment] = {}
    for _, page in await all_pages(store, request):
        assert page.comments
        assert len(page.comments) == 1 or sum(map(size_of, page.comments)) <= max_bytes
        for comment in page.comments:
            assert comment.id not in seen, "twice"
            assert comment.parent is None or comment.parent in seen, "before its parent"
            seen[comment.id] = comment
    assert seen == {comment.id: comment for comment in whole.comments}
    roots = [comment.id for comment in seen.values() if comment.parent is None]
    assert roots == [comment.id for comment in whole.comments if comment.parent is None]


@pytest.mark.parametrize("max_bytes", [1_500, 5_000, 20_000])
async def test_a_page_ends_no_sooner_than_it_must(store: Store, max_bytes: int) -> None:
    await a_long_discussion(store)
    request = PageRequest(A, limit=100, replies=100, max_bytes=max_bytes)
    walked = await all_pages(store, request)
    for (asked, page), (_, following) in itertools.pairwise(walked):
        if asked.parent is not None and page.next is None:
            continue  # the end of a thread
        sizes = [size_of(comment) for comment in (*page.comments, following.comments[0])]
        assert sum(sizes) > max_bytes


async def test_a_page_ends_with_a_thread_that_does_not_go_in_whole(store: Store) -> None:
    await only(store, post(), post(), post("x" * 4000, 1), post("y", 1), post("z", 2))
    request = PageRequest(A, max_bytes=3_000)
    page = await store.page(request)
    assert ([comment.id for comment in page.comments], list(page.more)) == ([1], [1])
    pages = [page for _, page in await all_pages(store, request)]
    assert [[comment.id for comment in page.comments] for page in pages] == [[1], [3], [4], [2, 5]]


@pytest.mark.parametrize("past", [-1, 0, 1])
async def test_a_page_that_is_full_to_the_byte_is_not_the_last(store: Store, past: int) -> None:
    await only(store, post("é" * 50), post("x" * 50), post("y"), *(post("z" * 9, 1) for _ in "123"))
    root, *replies = (await store.page(PageRequest(A))).comments[:4]
    most = size_of(root) + sum(map(size_of, replies)) + past
    page = await store.page(PageRequest(A, max_bytes=most))
    assert [comment.id for comment in page.comments] == [1, 4, 5, 6][: 3 if past < 0 else 4]
    assert page.next is not None
    assert list(page.more) == ([1] if past < 0 else [])
    thread = PageRequest(A, parent=CommentId(1), max_bytes=size_of(replies[0]) * 2 + past)
    found = await store.page(thread)
    assert [comment.id for comment in found.comments] == [4, 5][: 1 if past < 0 else 2]
    assert found.next is not None
    following = await store.page(replace(thread, after=found.next))
    assert following.comments[0].id == found.comments[-1].id + 1


async def test_the_public_pages_leave_out_what_was_never_public(store: Store) -> None:
    await only(store, post(), configure(premoderate=True), post(parent=1), post())
    await only(store, moderate(3, "hide"))
    public = await store.page(PageRequest(A))
    assert [comment.id for comment in public.comments] == [1]
    thread = await store.page(PageRequest(A, parent=CommentId(1)))
    assert thread.comments == ()
    with pytest.raises(NotFound):
        await store.page(PageRequest(A, parent=CommentId(4)))
    staff = await store.page(PageRequest(A, audience=Audience.STAFF))
    assert [comment.id for comment in staff.comments] == [1, 3, 4]


async def test_a_page_of_an_empty_room(store: Store) -> None:
    page = await store.page(PageRequest(A))
    assert (page.comments, page.next, page.more) == ((), None, {})
    assert page.room == await store.room(A)


async def test_a_thread_of_an_unknown_parent_is_not_found(store: Store) -> None:
    await only(store, post())
    with pytest.raises(NotFound) as caught:
        await store.page(PageRequest(A, parent=CommentId(9)))
    assert caught.value.field == "parent"


async def tokens(store: Store, room: RoomName = A) -> dict[str, str]:
    """A good token of each reading of a room with two threads, each of two replies."""
    await only(store, *(post(room=room) for _ in "12"))
    await only(store, *(post(parent=i, room=room) for i in (1, 1, 2, 2)))
    found: dict[str, str] = {}
    for order in get_args(Order):
        page = await store.page(PageRequest(room, limit=1, replies=1, order=order))
        assert page.next is not None
        found[order] = page.next
        found |= {f"thread {root}": token for root, token in page.more.items()}
    return found


async def test_a_token_is_of_one_reading_in_one_room(store: Store) -> None:
    here, there = await tokens(store), await tokens(store, RoomName("b"))
    assert sorted(here) == ["best", "newest", "oldest", "thread 1", "thread 2"]
    assert len({*here.values(), *there.values()}) == 10
    requests = {order: PageRequest(A, order=order) for order in get_args(Order)}
    requests |= {f"thread {id}": PageRequest(A, parent=CommentId(id)) for id in (1, 2)}
    for reading, request in requests.items():
        for of, token in [*here.items(), *(("elsewhere", token) for token in there.values())]:
            asked = replace(request, after=token)
            if of == reading:
                assert (await store.page(asked)).comments
                continue
            with pytest.raises(BadFrame) as caught:
                await store.page(asked)
            assert caught.value.field == "after"


@pytest.mark.parametrize("parent", [None, CommentId(1)])
@pytest.mark.parametrize("order", get_args(Order))
async def test_what_is_no_token_is_a_bad_frame(
    store: Store, order: Order, parent: CommentId | None
) -> None:
    good = (await tokens(store))["thread 1" if parent else order]
    bad = ["", "n5", "o", "1", "o²", "9" * 40, good[:-1], good + "A", good[1:] + "A", "A" * 64]
    for token in bad:
        with pytest.raises(BadFrame) as caught:
            await store.page(PageRequest(A, parent=parent, after=token, order=order))
        assert caught.value.field == "after", token


# ── a comment's place ──


def place_of(comment: int, **how: Any) -> PageRequest:
    return PageRequest(A, comment=CommentId(comment), **how)


async def a_deep_discussion(store: Store) -> None:
    """One root with 20 replies; below the last of them a chain, 22 to 31; below 31 32 to 34."""
    await only(store, post("root"), *(post(parent=1) for _ in range(20)))
    for parent in range(21, 31):
        await only(store, post(parent=parent))
    await only(store, *(post(parent=31) for _ in range(3)))


async def test_a_comments_place_is_its_lineage_its_replies_and_the_threads_beginning(
    store: Store,
) -> None:
    await a_deep_discussion(store)
    page = await store.page(place_of(31, replies=2, limit=2))
    assert [comment.id for comment in page.comments] == [1, 2, 3, *range(21, 34)]
    assert page.comments[0].replies == 33
    assert page.next is None
    seen = {comment.id for comment in page.comments}
    token: str | None = page.more[1]
    while token is not None:
        rest = await store.page(PageRequest(A, parent=CommentId(1), after=token, limit=7))
        seen |= {comment.id for comment in rest.comments}
        token = rest.next
    assert seen == set(range(1, 35))


async def test_a_roots_place_is_its_thread(store: Store) -> None:
    await a_discussion(store)
    page = await store.page(place_of(3))
    assert ([comment.id for comment in page.comments], page.more) == ([3, 13, 14], {})
    page = await store.page(place_of(1))
    assert ([comment.id for comment in page.comments], page.more) == ([1], {})


async def test_a_place_that_does_not_go_in_keeps_the_nearest_of_its_lineage(store: Store) -> None:
    await a_deep_discussion(store)
    whole = await store.page(place_of(31, replies=100))
    assert (len(whole.comments), whole.more) == (34, {})
    most = sum(size_of(comment) for comment in whole.comments if comment.id in (1, 29, 30, 31))
    page = await store.page(place_of(31, replies=2, max_bytes=most))
    assert [comment.id for comment in page.comments] == [1, 29, 30, 31]
    assert list(page.more) == [1]
    page = await store.page(place_of(31, max_bytes=1))
    assert [comment.id for comment in page.comments] == [1, 31]


async def test_only_what_may_be_seen_has_a_place(store: Store) -> None:
    await only(store, post(), configure(premoderate=True), post(parent=1), post(room="b"))
    for comment in (3, 2, 9):
        with pytest.raises(NotFound) as caught:
            await store.page(place_of(comment))
        assert caught.value.field == "comment"
    staff = await store.page(place_of(3, audience=Audience.STAFF))
    assert [comment.id for comment in staff.comments] == [1, 3]
    await only(store, moderate(3, "approve"), post(parent=3), moderate(3, "reject"))
    page = await store.page(place_of(3))
    assert [(comment.id, comment.state) for comment in page.comments] == [
        (1, "visible"),
        (3, "removed"),
    ]


async def test_a_page_is_of_one_moment(store: Store) -> None:
    """Whatever is written while it is read, a page agrees with the seq it says it is of."""

    async def keep_writing() -> None:
        for i in range(60):
            await store.commit([post(str(i)), post(str(i))])

    writing = asyncio.create_task(keep_writing())
    while not writing.done():
        await asyncio.sleep(0)
        page = await store.page(PageRequest(A, limit=100))
        newest = max((comment.seq for comment in page.comments), default=0)
        if len(page.comments) < 100:
            assert page.room.seq == page.room.comments == len(page.comments) == newest
        found = await store.changes(A, 0, limit=1000)
        assert found.to_seq == found.room.seq == len(found.changes)
    await writing


# ── people and sites ──


def a_person(name: str = "Mara", issued_s: int = 10, **changed: Any) -> Person:
    person = Person("news", "u:1", "iss", "1", name, None, Role.READER, issued_s)
    return replace(person, **changed)


async def test_what_an_issuer_said_last_is_kept(store: Store, reopen: Reopen) -> None:
    assert await store.person("news", "iss", "1") is None
    assert await store.remember(a_person()) == a_person()
    newer = a_person("Marie", 11, avatar="https://a.example/1", role=Role.MODERATOR)
    assert await store.remember(newer) == newer
    assert await store.remember(a_person("Old", 9)) == newer
    assert await store.remember(a_person("Same second", 11)) == newer
    store = await reopen()
    assert await store.person("news", "iss", "1") == newer
    for who in (("default", "iss", "1"), ("news", "other", "1"), ("news", "iss", "2")):
        assert await store.person(*who) is None


async def test_whom_an_issuer_called_so_before_keeps_their_id_and_since_when(store: Store) -> None:
    await store.remember(a_person(since_ms=T0))
    newer = [a_person("Marie", 11, id=f"u:{n}", since_ms=T0 + n) for n in range(2, 8)]
    tries = await asyncio.gather(*map(store.remember, newer))
    assert {person.id for person in tries} == {"u:1"}
    assert await store.person("news", "iss", "1") == a_person("Marie", 11, since_ms=T0)
    other = a_person(id="u:2", issuer="other")
    assert await store.remember(other) == other


async def test_a_name_is_registered_on_its_site_and_so_is_what_looks_like_it(store: Store) -> None:
    await store.remember(a_person("Mara Lind"))
    for name in ("Mara Lind", "MARA LIND", "M\u0430ra L1nd"):
        assert await store.is_registered("news", name)
    assert not await store.is_registered("default", "Mara Lind")
    assert not await store.is_registered("news", "Mara")
    await store.remember(a_person("Marie", 11))
    assert not await store.is_registered("news", "Mara Lind")


async def test_another_role_is_news_and_another_name_is_not(store: Store) -> None:
    versions = [await store.standing_version()]
    for said in (
        a_person(issued_s=1),
        a_person(issued_s=2, role=Role.MODERATOR),
        a_person("Marie", 3, role=Role.MODERATOR),
        a_person(issued_s=2),  # older
        a_person(issued_s=4),
    ):
        await store.remember(said)
        versions.append(await store.standing_version())
        spoken = (await store.standing()).spoken.get(("news", "u:1"))
        assert spoken is (Role.MODERATOR if 2 <= len(versions) - 1 <= 4 else None)
    assert [b > a for a, b in itertools.pairwise(versions)] == [False, True, False, False, True]


async def test_ones_own_name_is_no_other_persons(store: Store) -> None:
    await store.remember(a_person("Mara"))
    assert not await store.is_registered("news", "Mara", but_for="u:1")
    assert await store.is_registered("news", "Mara", but_for="u:2")


async def test_a_link_is_used_once_however_many_try(store: Store, reopen: Reopen) -> None:
    kept = Link("d1", "news", "mara@mail.example", T0)
    await store.add_link(kept)
    store = await reopen()
    assert await store.link("d1") == kept
    assert await store.link("d2") is None
    tries = await asyncio.gather(*(store.take_link("d1") for _ in range(20)))
    assert tries.count(True) == 1
    assert await store.link("d1") is None


async def test_links_go_when_their_time_is_over(store: Store, reopen: Reopen) -> None:
    for digest, expires_ms in (("d1", T0), ("d2", T0 + 1)):
        await store.add_link(Link(digest, "news", "mara@mail.example", expires_ms))
    await store.forget_links(T0)
    store = await reopen()
    assert await store.link("d1") is None
    assert await store.link("d2") is not None


async def test_a_new_store_says_nothing_of_sites(store: Store) -> None:
    said = await store.standing()
    assert said.version == await store.standing_version()
    assert (dict(said.sites), dict(said.roles), dict(said.bans)) == ({}, {}, {})


# ── bots ──


def a_bot(name: str = "News", id: str = "0a1b2c3d") -> BotToken:
    return BotToken(id, name, "d" * 64, frozenset({"read", "post"}), "news/*", T0)


async def test_a_bot_is_kept(reopen: Reopen) -> None:
    store = await reopen()
    await store.add_bot(a_bot())
    store = await reopen()
    assert await store.bot("0a1b2c3d") == a_bot()
    assert list(await store.bots()) == [a_bot()]
    assert await store.bot("ffffffff") is None


async def test_two_bots_of_one_name_are_a_conflict(store: Store) -> None:
    await store.add_bot(a_bot())
    with pytest.raises(Conflict):
        await store.add_bot(a_bot(id="99999999"))
    await store.add_bot(a_bot(name="Other", id="99999999"))
    assert [bot.name for bot in await store.bots()] == ["News", "Other"]


async def test_a_bot_is_revoked_by_name(reopen: Reopen) -> None:
    store = await reopen()
    await store.add_bot(a_bot())
    assert await store.revoke_bot("News")
    assert not await store.revoke_bot("Olds")
    store = await reopen()
    assert await store.bot("0a1b2c3d") == replace(a_bot(), is_revoked=True)


async def test_it_answers(store: Store) -> None:
    await store.ping()


async def test_refusals_are_typed(store: Store) -> None:
    outcomes = await store.commit(
        [delete(1), edit(1, "x"), react(1), report(1), moderate(1, "pin")]
    )
    assert all(isinstance(outcome, LivethreadError) for outcome in outcomes)
    assert {outcome.field for outcome in outcomes if isinstance(outcome, NotFound)} == {"comment"}


async def test_a_moderators_hidden_reply_target(store: Store) -> None:
    """Staff may answer below what the public has seen, though it is hidden now."""
    await only(store, post(), moderate(1, "hide"), post("why", parent=1, author=MOD))
    page = await store.page(PageRequest(A))
    assert [comment.id for comment in page.comments] == [1, 3]
