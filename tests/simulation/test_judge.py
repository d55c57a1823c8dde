"""The judge finds each kind of fault that is planted in a good history, and names it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulation.history import Event, History
from tests.simulation.judge import faults_of
from tests.simulation.world import Fate, World

Match = Callable[[Event], bool]


class Absent(Exception):
    """The history has nothing in which this fault could be planted."""


class Good:
    """Good histories, each short and with a little of everything, as many as are needed."""

    def __init__(self) -> None:
        self._pickled: list[bytes] = []

    def take(self, number: int) -> History:
        while len(self._pickled) <= number:
            history = World(f"good-{len(self._pickled)}", QUIET).run()
            assert faults_of(history) == []
            self._pickled.append(pickle.dumps(history.events))  # much quicker than deep copies
        return History(lambda: 0.0, pickle.loads(self._pickled[number]))


QUIET = Fate(
    chaos_s=5,
    crashes_s=8,
    drains_s=6,
    cuts_s=2,
    darkness_s=0,
    freezes_s=2,
    clock_steps_s=5,
    client_crashes_s=5,
    moods_s=3,
    weathers_s=0,
)


@pytest.fixture(scope="module")
def good() -> Good:
    return Good()


def place(history: History, kind: str, match: Match = lambda _: True, start: int = 0) -> int:
    """Where the first such event stands."""
    for index in range(start, len(history.events)):
        if history.events[index].kind == kind and match(history.events[index]):
            return index
    raise Absent(kind)


def is_frame(type: str, **has: Any) -> Match:
    def match(event: Event) -> bool:
        what = event.what
        return what["type"] == type and all(what.get(k) == v for k, v in has.items())

    return match


def is_changes(at_least: int = 1) -> Match:
    return lambda e: e.what["type"] == "changes" and len(e.what["changes"]) >= at_least


def sent_changes(history: History) -> int:
    """A frame of changes with another one after it, in the same stream."""
    for index, event in enumerate(history.events):
        if event.kind == "sent" and is_changes()(event):
            frame = event.what
            if next_of(history, index) and frame["changes"][0].get("comment", {}).get("body"):
                return index
    raise Absent


def next_of(history: History, index: int) -> int:
    """The next frame of changes of the same stream; 0 if another ``joined`` comes before it."""
    kind, who, what = history.events[index][1:]
    room = what["room"] if what["type"] == "changes" else what["room"]["name"]
    for later in range(index + 1, len(history.events)):
        event = history.events[later]
        if (event.kind, event.who) == (kind, who):
            if event.what["type"] == "joined" and event.what["room"]["name"] == room:
                return 0
            if event.what["type"] == "changes" and event.what["room"] == room:
                return later
    return 0


def change_of(history: History, index: int) -> dict[str, Any]:
    found: dict[str, Any] = history.events[index].what["changes"][0]["comment"]
    return found


def final(history: History, who: str = "public") -> Any:
    index = place(history, "final", lambda e: e.who == who and len(e.what["comments"]) > 2)
    return history.events[index].what


# ── what the server sends ──


def drop_a_frame(history: History) -> None:
    del history.events[sent_changes(history)]


def repeat_a_frame(history: History) -> None:
    index = sent_changes(history)
    history.events.insert(index, history.events[index])


def swap_two_frames(history: History) -> None:
    events, index = history.events, sent_changes(history)
    later = next_of(history, index)
    events[index], events[later] = events[later], events[index]


def reorder_within_a_frame(history: History) -> None:
    history.events[place(history, "sent", is_changes(2))].what["changes"].reverse()


def leave_a_change_out(history: History) -> None:
    index = place(history, "sent", is_changes(2))
    while not any(fault.startswith("skipped") for fault in faults_of(history)):
        history.events[index].what["changes"].pop()  # the others had been changed again
        index = place(history, "sent", is_changes(2), index + 1)


def empty_a_range(history: History) -> None:
    frame = history.events[sent_changes(history)].what
    frame["to"] = frame["from"]


def alter_a_change(history: History) -> None:
    change_of(history, sent_changes(history))["body"] = "another word"


def invent_a_change(history: History) -> None:
    frame = history.events[sent_changes(history)].what
    frame["changes"][0]["seq"] = frame["to"] = 100_000


def send_before_the_commit(history: History) -> None:
    index = sent_changes(history)
    history.events.insert(0, history.events.pop(index))


def send_after_leaving(history: History) -> None:
    left = place(history, "sent", is_frame("left"))
    event = history.events[left]
    frame = {"type": "changes", "room": event.what["room"], "from": 0, "to": 1, "changes": []}
    history.events.insert(left + 1, event._replace(what=frame))


def leak(history: History) -> None:
    """What a removed comment said is sent once more, after the moderator had been told."""
    acked = place(
        history,
        "sent",
        lambda e: e.what["type"] == "ack" and e.what.get("comment", {}).get("state") == "removed",
    )
    id = history.events[acked].what["comment"]["id"]
    room = history.events[acked].what["room"]

    def shows_it(event: Event) -> bool:
        changes = event.what["changes"] if is_changes()(event) else []
        shown = [c["comment"]["id"] for c in changes if c.get("comment", {}).get("body")]
        return id in shown and event.what["room"] == room

    shown = history.events[place(history, "sent", shows_it)]
    history.events.insert(acked + 1, shown)


def show_what_is_held(history: History) -> None:
    """A comment that waits for a moderator, in a public frame."""
    held = place(
        history,
        "sent",
        lambda e: (
            is_changes()(e) and e.what["changes"][0].get("comment", {}).get("state") == "held"
        ),
    )
    frame = history.events[held].what
    public = place(
        history,
        "sent",
        lambda e: (
            is_changes(0)(e)
            and not e.who.startswith("mod")
            and e.what["room"] == frame["room"]
            and e.what["from"] < frame["changes"][0]["seq"] <= e.what["to"]
        ),
    )
    history.events[public].what["changes"] = [frame["changes"][0]]


def resume_elsewhere(history: History) -> None:
    index = place(
        history,
        "sent",
        lambda e: is_frame("joined", mode="resume")(e) and e.who.startswith("mara"),
    )
    frame = history.events[index].what
    epoch, _, seq = frame["cursor"].partition(".")
    frame["cursor"] = f"{epoch}.{int(seq) + 1}"


def snapshot(history: History) -> Any:
    index = place(
        history,
        "sent",
        lambda e: is_frame("joined", mode="snapshot")(e) and len(e.what["comments"]) > 2,
    )
    return history.events[index].what


def lose_of_a_snapshot(history: History) -> None:
    snapshot(history)["comments"].pop()


def say_that_a_snapshot_is_newer(history: History) -> None:
    """It is sent after the next comment, and with its seq."""
    for index, event in enumerate(history.events):
        if event.kind == "sent" and is_frame("joined", mode="snapshot")(event):
            later = next_of(history, index)
            change = history.events[later].what["changes"][:1] if later else []
            if change and change[0].get("comment", {}).get("id") == change[0]["seq"]:
                epoch, _, _ = event.what["cursor"].partition(".")
                event.what["cursor"] = f"{epoch}.{change[0]['seq']}"
                history.events.insert(later - 1, history.events.pop(index))
                return
    raise Absent


def age_a_comment_of_a_snapshot(history: History) -> None:
    snapshot(history)["comments"][0]["body"] = "an older word"


def invent_a_comment_of_a_snapshot(history: History) -> None:
    frame = snapshot(history)
    frame["comments"].append({**frame["comments"][0], "id": 100_000})


def miscount_in_a_snapshot(history: History) -> None:
    snapshot(history)["room"]["comments"] += 1


def close_without_an_answer(history: History) -> None:
    asked = place(history, "received", lambda e: e.what["type"] == "post")
    event = history.events[asked]
    history.events.insert(asked + 1, event._replace(kind="closed", what=1012))


def send_away(history: History) -> None:
    first = history.events[place(history, "received")]
    history.events.append(first._replace(kind="closed", what=4506))


# ── what is acknowledged ──


def acked_post(history: History) -> int:
    return place(
        history,
        "sent",
        lambda e: e.what["type"] == "ack" and e.what.get("comment", {}).get("body"),
    )


def acknowledge_before_the_commit(history: History) -> None:
    acked = acked_post(history)
    history.events[acked].what["seq"] += 1_000
    ref, who = history.events[acked].what["ref"], history.events[acked].who
    received = place(history, "received", lambda e: e.who == who and e.what.get("ref") == ref)
    applied = place(history, "applied", start=received)
    history.events.insert(applied, history.events.pop(acked))


def acknowledge_as_another(history: History) -> None:
    history.events[acked_post(history)].what["seq"] += 1


def never_answer(history: History) -> None:
    del history.events[place(history, "answered")]


def answer_twice(history: History) -> None:
    index = place(history, "answered", lambda e: e.what.get("comment"))
    answer = history.events[index]
    history.events.insert(index, answer._replace(what={**answer.what, "seq": 7_777}))


def refuse_what_is_done(history: History) -> None:
    index = place(
        history,
        "answered",
        lambda e: e.what.get("comment") and e.who == "mara" and e.what["comment"] == e.what["seq"],
    )
    answer = history.events[index].what
    history.events[index] = history.events[index]._replace(
        what={"nonce": answer["nonce"], "room": answer["room"], "error": "internal"}
    )


# ── what is durable ──


def effect(history: History) -> int:
    return place(history, "applied", lambda e: e.what["change"] and e.what["nonce"])


def do_it_twice(history: History) -> None:
    index = effect(history)
    history.events.insert(index + 1, copy.deepcopy(history.events[index]))


def leave_a_hole(history: History) -> None:
    index = effect(history)
    room = history.events[index].what["room"]
    place(history, "applied", lambda e: e.what["change"] and e.what["room"] == room, index + 1)
    del history.events[index]


def answer_a_repeat_otherwise(history: History) -> None:
    index = place(history, "applied", lambda e: e.what["is_duplicate"])
    history.events[index].what["seq"] += 1


def lose_a_comment(history: History) -> None:
    final(history, "staff")["comments"].pop()


def lose_a_change(history: History) -> None:
    comment = next(c for c in final(history)["comments"] if "body" in c)
    comment["body"] = "as it was before"


def keep_a_comment_twice(history: History) -> None:
    comments = final(history)["comments"]
    comment = next(c for c in comments if "body" in c)
    comments.append({**comment, "id": 100_000})


def keep_what_nobody_wrote(history: History) -> None:
    comment = next(c for c in final(history)["comments"] if "body" in c)
    comment["body"] = "from nowhere"


def miscount_on_the_disk(history: History) -> None:
    final(history)["room"]["comments"] += 1


# ── what clients have ──


def took_change(history: History) -> int:
    return place(history, "took", lambda e: e.what["change"] and e.what["change"].get("comment"))


def consume_twice(history: History) -> None:
    index = took_change(history)
    history.events.insert(index, history.events[index])


def consume_too_little(history: History) -> None:
    index = 0
    while not any(fault.startswith("skipped") for fault in faults_of(history)):
        index = place(history, "took", lambda e: e.what["change"], index)
        del history.events[index]


def consume_another_history(history: History) -> None:
    what = history.events[took_change(history)].what
    what["cursor"] = "another." + what["cursor"].partition(".")[2]


def ended(history: History) -> Any:
    return history.events[
        place(history, "ended", lambda e: e.who == "reader" and len(e.what["comments"]) > 2)
    ].what


def hold_something_else(history: History) -> None:
    ended(history)["comments"][0]["state"] = "held"


def hold_too_little(history: History) -> None:
    ended(history)["comments"].pop()


def stay_behind(history: History) -> None:
    ended(history)["seq"] -= 1


def hear_with_a_gap(history: History) -> None:
    index = place(history, "heard", lambda e: is_changes()(e) and e.who.startswith("reader"))
    if not next_of(history, index):
        raise Absent
    del history.events[index]


def fail(history: History) -> None:
    history.note("failed", "mara", "Oops")


def complain(history: History) -> None:
    history.note("wrong", "server", "command_failed")


@pytest.mark.parametrize(
    ("plant", "name"),
    [
        (drop_a_frame, "gap"),
        (repeat_a_frame, "duplicate"),
        (swap_two_frames, "gap"),
        (swap_two_frames, "duplicate"),
        (reorder_within_a_frame, "reordered"),
        (leave_a_change_out, "skipped"),
        (empty_a_range, "empty range"),
        (alter_a_change, "two orders"),
        (invent_a_change, "phantom"),
        (send_before_the_commit, "before the commit"),
        (send_after_leaving, "not followed"),
        (leak, "leaked"),
        (show_what_is_held, "leaked"),
        (resume_elsewhere, "resumed elsewhere"),
        (lose_of_a_snapshot, "stale snapshot"),
        (say_that_a_snapshot_is_newer, "stale snapshot"),
        (age_a_comment_of_a_snapshot, "stale snapshot"),
        (invent_a_comment_of_a_snapshot, "phantom"),
        (miscount_in_a_snapshot, "wrong count"),
        (close_without_an_answer, "not drained"),
        (send_away, "sent away"),
        (acknowledge_before_the_commit, "acknowledged before the commit"),
        (acknowledge_as_another, "wrong answer"),
        (never_answer, "unanswered"),
        (answer_twice, "two answers"),
        (refuse_what_is_done, "refused, yet done"),
        (do_it_twice, "two effects"),
        (leave_a_hole, "hole"),
        (answer_a_repeat_otherwise, "two answers"),
        (lose_a_comment, "lost"),
        (lose_a_change, "lost"),
        (keep_a_comment_twice, "duplicate"),
        (keep_what_nobody_wrote, "phantom"),
        (miscount_on_the_disk, "wrong count"),
        (consume_twice, "duplicate"),
        (consume_too_little, "skipped"),
        (consume_another_history, "another history"),
        (hold_something_else, "wrong state"),
        (hold_too_little, "wrong state"),
        (stay_behind, "behind"),
        (hear_with_a_gap, "gap"),
        (fail, "failed"),
        (complain, "wrong"),
    ],
    ids=lambda value: value.__name__ if callable(value) else value.replace(" ", "_"),
)
def test_planted_fault_is_named(good: Good, plant: Callable[[History], None], name: str) -> None:
    for number in range(20):
        history = good.take(number)
        try:
            plant(history)
        except Absent:
            continue
        faults = faults_of(history)
        assert any(fault.startswith(f"{name}:") for fault in faults), faults[:10]
        return
    raise AssertionError("no history in which this could be planted")
