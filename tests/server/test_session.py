"""The rules of the protocol for one connection, without I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from livethread.auth.identity import Identity
from livethread.auth.limits import Rate, RateLimiter
from livethread.effects import (
    Close,
    Effect,
    Identify,
    ReadPage,
    Send,
    Submit,
    Subscribe,
    Unsubscribe,
    Writing,
)
from livethread.model import (
    Audience,
    Author,
    Comment,
    CommentId,
    CommentState,
    Committed,
    EditComment,
    Page,
    PostComment,
    Role,
    Room,
    RoomName,
)
from livethread.protocol.codec import decode_frame, encode
from livethread.protocol.cursor import Cursor
from livethread.protocol.errors import (
    Banned,
    CloseCode,
    LivethreadError,
    NotFound,
    Rejected,
    TokenExpired,
    Unauthorized,
    Unavailable,
)
from livethread.protocol.frames import Limits
from livethread.rules import SessionRules
from livethread.session import Phase, Session
from livethread.site import key_of

GUEST = Identity("g:1", "Mara", Role.GUEST)
MODERATOR = Identity("m:1", "Mod", Role.MODERATOR)
BOT = Identity("b:1", "News", Role.BOT, scopes=frozenset({"read", "post"}), rooms="news/*")
A = RoomName("a")
N = "nonce-01"


@dataclass
class Clock:
    s: float = 0.0
    ms: int = 1_795_358_416_123

    def advance(self, seconds: float) -> None:
        self.s += seconds
        self.ms += round(seconds * 1000)


class Table:
    """A session and the hands that feed it."""

    def __init__(self, *, has_origin: bool = True, **changed: Any) -> None:
        self.clock = Clock()

        def limiter(burst: int) -> RateLimiter:
            return RateLimiter(Rate(1, burst), lambda: self.clock.s)

        rules = SessionRules(
            limits=Limits(
                body_chars=100, name_chars=40, frame_bytes=1000, subscriptions=3, edit_window_s=60
            ),
            heartbeat_s=25,
            max_in_flight=4,
            page_roots=20,
            page_replies=10,
            page_bytes=50_000,
            reactions=frozenset({"like"}),
            negative_reactions=frozenset(),
            command_rate=Rate(10, 30),
            flood_commands=20,
            identity_posts=limiter(3),
            address_posts=limiter(5),
            bot_posts=limiter(2),
            address_guests=limiter(2),
            render=lambda body: None if "*" not in body else '["rich"]',
            clock=lambda: self.clock.s,
            clock_ms=lambda: self.clock.ms,
        )
        self.rules = replace(rules, **changed)
        self.session = self.another(has_origin=has_origin)

    def another(self, address: str = "192.0.2.1", *, has_origin: bool = True) -> Session:
        return Session("s1", self.rules, address, has_origin=has_origin)

    def send(self, type: str, **fields: Any) -> list[Effect]:
        return self.session.receive_text(json.dumps({"type": type, **fields}))

    def hello(self, identity: Identity | None = GUEST, **fields: Any) -> list[Effect]:
        """Say hello, as nobody or with a token that is good."""
        if identity is None:
            return self.send("hello", version=1)
        (effect,) = self.send("hello", version=1, token="t", **fields)
        assert isinstance(effect, Identify)
        return self.session.identified(identity, effect.command)

    def post(self, **fields: Any) -> list[Effect]:
        return self.send("post", **{"room": "a", "nonce": N, "body": "Hello"} | fields)


def opened(identity: Identity | None = GUEST, **changed: Any) -> Table:
    table = Table(**changed)
    table.hello(identity)
    return table


def frames(effects: Iterable[Effect]) -> list[dict[str, Any]]:
    """The frames sent, which must all be the protocol's."""
    found = []
    for effect in effects:
        assert isinstance(effect, Send), effect
        data = encode(effect.frame)
        assert decode_frame(data) is not None
        found.append(json.loads(data))
    return found


def error(effects: Iterable[Effect]) -> dict[str, Any]:
    (frame,) = frames(effects)
    assert frame["type"] == "error"
    return frame


def close_code(effects: list[Effect]) -> CloseCode:
    assert isinstance(effects[-1], Close)
    return effects[-1].code


def submitted(effects: list[Effect]) -> Submit:
    (effect,) = effects
    assert isinstance(effect, Submit)
    return effect


def a_comment(state: CommentState = CommentState.VISIBLE, author: str = "g:1") -> Comment:
    return Comment(
        id=CommentId(1),
        seq=1,
        parent=None,
        root=CommentId(1),
        author=Author(author, "Mara"),
        body="words",
        rich=None,
        created_ms=0,
        edited_ms=None,
        state=state,
        was_public=state is not CommentState.HELD,
        pinned=False,
        reactions=None,
    )


def done(comment: Comment | None, *, duplicate: bool = False) -> Committed:
    return Committed(Room(A, "k3", 1), 1, comment, None, duplicate)


# ── hello ──


def test_an_anonymous_hello_is_welcomed_at_once() -> None:
    (welcome,) = frames(Table().hello(None))
    assert welcome["type"] == "welcome"
    assert welcome["user"] == {"id": "", "name": "", "role": "anonymous"}
    assert welcome["heartbeat_s"] == 25
    assert welcome["limits"]["body_chars"] == 100
    assert "guest_token" not in welcome


def test_a_new_guest_gets_a_token_and_is_told_when_it_ends() -> None:
    table = Table()
    (effect,) = table.send("hello", version=1, guest={"name": "Mara"})
    assert isinstance(effect, Identify)
    identity = replace(GUEST, expires_ms=table.clock.ms + 1000)
    (welcome,) = frames(table.session.identified(identity, effect.command, "a.b.c"))
    assert welcome["guest_token"] == "a.b.c"
    assert welcome["expires"] == "2026-11-22T14:40:17.123Z"


def test_commands_may_be_pipelined_behind_hello_and_are_done_in_order() -> None:
    table = Table()
    (effect,) = table.send("hello", version=1, token="t")
    assert table.send("ping", t=1) == table.send("join", room="a") == []
    assert not table.session.is_idle()
    assert isinstance(effect, Identify)
    welcome, pong, subscribe = table.session.identified(GUEST, effect.command)
    assert [frame["type"] for frame in frames([welcome, pong])] == ["welcome", "pong"]
    assert isinstance(subscribe, Subscribe)


def test_only_so_many_commands_wait_behind_hello() -> None:
    table = Table()
    table.send("hello", version=1, token="t")
    for t in range(4):
        assert table.send("ping", t=t) == []
    assert table.session.is_full()
    assert error(table.send("join", room="a", ref="r"))["code"] == "too_large"


@pytest.mark.parametrize(
    "text", ['{"type":"ping"}', '{"type":"join","room":"a"}', "{", '{"type":"what"}', ""]
)
def test_whatever_comes_before_hello_ends_the_connection(text: str) -> None:
    table = Table()
    assert close_code(table.session.receive_text(text)) == CloseCode.NO_HELLO
    assert table.send("hello", version=1) == []


def test_hello_is_due_in_time_and_whoever_is_late_may_come_back() -> None:
    (close,) = Table().session.hello_overdue()
    assert isinstance(close, Close)
    assert (close.code, close.code.is_final) == (CloseCode.SILENT, False)
    for late in (opened(), Table()):
        late.send("hello", version=1, token="t")
        assert late.session.hello_overdue() == []


def test_another_version_is_refused_with_a_reason() -> None:
    effects = Table().send("hello", version=2)
    assert close_code(effects) == CloseCode.VERSION
    assert error(effects[:-1])["field"] == "version"


def test_a_second_hello_ends_the_connection_and_what_was_pipelined_behind_it() -> None:
    assert close_code(opened().send("hello", version=1)) == CloseCode.PROTOCOL_ERROR
    table = Table()
    (effect,) = table.send("hello", version=1, token="t")
    table.send("hello", version=1)
    table.post()
    assert isinstance(effect, Identify)
    effects = table.session.identified(GUEST, effect.command)
    assert close_code(effects) == CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Unauthorized(), CloseCode.BAD_TOKEN),
        (Rejected(field="guest.name"), CloseCode.BAD_TOKEN),
        (TokenExpired(), CloseCode.TOKEN_EXPIRED),
        (Unavailable(), CloseCode.OVERLOAD),
    ],
    ids=lambda value: getattr(value, "name", None) or type(value).__name__,
)
def test_a_hello_that_fails_says_why_and_whether_to_come_back(
    failure: LivethreadError, code: CloseCode
) -> None:
    table = Table()
    (effect,) = table.send("hello", version=1, token="t")
    table.post()
    assert isinstance(effect, Identify)
    effects = table.session.not_identified(failure, effect.command)
    assert error(effects[:-1])["code"] == failure.code
    assert close_code(effects) == code
    assert table.session.phase is Phase.CLOSED


def test_without_an_origin_only_bots_may_speak() -> None:
    assert close_code(Table(has_origin=False).hello(None)) == CloseCode.BAD_TOKEN
    assert close_code(Table(has_origin=False).hello(GUEST)) == CloseCode.BAD_TOKEN
    assert frames(Table(has_origin=False).hello(BOT))[0]["user"]["scopes"] == ["post", "read"]
    table = Table(has_origin=False)
    table.hello(BOT)
    (effect,) = table.send("renew")
    assert isinstance(effect, Identify)
    assert error(table.session.identified(GUEST, effect.command))["code"] == "unauthorized"
    assert table.session.identity is BOT


# ── who may what ──


@pytest.mark.parametrize(
    ("identity", "code"),
    [(None, "unauthorized"), (GUEST, None), (MODERATOR, None), (BOT, "forbidden")],
    ids=["anonymous", "guest", "moderator", "bot elsewhere"],
)
def test_posting_takes_a_name_or_a_scope(identity: Identity | None, code: str | None) -> None:
    effects = opened(identity).post(ref="r")
    if code is None:
        assert submitted(effects).ref == "r"
    else:
        assert (error(effects)["code"], error(effects)["ref"]) == (code, "r")


def test_a_bot_acts_only_in_its_rooms_and_scopes() -> None:
    table = opened(BOT)
    assert isinstance(table.send("join", room="news/1")[0], Subscribe)
    submitted(table.post(room="news/1"))
    for effects in (
        table.send("join", room="other"),
        table.send("page", room="other"),
        table.send("join", room="news/1", since="0"),
        table.send("moderate", room="news/1", nonce=N, comment=1, action="hide"),
    ):
        assert error(effects)["code"] == "forbidden"


@pytest.mark.parametrize(
    ("type", "fields"),
    [
        ("moderate", {"nonce": N, "comment": 1, "action": "hide"}),
        ("configure", {"nonce": N, "state": "closed"}),
    ],
)
def test_only_staff_moderates(type: str, fields: dict[str, Any]) -> None:
    assert error(opened(GUEST).send(type, room="a", **fields))["code"] == "forbidden"
    assert submitted(opened(MODERATOR).send(type, room="a", **fields)).write.is_staff


def test_staff_reads_as_staff_and_others_as_the_public() -> None:
    seers = replace(BOT, scopes=BOT.scopes | {"staff-feed"})
    for identity, audience in (
        (None, Audience.PUBLIC),
        (GUEST, Audience.PUBLIC),
        (BOT, Audience.PUBLIC),
        (seers, Audience.STAFF),
        (MODERATOR, Audience.STAFF),
    ):
        (effect,) = opened(identity).send("join", room="news/1")
        assert isinstance(effect, Subscribe)
        assert effect.page.audience is audience


def test_a_write_says_who_where_when_and_what() -> None:
    table = opened(MODERATOR)
    write = submitted(table.post(body=" *hi* ", parent=7)).write
    assert write.author == Author("m:1", "Mod", None, "staff")
    assert (write.room, write.nonce, write.now_ms) == ("a", N, table.clock.ms)
    assert write.wish == PostComment("*hi*", '["rich"]', CommentId(7))
    edited = submitted(table.send("edit", room="a", nonce=N, comment=3, body="x")).write.wish
    assert edited == EditComment(CommentId(3), "x", None, 60)


def test_the_same_content_has_the_same_fingerprint_whatever_its_ref() -> None:
    table = opened(MODERATOR)
    first = submitted(table.post(ref="1")).write
    second = submitted(table.post(ref="2", body="  Hello ", nonce="other-nonce")).write
    third = submitted(table.post(body="Hello!")).write
    assert first.fingerprint == second.fingerprint != third.fingerprint


# ── answers ──


def test_an_ack_carries_ref_room_seq_and_the_comment() -> None:
    table = opened()
    submit = submitted(table.post(ref="r"))
    assert not table.session.is_idle()
    (ack,) = frames(table.session.answered(submit.write, submit.ref, done(a_comment())))
    assert (ack["ref"], ack["room"], ack["seq"]) == ("r", "a", 1)
    assert ack["comment"]["body"] == "words"
    assert "duplicate" not in ack
    assert table.session.is_idle()


def test_a_repeated_write_is_marked() -> None:
    table = opened()
    submit = submitted(table.post())
    (ack,) = frames(table.session.answered(submit.write, None, done(None, duplicate=True)))
    assert ack == {"type": "ack", "room": "a", "seq": 1, "duplicate": True}


def test_an_author_reads_the_own_held_comment_in_the_ack_and_nobody_elses() -> None:
    table = opened()
    submit = submitted(table.post())
    held = a_comment(CommentState.HELD)
    (ack,) = frames(table.session.answered(submit.write, None, done(held)))
    assert (ack["comment"]["state"], ack["comment"]["body"]) == ("held", "words")
    for state in (CommentState.HELD, CommentState.HIDDEN):
        submit = submitted(table.post())
        other = a_comment(state, author="g:2")
        (ack,) = frames(table.session.answered(submit.write, None, done(other)))
        assert "words" not in json.dumps(ack)


def test_a_refused_write_answers_with_code_field_and_ref() -> None:
    table = opened()
    submit = submitted(table.post(ref="r"))
    answer = error(table.session.answered(submit.write, "r", NotFound(field="parent")))
    assert answer.items() >= {"ref": "r", "code": "not_found", "field": "parent"}.items()
    assert answer["retryable"] is False


def test_a_page_is_read_for_the_audience_and_answered_with_its_moment() -> None:
    table = opened()
    (effect,) = table.send("page", room="a", after="o5", limit=7, order="newest", ref="p")
    assert isinstance(effect, ReadPage)
    request = effect.request
    assert (request.after, request.limit, request.order) == ("o5", 7, "newest")
    assert request.audience is Audience.PUBLIC
    held = replace(a_comment(CommentState.HELD), id=CommentId(2))
    page = Page(Room(A, "k3", 9), (a_comment(), held), "n1", {1: "5"})
    (reply,) = frames(table.session.page_read(page, "p"))
    assert [comment["id"] for comment in reply["comments"]] == [1]
    assert (reply["ref"], reply["next"], reply["more"], reply["at"]) == ("p", "n1", {"1": "5"}, 9)
    table.send("page", room="a")
    assert error(table.session.failed("p", Unavailable()))["retryable"] is True
    assert table.session.is_idle()


# ── limits ──


def test_only_so_many_writes_may_be_unanswered() -> None:
    table = opened(MODERATOR)
    submits = [submitted(table.post(nonce=f"nonce-{i:02}")) for i in range(4)]
    assert table.session.is_full()
    assert error(table.post(ref="r"))["code"] == "too_large"
    table.session.answered(submits[0].write, None, done(None))
    submitted(table.post())


def test_writes_of_an_identity_are_limited_and_come_back_with_time() -> None:
    table = opened(max_in_flight=100)
    for _ in range(3):
        submitted(table.post())
    answer = error(table.post(ref="r"))
    assert (answer["code"], answer["retryable"], answer["ref"]) == ("rate_limited", True, "r")
    table.clock.advance(answer["retry_after_ms"] / 1000)
    submitted(table.post())
    assert error(table.post())["code"] == "rate_limited"


def test_an_identity_is_limited_over_all_its_connections_and_an_address_over_its_people() -> None:
    table = opened(max_in_flight=100)
    for _ in range(3):
        submitted(table.post())
    table.session = table.another("192.0.2.2")
    table.hello(GUEST)
    assert error(table.post())["code"] == "rate_limited"
    table.session = table.another()
    table.hello(replace(GUEST, id="g:2"))
    for _ in range(2):
        submitted(table.post())
    assert error(table.post())["code"] == "rate_limited", "five from one address"


def test_staff_has_no_limit_and_bots_have_their_own() -> None:
    table = opened(MODERATOR, max_in_flight=100)
    for _ in range(20):
        submitted(table.post())
    bot = opened(BOT)
    for _ in range(2):
        submitted(bot.post(room="news/1"))
    assert error(bot.post(room="news/1"))["code"] == "rate_limited"


def test_new_guests_of_an_address_are_limited() -> None:
    table = Table()
    for _ in range(2):
        table.session = table.another()
        assert isinstance(table.send("hello", version=1, guest={"name": "M"})[0], Identify)
    table.session = table.another()
    effects = table.send("hello", version=1, guest={"name": "M"})
    assert error(effects[:-1])["code"] == "rate_limited"
    assert close_code(effects) == CloseCode.OVERLOAD
    table.session = table.another("192.0.2.2")
    assert isinstance(table.send("hello", version=1, guest={"name": "M"})[0], Identify)


def test_too_many_commands_are_refused_and_a_flood_is_closed() -> None:
    table = opened()
    for _ in range(29):
        assert frames(table.send("ping"))[0]["type"] == "pong"
    for _ in range(20):
        answer = error(table.send("ping"))
        assert answer["code"] == "rate_limited"
        assert answer["retry_after_ms"] > 0
    assert close_code(table.send("ping")) == CloseCode.FLOOD
    assert table.send("ping") == []


def test_a_pause_forgives_refused_commands() -> None:
    table = opened()
    for _ in range(5):
        for _ in range(40):
            table.send("ping")
        table.clock.advance(5)
        assert frames(table.send("ping"))[0]["type"] == "pong"


def test_control_frames_count_as_commands_do() -> None:
    table = opened()
    effects: list[Effect] = []
    for _ in range(60):
        effects += table.session.receive_control()
    assert [close_code(effects)] == [CloseCode.FLOOD]


def test_unreadable_frames_are_answered_and_the_connection_lives() -> None:
    table = opened()
    for text, code in (
        ("{", "bad_json"),
        ("[]", "bad_json"),
        ('{"type":"nonsense","ref":"r"}', "unknown_type"),
        ('{"type":"join","room":1,"ref":"r"}', "bad_frame"),
        ('{"type":"ping","x":"' + "x" * 2000 + '"}', "too_large"),
    ):
        answer = error(table.session.receive_text(text))
        assert answer["code"] == code
        assert answer.get("ref") == ("r" if '"r"' in text else None)
    assert frames(table.send("ping", t=5)) == [{"type": "pong", "t": 5}]


def test_a_binary_frame_ends_the_connection() -> None:
    assert close_code(opened().session.receive_binary()) == CloseCode.PROTOCOL_ERROR


def test_a_body_over_the_sites_limit_is_too_large() -> None:
    table = opened()
    submitted(table.post(body="x" * 100))
    for effects in (
        table.post(body="x" * 101),
        table.send("edit", room="a", nonce=N, comment=1, body="x" * 101),
    ):
        assert (error(effects)["code"], error(effects)["field"]) == ("too_large", "body")


def test_only_offered_reactions_are_taken() -> None:
    table = opened()
    submitted(table.send("react", room="a", comment=1, reaction="like", on=True))
    answer = error(table.send("react", room="a", comment=1, reaction="love", on=True))
    assert (answer["code"], answer["field"]) == ("rejected", "reaction")


# ── rooms ──


def test_a_join_without_a_cursor_asks_for_a_first_page() -> None:
    (effect,) = opened().send("join", room="a", ref="j", limit=5, order="best")
    assert isinstance(effect, Subscribe)
    assert (effect.since, effect.is_replay, effect.ref) == (None, False, "j")
    assert (effect.page.limit, effect.page.order, effect.page.replies) == (5, "best", 10)


def test_a_join_with_a_cursor_resumes() -> None:
    (effect,) = opened().send("join", room="a", since="k3.17")
    assert isinstance(effect, Subscribe)
    assert effect.since == Cursor("k3", 17)


@pytest.mark.parametrize("since", ["17", "k3.", ".17", "k3.017", "K3.1", "k3.-1", "k3.1.1", "x"])
def test_a_malformed_cursor_is_a_bad_frame(since: str) -> None:
    answer = error(opened().send("join", room="a", since=since, ref="j"))
    assert (answer["code"], answer["field"], answer["ref"]) == ("bad_frame", "since", "j")


def test_the_whole_feed_is_for_those_who_may_replay() -> None:
    assert error(opened().send("join", room="a", since="0"))["code"] == "forbidden"
    replaying = replace(BOT, scopes=BOT.scopes | {"replay"})
    for identity in (MODERATOR, replaying):
        (effect,) = opened(identity).send("join", room="news/1", since="0")
        assert isinstance(effect, Subscribe)
        assert effect.is_replay


def test_only_so_many_rooms_are_followed_but_rejoining_is_free() -> None:
    table = opened()
    for room in ("a", "b", "c", "a"):
        assert isinstance(table.send("join", room=room)[0], Subscribe)
    answer = error(table.send("join", room="d"))
    assert (answer["code"], answer["field"]) == ("too_large", "room")
    effects = table.send("leave", room="a", ref="l")
    assert effects[0] == Unsubscribe(A)
    assert frames(effects[1:]) == [{"type": "left", "ref": "l", "room": "a"}]
    assert not table.session.follows(A)
    assert isinstance(table.send("join", room="d")[0], Subscribe)


def test_who_writes_is_told_of_where_it_follows_and_nowhere_else() -> None:
    table = opened(None)
    assert table.send("writing", room="a", on=True) == []
    table.send("join", room="a")
    assert table.send("writing", room="a", on=True) == [Writing(A, on=True)]
    assert table.send("writing", room="a", on=False) == [Writing(A, on=False)]
    table.send("leave", room="a")
    assert table.send("writing", room="a", on=True) == []


def test_a_join_that_fails_leaves_no_subscription_behind() -> None:
    """Not even an older one: the client counts on what it is told."""
    table = opened()
    table.send("join", room="a")
    effects = table.session.not_joined(A, "j", Unavailable())
    assert effects[0] == Unsubscribe(A)
    assert error(effects[1:])["retryable"] is True
    assert not table.session.follows(A)


def test_a_lost_place_is_told_with_a_reset() -> None:
    table = opened()
    table.send("join", room="a")
    assert frames(table.session.lost_place(A)) == [
        {"type": "reset", "room": "a", "reason": "too_far"}
    ]
    assert not table.session.follows(A)


# ── what operators say meanwhile ──


def test_a_ban_and_a_revoked_token_end_the_session() -> None:
    for error, code in (
        (Banned(), CloseCode.BANNED),
        (Unauthorized(), CloseCode.BAD_TOKEN),
    ):
        table = opened()
        told, close = table.session.reviewed(error)
        assert frames([told])[0]["code"] == error.code
        assert isinstance(close, Close)
        assert close.code is code
        assert table.post() == []


def test_one_who_is_banned_is_told_so_at_the_hello() -> None:
    table = Table()
    (effect,) = table.send("hello", version=1, token="t")
    assert isinstance(effect, Identify)
    _, close = table.session.not_identified(Banned(), effect.command)
    assert isinstance(close, Close)
    assert close.code is CloseCode.BANNED


def test_a_role_taken_away_takes_away_what_only_staff_sees() -> None:
    table = opened(MODERATOR)
    table.send("join", room="a")
    effects = table.session.reviewed(replace(MODERATOR, role=Role.READER))
    welcome, leave, reset = effects
    assert frames([welcome])[0]["user"]["role"] == "reader"
    assert leave == Unsubscribe(A)
    assert frames([reset]) == [{"type": "reset", "room": "a", "reason": "identity"}]
    (refused,) = frames(table.send("moderate", room="a", nonce=N, comment=1, action="hide"))
    assert refused["code"] == "forbidden"


def test_who_stands_as_before_hears_nothing() -> None:
    table = opened()
    assert table.session.reviewed(table.session.identity) == []


def test_a_ban_counts_while_a_renewal_is_looked_at() -> None:
    table = opened()
    table.send("renew", token="t")
    _, close = table.session.reviewed(Banned())
    assert isinstance(close, Close)


def test_rooms_are_those_of_the_identitys_site() -> None:
    table = opened(replace(GUEST, site="news"))
    (effect,) = table.post()
    assert isinstance(effect, Submit)
    assert effect.write.room == key_of("news", "a") != A
    (effect,) = table.send("join", room="a")
    assert isinstance(effect, Subscribe)
    assert effect.room == key_of("news", "a")


def test_renewing_on_another_site_ends_what_was_followed() -> None:
    table = opened()
    table.send("join", room="a")
    (effect,) = table.send("renew", token="t")
    assert isinstance(effect, Identify)
    _, leave, _ = table.session.identified(replace(GUEST, site="news"), effect.command)
    assert leave == Unsubscribe(A)


# ── renewing and expiry ──


def renewed(table: Table, identity: Identity, **fields: Any) -> list[Effect]:
    (effect,) = table.send("renew", ref="r", **fields)
    assert isinstance(effect, Identify)
    return table.session.identified(identity, effect.command)


def test_renewing_welcomes_the_new_identity_in_the_same_session() -> None:
    table = opened()
    table.send("join", room="a")
    (welcome,) = frames(renewed(table, replace(GUEST, name="Marie"), token="t"))
    assert (welcome["ref"], welcome["session"], welcome["user"]["name"]) == ("r", "s1", "Marie")
    assert table.session.follows(A)


def test_commands_wait_for_a_renewal_and_are_done_as_the_new_identity() -> None:
    table = opened()
    (effect,) = table.send("renew", token="t")
    assert table.post() == []
    assert isinstance(effect, Identify)
    _, submit = table.session.identified(replace(GUEST, id="g:9"), effect.command)
    assert isinstance(submit, Submit)
    assert submit.write.author.id == "g:9"


def test_a_renewal_that_fails_leaves_things_as_they_were() -> None:
    table = opened()
    (effect,) = table.send("renew", token="t", ref="r")
    assert table.send("ping") == []
    assert isinstance(effect, Identify)
    refused, pong = frames(table.session.not_identified(Unauthorized(), effect.command))
    assert (refused["code"], refused["ref"], pong["type"]) == ("unauthorized", "r", "pong")
    assert table.session.identity is GUEST


def test_an_identity_with_another_view_loses_the_rooms_it_followed() -> None:
    table = opened(MODERATOR)
    table.send("join", room="a")
    welcome, unsubscribe, reset = renewed(table, GUEST, token="t")
    assert unsubscribe == Unsubscribe(A)
    assert frames([welcome, reset])[1]["reason"] == "identity"
    narrow = opened(BOT)
    narrow.send("join", room="news/1")
    assert len(renewed(narrow, replace(BOT, rooms="sport/*"), token="t")) == 3


def test_an_expired_identity_is_closed_to_come_back() -> None:
    table = Table()
    table.hello(replace(GUEST, expires_ms=table.clock.ms + 2000))
    assert table.session.expire() == []
    table.clock.advance(2)
    effects = table.session.expire()
    assert error(effects[:-1])["code"] == "token_expired"
    assert close_code(effects) == CloseCode.TOKEN_EXPIRED
    assert opened().session.expire() == []


def test_a_token_that_ends_during_a_failing_renewal_ends_the_session() -> None:
    table = Table()
    table.hello(replace(GUEST, expires_ms=table.clock.ms + 1000))
    (effect,) = table.send("renew", token="t")
    table.clock.advance(1)
    assert table.session.expire() == []
    assert isinstance(effect, Identify)
    effects = table.session.not_identified(Unauthorized(), effect.command)
    assert close_code(effects) == CloseCode.TOKEN_EXPIRED


def test_a_closed_session_does_nothing_more() -> None:
    table = Table()
    (effect,) = table.send("hello", version=1, token="t")
    table.session.receive_binary()
    assert isinstance(effect, Identify)
    assert table.session.identified(GUEST, effect.command) == []
    assert table.session.not_identified(Unauthorized(), effect.command) == []
    assert table.send("ping") == []
    assert table.session.receive(effect.command) == []
