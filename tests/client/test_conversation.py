"""Whatever the network does, the consumer's state becomes the room's and each post is one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic_core import from_json

from livethread.protocol.commands import Page, Post
from livethread.protocol.errors import BadFrame, Forbidden
from livethread.protocol.frames import Ack, Change
from livethread_client.conversation import (
    Advanced,
    Answered,
    Conversation,
    Event,
    NotJoined,
    NotWelcome,
    checked,
)
from livethread_client.following import Following, Snapshot
from tests.client.reference import ReferenceServer, encoded


class Consumer:
    """Keeps what it is told, the way an application does."""

    def __init__(self) -> None:
        self.bodies: dict[int, tuple[int, str | None]] = {}
        self.snapshots: list[Snapshot] = []
        self.epoch = ""
        self.seq = 0

    def take(self, event: Advanced) -> None:
        for step in event.steps:
            if isinstance(step.item, Snapshot):
                self.snapshots.append(step.item)
                self.bodies = {c.id: (c.seq, c.body) for c in step.item.comments}
            elif isinstance(step.item, Change):
                change = step.item
                assert change.comment is not None
                assert change.seq > self.seq, "out of order, or seen before"
                self.bodies[change.comment.id] = (change.seq, change.comment.body)
            else:
                assert step.cursor.seq >= self.seq
            self.epoch, self.seq = step.cursor


class Machine(RuleBasedStateMachine):
    """A client, a reference server, and a network that loses, repeats and cuts."""

    @initialize(may_replay=st.booleans(), since_zero=st.booleans())
    def begin(self, may_replay: bool, since_zero: bool) -> None:
        self.server = ReferenceServer()
        self.replays = may_replay and since_zero
        if may_replay:
            self.server.scopes.append("replay")
        self.may_replay = may_replay
        self.client = Conversation("ltb_x", None, "test")
        self.following = Following("r", "0" if self.replays else None)
        self.client.follow(self.following)
        self.consumer = Consumer()
        self.posted: dict[str, str] = {}
        self.acked: dict[str, int] = {}

    @rule(bodies=st.integers(1, 4))
    def others_post(self, bodies: int) -> None:
        for n in range(bodies):
            self.server.post(f"post {n}")

    @precondition(lambda self: self.server.comments)
    @rule(data=st.data())
    def others_edit(self, data: Any) -> None:
        self.server.edit(data.draw(st.sampled_from(sorted(self.server.comments))), "edited")

    @precondition(lambda self: self.server.comments)
    @rule(data=st.data())
    def others_delete(self, data: Any) -> None:
        self.server.delete(data.draw(st.sampled_from(sorted(self.server.comments))))

    @rule(at_most=st.none() | st.integers(1, 3))
    def server_flushes(self, at_most: int | None) -> None:
        self.server.flush(at_most=at_most)

    @rule(what=st.sampled_from(["cut", "reset", "replace", "sleep", "wake"]))
    def trouble(self, what: str) -> None:
        match what:
            case "cut":
                self.cut()
            case "reset":
                self.server.reset()
            case "replace":  # a restore, while the server is down
                self.cut()
                self.server.replace_history()
            case "sleep":
                self.following.park()
            case "wake" if self.following.is_parked:
                self.client.rejoin("r")
                self.exchange()

    @precondition(lambda self: not self.server.is_connected)
    @rule()
    def connects(self) -> None:
        self.server.connect()
        self.client.opened()
        self.exchange()

    def cut(self) -> None:
        if self.server.is_connected:
            self.client.lost()
            self.server.cut()

    @rule(frames=st.integers(1, 5))
    def network_delivers(self, frames: int) -> None:
        for _ in range(frames):
            self.deliver()

    @rule(at_most=st.none() | st.integers(1, 3))
    def everything_arrives(self, at_most: int | None) -> None:
        self.server.flush(at_most=at_most)
        self.settle(at_most)

    @precondition(lambda self: self.following.is_joined)
    @rule(fate=st.sampled_from(["lost", "repeated", "swapped"]))
    def a_frame_is(self, fate: str) -> None:
        """What TCP never does, but a proxy or a bug in the server might."""
        frames = []
        for body in ("first", "second"):
            self.server.post(body)
            self.server.flush()
            if self.server.sent is not None:
                frames.append(self.server.wire.pop())
        if fate == "lost":
            del frames[:1]
        elif fate == "repeated":
            frames += frames
        else:
            frames.reverse()
        self.server.wire += frames

    @rule(body=st.sampled_from(["a", "b"]))
    def client_posts(self, body: str) -> None:
        nonce = f"nonce-{len(self.posted):03}"
        post = checked(Post, room="r", nonce=nonce, body=body)
        self.posted[self.client.ask(post)] = nonce
        self.exchange()

    @invariant()
    def replaying_misses_nothing(self) -> None:
        if hasattr(self, "consumer") and self.may_replay:
            reasons = {snapshot.reason for snapshot in self.consumer.snapshots}
            assert "behind" not in reasons

    @invariant()
    def whoever_is_at_the_head_knows_the_count(self) -> None:
        cursor = self.following.cursor if hasattr(self, "following") else None
        if cursor is not None and cursor == (self.server.epoch, self.server.seq):
            assert self.following.info is not None
            assert self.following.info.comments == self.server.count

    def teardown(self) -> None:
        """Whatever happened: once connected and awake, the state is the room's."""
        if not hasattr(self, "server"):
            return
        self.cut()
        if self.following.is_parked:
            self.client.rejoin("r")
        self.connects()
        self.settle()
        assert self.consumer.bodies == self.server.comments
        assert (self.consumer.epoch, self.consumer.seq) == (self.server.epoch, self.server.seq)
        assert self.acked.keys() == self.posted.keys()
        assert not self.client.is_waiting

    def settle(self, at_most: int | None = None) -> None:
        """Deliver everything, and what it leads to."""
        for _ in range(1000):
            if not self.server.wire:
                return
            self.deliver()
            self.server.flush(at_most=at_most)
        raise AssertionError("client and server never come to rest")

    def deliver(self) -> None:
        if self.server.wire:
            for event in self.client.receive_text(encoded(self.server.wire.pop(0))):
                self.handle(event)
            self.exchange()

    def handle(self, event: Event) -> None:
        match event:
            case Advanced():
                self.consumer.take(event)
            case Answered(ref=ref, answer=Ack(seq=seq)):
                assert ref not in self.acked, "answered twice"
                self.acked[ref] = seq
            case Answered() | NotJoined() | NotWelcome():
                raise AssertionError(event)

    def exchange(self) -> None:
        """Everything the client wants to say reaches the server."""
        for data in self.client.data_to_send():
            if self.server.is_connected:
                self.server.receive(data)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)


# ── single rules ──


def sent(client: Conversation) -> list[dict[str, Any]]:
    return [from_json(data) for data in client.data_to_send()]


def welcome(server: ReferenceServer, **fields: object) -> bytes:
    server.connect()
    server.receive(b'{"type":"hello"}')
    return encoded(server.wire.pop() | fields)


def opened(token: str | None = "ltb_x", guest: str | None = None) -> Conversation:
    client = Conversation(token, guest, "test")
    client.opened()
    client.data_to_send()
    client.receive_text(welcome(ReferenceServer()))
    return client


def test_nothing_but_hello_is_sent_before_welcome() -> None:
    client = Conversation(None, "Ann", "test")
    client.follow(Following("r"))
    client.ask(checked(Post, room="r", nonce="nonce-001", body="Hello"))
    client.opened()
    hello, *others = sent(client)
    assert hello == {"type": "hello", "version": 1, "guest": {"name": "Ann"}, "client": "test"}
    assert not others
    client.receive_text(welcome(ReferenceServer()))
    assert [command["type"] for command in sent(client)] == ["join", "post"]


def test_a_question_is_asked_again_with_its_nonce_until_it_is_answered() -> None:
    client = opened()
    ref = client.ask(checked(Post, room="r", nonce="nonce-001", body="Hello"))
    [first] = sent(client)
    client.lost()
    client.opened()
    client.data_to_send()
    client.receive_text(welcome(ReferenceServer()))
    assert sent(client) == [first]
    client.receive_text(encoded({"type": "ack", "ref": ref, "room": "r", "seq": 1}))
    client.lost()
    client.opened()
    assert len(sent(client)) == 1  # the hello
    assert not client.is_waiting


def test_a_question_nobody_waits_for_is_not_asked_again() -> None:
    client = opened()
    client.forget(client.ask(checked(Page, room="r")))
    client.lost()
    client.opened()
    client.data_to_send()
    client.receive_text(welcome(ReferenceServer()))
    assert sent(client) == []


def test_a_guest_comes_back_with_the_token_it_was_given() -> None:
    client = Conversation(None, "Ann", "test")
    client.opened()
    client.receive_text(welcome(ReferenceServer(), guest_token="secret"))
    client.lost()
    client.opened()
    hello = sent(client)[-1]
    assert hello["token"] == "secret"
    assert "guest" not in hello


def test_a_guest_whose_token_has_expired_becomes_a_new_guest() -> None:
    client = Conversation("old", "Ann", "test")
    client.opened()
    error = {"code": "token_expired", "message": "Expired.", "retryable": False}
    assert client.receive_text(encoded({"type": "error", **error})) == []
    client.lost()
    client.opened()
    assert sent(client)[-1]["guest"] == {"name": "Ann"}


def test_a_refused_hello_is_told() -> None:
    client = Conversation("bad", None, "test")
    client.opened()
    error = {"code": "unauthorized", "message": "No.", "retryable": False}
    [event] = client.receive_text(encoded({"type": "error", **error}))
    assert isinstance(event, NotWelcome)
    assert event.error.code == "unauthorized"


def test_a_refused_join_is_told_with_its_room() -> None:
    client = opened()
    client.follow(Following("r"))
    [join] = sent(client)
    error = {"code": "forbidden", "message": "No.", "retryable": False, "ref": join["ref"]}
    [event] = client.receive_text(encoded({"type": "error", **error}))
    assert isinstance(event, NotJoined)
    assert event.room == "r"
    assert isinstance(event.error, Forbidden)


def test_frames_of_a_newer_server_are_ignored() -> None:
    client = opened()
    assert client.receive_text(b'{"type":"confetti","colour":"red"}') == []
    assert client.receive_text(b'{"type":"pong","t":1,"new":true}') == []


def test_a_heartbeat_is_answered_with_a_ping() -> None:
    client = opened()
    client.receive_text(b'{"type":"heartbeat","t":1}')
    assert sent(client) == [{"type": "ping"}]


def test_that_somebody_writes_is_told_once_and_to_nobody_while_there_is_no_connection() -> None:
    client = opened()
    client.tell_writing("r", on=True)
    assert sent(client) == [{"type": "writing", "room": "r", "on": True}]
    client.lost()
    client.tell_writing("r", on=True)
    client.opened()
    client.tell_writing("r", on=True)
    client.receive_text(welcome(ReferenceServer()))
    assert [command["type"] for command in sent(client)] == ["hello"]


def test_changes_out_of_order_are_refused() -> None:
    server, client = ReferenceServer(), opened()
    client.follow(Following("r"))
    server.receive(client.data_to_send()[0])
    client.receive_text(encoded(server.wire.pop()))
    server.post("a")
    server.post("b")
    server.flush()
    [frame] = server.wire
    frame["changes"].reverse()
    with pytest.raises(BadFrame):
        client.receive_text(encoded(frame))


@pytest.mark.parametrize("since", ["", "1", "e1", "e1.-1", "e1.01", "E1.1"])
def test_a_cursor_that_is_none_is_refused(since: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        Following("r", since)
