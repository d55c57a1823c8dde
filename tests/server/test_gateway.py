"""The timer alone: peers that only write down what they were told, and time that we pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from livethread.auth.identity import ANONYMOUS, Identity
from livethread.feed import Encoding, Kind
from livethread.gateway import FORGET_LINKS_S, Gateway, Services
from livethread.model import Role
from livethread.protocol import frames
from livethread.protocol.errors import Banned, Unavailable
from livethread.settings import Settings
from livethread.site import Link
from tests.server.readers import Sink, payload_of
from tests.server.town import MoodyStore, Server
from tests.server.virtual import VirtualLoop

GUEST = Identity("g:1", "Mara", Role.GUEST)


class Peer:
    """A connection that never hangs up by itself, whatever it is told."""

    def __init__(self, heard_at: float) -> None:
        self.heard_at = heard_at
        self.told: list[str] = []
        self.heartbeats: list[int] = []
        self.unsent = 0

    def write(self, data: bytes, /) -> None:
        frame = frames.Heartbeat.model_validate(payload_of(data))
        self.heartbeats.append(frame.t)

    def hello_overdue(self) -> None:
        self.told.append("hello_overdue")

    def went_silent(self) -> None:
        self.told.append("went_silent")

    def stalled(self) -> None:
        self.told.append("stalled")

    def expire(self) -> None:
        self.told.append("expire")

    def abort(self) -> None:
        self.told.append("abort")

    def unsent_bytes(self) -> int:
        return self.unsent

    def review(self) -> None:
        self.told.append("review")


@dataclass
class Rules:
    """The one rule the timer asks for."""

    clock_ms: Callable[[], int]


class Broken(Peer):
    """A bug: whatever is done to it fails."""

    def fail(self, *_: object) -> Any:
        raise ZeroDivisionError

    write = hello_overdue = went_silent = stalled = expire = abort = unsent_bytes = review = fail


class Scene:
    """A gateway with a tick of a second, ticked by hand."""

    def __init__(self, **changed: Any) -> None:
        self.loop = VirtualLoop()
        self.start_s = self.loop.time()
        self.server = Server(MoodyStore(), self.loop)
        times = {"hello_deadline_s": 5, "heartbeat_s": 20, "silence_s": 50, "stall_s": 15}
        self.settings = Settings(**({"presence_s": 5} | times | changed))
        services = Services(
            settings=self.settings,
            rules=cast(Any, Rules(lambda: round((self.loop.time() - self.start_s) * 1000))),
            store=self.server.store,
            hub=self.server.hub,
            writer=self.server.writer,
            joining=self.server.joining,
            authenticator=cast(Any, None),
            directory=cast(Any, None),
            proxies=cast(Any, None),
        )
        self.gateway = Gateway(services, self.loop)

    def enter(self) -> Peer:
        peer = Peer(self.loop.time())
        self.gateway.enter(peer)
        return peer

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.loop.now += 1
            self.gateway.tick()

    def follow(self, room: str = "a") -> Sink:
        feed = self.loop.run(self.server.joining.feed(cast(Any, room)))
        sink = Sink(self.server.hub)
        kind = Kind(False, Encoding.JSON)
        sink.subscribers.append(self.server.hub.subscribe(feed, sink, kind, 0))
        return sink


Make = Callable[..., Scene]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Scene] = []

    def make(**changed: Any) -> Scene:
        made.append(Scene(**changed))
        return made[-1]

    yield make
    for scene in made:
        scene.loop.finish()
        assert scene.loop.failures == []


@pytest.fixture
def scene(make: Make) -> Scene:
    return make()


# ── what operators say ──


class News:
    """A directory in which something is new from time to time."""

    def __init__(self) -> None:
        self.looks = 0
        self.erasures = 0
        self.is_new = False
        self.refused: set[str] = set()

    async def refresh(self) -> bool:
        self.looks += 1
        is_new, self.is_new = self.is_new, False
        return is_new

    def review(self, identity: Identity) -> Identity:
        if identity.id in self.refused:
            raise Banned
        return identity


def test_everyone_is_reviewed_within_a_second_of_news_and_only_then(make: Make) -> None:
    scene, news = make(), News()
    directed = replace(scene.gateway.services, directory=cast(Any, news))
    scene.gateway.services = directed
    peers = [scene.enter() for _ in range(3)]
    scene.gateway.start()
    scene.loop.advance(3.5)
    assert news.looks == 3
    assert [peer.told for peer in peers] == [[], [], []]
    news.is_new = True
    scene.loop.advance(1)
    assert [peer.told for peer in peers] == [["review"]] * 3
    scene.loop.advance(5)
    assert [peer.told.count("review") for peer in peers] == [1, 1, 1]
    scene.loop.run(scene.gateway.stop())


def test_a_look_that_fails_is_not_the_last(make: Make) -> None:
    scene, news = make(), News()
    scene.gateway.services = replace(scene.gateway.services, directory=cast(Any, news))
    peer = scene.enter()
    failures = [Unavailable(), ZeroDivisionError()]
    refresh = news.refresh

    async def failing() -> bool:
        if failures:
            raise failures.pop()
        return await refresh()

    news.refresh = failing  # type: ignore[method-assign]
    scene.gateway.start()
    news.is_new = True
    with capture_logs() as logs:
        scene.loop.advance(3.5)
    assert [entry["event"] for entry in logs] == ["timer_failed"]
    assert peer.told == ["review"]
    scene.loop.run(scene.gateway.stop())


def test_links_that_nobody_used_go_by_themselves_also_those_of_before_the_start(
    make: Make,
) -> None:
    scene = make()
    scene.gateway.services = replace(scene.gateway.services, directory=cast(Any, News()))
    store = scene.server.store
    for digest, expires_s in (("old", 0), ("new", 60), ("late", 3_600)):
        scene.loop.run(store.add_link(Link(digest, "a", "mara@mail.example", expires_s * 1000)))

    def left() -> list[str]:
        return [one for one in ("old", "new", "late") if scene.loop.run(store.link(one))]

    scene.gateway.start()
    scene.loop.advance(2)
    assert left() == ["new", "late"]
    scene.loop.advance(60 + FORGET_LINKS_S)
    assert left() == ["late"]
    scene.loop.run(scene.gateway.stop())


def test_a_stream_of_someone_who_stands_otherwise_ends(make: Make) -> None:
    scene, news = make(), News()
    scene.gateway.services = replace(scene.gateway.services, directory=cast(Any, news))
    banned = scene.gateway.open_stream("a", "192.0.2.1", GUEST)
    other = scene.gateway.open_stream("a", "192.0.2.1", ANONYMOUS)
    assert banned is not None
    assert other is not None
    news.refused = {GUEST.id}
    scene.gateway.review()
    assert banned.ended.done()
    assert not other.ended.done()


# ── failures ──


def test_a_bug_with_one_connection_is_logged_and_the_others_get_their_turn(scene: Scene) -> None:
    broken = Broken(scene.loop.time())
    scene.gateway.enter(broken)
    sound = scene.enter()
    scene.gateway.closing(broken, within_s=1)
    scene.gateway.closing(sound, within_s=1)
    scene.gateway.expires(broken, replace(GUEST, expires_ms=2_000))
    scene.gateway.expires(sound, replace(GUEST, expires_ms=2_000))
    with capture_logs() as logs:
        scene.pass_time(75)
    assert sound.told == ["abort", "expire", "hello_overdue", "went_silent"]
    assert sound.heartbeats
    assert {(line["event"], line["log_level"]) for line in logs} == {("timer_failed", "error")}
    assert all(line["exc_info"] for line in logs)


def test_whatever_fails_in_a_turn_the_timer_goes_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = scene.enter()
    stalled = Broken(scene.loop.time())
    scene.gateway.enter(stalled)
    monkeypatch.setattr(Broken, "unsent_bytes", Peer.unsent_bytes)
    scene.gateway.paused(stalled)
    monkeypatch.setattr(Broken, "unsent_bytes", Broken.fail)
    monkeypatch.setattr(scene.server.hub, "drop_idle", Broken.fail)
    scene.gateway.start()
    with capture_logs():
        scene.loop.advance(60)
    assert sound.told[-1] == "went_silent"
    scene.loop.run(scene.gateway.stop())


def test_refused_connections_are_counted_in_the_log_at_most_once_a_minute(scene: Scene) -> None:
    with capture_logs() as lines:
        scene.pass_time(5)
        for _ in range(100):
            scene.gateway.stats.foreign += 1
            scene.gateway.stats.refused += 2
            scene.pass_time(1)
        scene.pass_time(100)
    counts = [(line["foreign_origin"], line["over_a_bound"]) for line in lines]
    assert counts == [(1, 2), (60, 120), (39, 78)]
    assert {line["event"] for line in lines} == {"connections_refused"}


# ── deadlines ──


def test_a_hello_is_overdue_at_its_deadline_and_once(scene: Scene) -> None:
    first = scene.enter()
    scene.pass_time(2)
    second = scene.enter()
    scene.pass_time(2)
    assert first.told == second.told == []
    scene.pass_time(1)
    assert (first.told, second.told) == (["hello_overdue"], [])
    scene.pass_time(10)
    assert (first.told, second.told) == (["hello_overdue"], ["hello_overdue"])


def test_an_unanswered_close_is_cut_off_after_its_time(scene: Scene) -> None:
    short, long = Peer(0), Peer(0)
    scene.gateway.closing(short)
    scene.gateway.closing(long, within_s=4)
    scene.pass_time(1)
    assert short.told == []
    scene.pass_time(1)
    assert (short.told, long.told) == (["abort"], [])
    scene.pass_time(9)
    assert (short.told, long.told) == (["abort"], ["abort"])


# ── heartbeats and silence ──


def test_each_peer_gets_one_heartbeat_an_interval_whenever_it_came(scene: Scene) -> None:
    peers = []
    for _ in range(45):
        peers.append(scene.enter())
        scene.pass_time(1)
        for peer in peers:
            peer.heard_at = scene.loop.time()
    for peer in peers:
        peer.heartbeats.clear()
    for _ in range(20):
        scene.pass_time(1)
        for peer in peers:
            peer.heard_at = scene.loop.time()
    assert [len(peer.heartbeats) for peer in peers] == [1] * 45
    at = [peer.heartbeats[0] for peer in peers]
    assert len(set(at)) == 20  # spread over the interval
    assert at[0] == at[20] == at[40]


def test_a_peer_that_leaves_gets_nothing_more(scene: Scene) -> None:
    peer = scene.enter()
    assert len(scene.gateway) == 1
    scene.gateway.expires(peer, Identity("g:1", "", Role.GUEST, expires_ms=30_000))
    scene.gateway.paused(peer)
    scene.pass_time(5)
    scene.gateway.leave(peer, 1000)
    scene.gateway.leave(peer, 1006)  # the second time is nothing
    scene.pass_time(100)
    assert peer.told == ["hello_overdue"]
    assert peer.heartbeats == []
    assert (len(scene.gateway), scene.gateway.stalled_count) == (0, 0)
    assert scene.gateway.stats.closed == {1000: 1}


def test_codes_that_clients_make_up_are_counted_as_one(scene: Scene) -> None:
    for code in (1001, 1006, 1012, 4503, *range(3000, 4000), 4321):
        scene.gateway.leave(scene.enter(), code)
    once = dict.fromkeys((1001, 1006, 1012, 4503), 1)
    assert scene.gateway.stats.closed == {**once, 1000: 1001}


def test_a_silent_peer_is_told_instead_of_sent_a_heartbeat(scene: Scene) -> None:
    silent, speaking = scene.enter(), scene.enter()
    for _ in range(60):
        speaking.heard_at = scene.loop.time()
        scene.pass_time(1)
    assert "went_silent" in silent.told
    assert "went_silent" not in speaking.told
    assert len(silent.heartbeats) == 2
    assert len(speaking.heartbeats) == 3


def test_a_peer_is_silent_only_after_its_time(scene: Scene) -> None:
    peer = scene.enter()
    scene.pass_time(19)
    scene.gateway.tick()  # its slot comes round
    peer.heard_at = scene.loop.time()
    scene.pass_time(40)
    assert "went_silent" not in peer.told


# ── stalls ──


def test_a_peer_that_takes_nothing_is_closed(scene: Scene) -> None:
    peer = scene.enter()
    peer.unsent = 100
    scene.gateway.paused(peer)
    scene.pass_time(15)
    assert "stalled" not in peer.told
    scene.pass_time(1)
    assert peer.told[-1] == "stalled"


def test_a_slow_peer_that_takes_something_is_not(scene: Scene) -> None:
    peer = scene.enter()
    peer.unsent = 100_000
    scene.gateway.paused(peer)
    for _ in range(10):
        scene.pass_time(14)
        peer.unsent -= 1
        scene.pass_time(1)
    assert "stalled" not in peer.told
    assert "went_silent" not in peer.told  # nothing is read from it, either
    assert peer.heartbeats == []
    scene.pass_time(16)
    assert "stalled" in peer.told


def test_a_peer_that_is_sent_more_but_takes_nothing_is_closed(scene: Scene) -> None:
    peer = scene.enter()
    peer.unsent = 100
    scene.gateway.paused(peer)
    for _ in range(16):
        peer.unsent += 10
        scene.pass_time(1)
    assert "stalled" in peer.told


def test_a_peer_that_drained_is_not_stalled_any_more(scene: Scene) -> None:
    peer = scene.enter()
    peer.unsent = 100
    scene.gateway.paused(peer)
    assert scene.gateway.stalled_count == 1
    scene.pass_time(14)
    scene.gateway.resumed(peer)
    assert scene.gateway.stalled_count == 0
    scene.pass_time(10)
    assert "stalled" not in peer.told


# ── expiry ──


def test_a_token_ends_when_it_says_and_once(scene: Scene) -> None:
    peer, other = scene.enter(), scene.enter()
    scene.gateway.expires(peer, Identity("g:1", "", Role.GUEST, expires_ms=8_000))
    scene.gateway.expires(other, ANONYMOUS)
    scene.pass_time(7)
    assert "expire" not in peer.told
    scene.pass_time(20)
    assert peer.told.count("expire") == 1
    assert "expire" not in other.told


def test_a_renewed_token_replaces_the_old_ones_end(scene: Scene) -> None:
    peer = scene.enter()
    scene.gateway.expires(peer, Identity("g:1", "", Role.GUEST, expires_ms=8_000))
    scene.gateway.expires(peer, Identity("g:1", "", Role.GUEST, expires_ms=18_000))
    scene.pass_time(17)
    assert "expire" not in peer.told
    scene.pass_time(1)
    assert "expire" in peer.told


def test_whoever_left_before_it_was_identified_is_not_kept(scene: Scene) -> None:
    peer = scene.enter()
    scene.gateway.leave(peer, 1000)
    scene.gateway.expires(peer, Identity("g:1", "", Role.GUEST, expires_ms=8_000))
    scene.pass_time(20)
    assert "expire" not in peer.told


# ── presence ──


def readers(sink: Sink) -> list[tuple[str, int]]:
    told = [frames.Presence.model_validate(frame) for frame in sink.frames]
    return [(frame.room, frame.readers) for frame in told]


def test_presence_is_told_when_it_has_changed_and_only_then(scene: Scene) -> None:
    first = scene.follow()
    scene.pass_time(4)
    assert first.frames == []
    scene.pass_time(1)
    assert readers(first) == [("a", 1)]
    scene.pass_time(20)
    assert readers(first) == [("a", 1)]
    second, elsewhere = scene.follow(), scene.follow("b")
    scene.pass_time(5)
    assert readers(first) == [("a", 1), ("a", 2)]
    assert readers(second) == [("a", 2)]
    assert readers(elsewhere) == [("b", 1)]
    scene.server.hub.unsubscribe(second.subscribers[0])
    scene.pass_time(10)
    assert readers(first)[-1] == ("a", 1)
    assert readers(second) == [("a", 2)]


def test_whoever_joins_is_told_how_many_read_though_that_is_no_news_to_others(
    scene: Scene,
) -> None:
    first, leaving = scene.follow(), scene.follow()
    scene.pass_time(5)
    scene.server.hub.unsubscribe(leaving.subscribers[0])
    reloaded = scene.follow()
    scene.pass_time(5)
    assert readers(reloaded) == [("a", 2)]
    assert readers(first) == [("a", 2)]


def test_whoever_is_behind_is_told_when_it_has_caught_up(scene: Scene) -> None:
    sink, behind = scene.follow(), scene.follow()
    behind.pause()
    scene.pass_time(5)
    assert readers(sink) == [("a", 2)]  # who is behind reads, too
    assert behind.frames == []
    behind.resume()
    scene.pass_time(5)
    assert readers(behind) == [("a", 2)]
    assert readers(sink) == [("a", 2)]


def writing(sink: Sink) -> list[int | None]:
    return [frames.Presence.model_validate(frame).writing for frame in sink.frames]


def test_who_writes_is_told_to_all_others_until_it_ends(scene: Scene) -> None:
    writer, reader, elsewhere = scene.follow(), scene.follow(), scene.follow("b")
    stream = scene.gateway.open_stream("a", "192.0.2.1", ANONYMOUS)
    assert stream is not None
    (subscriber,) = writer.subscribers
    scene.server.hub.tell_writing(subscriber, on=True)
    scene.pass_time(5)
    assert (writing(reader), writing(writer), writing(elsewhere)) == ([1], [None], [None])
    assert (stream.readers, stream.writing) == (3, 1)
    scene.server.hub.tell_writing(subscriber, on=False)
    scene.pass_time(5)
    assert (writing(reader), writing(writer)) == ([1, None], [None])


def test_who_says_no_more_that_it_writes_counts_for_ten_seconds(scene: Scene) -> None:
    writer, reader = scene.follow(), scene.follow()
    (subscriber,) = writer.subscribers
    scene.server.hub.tell_writing(subscriber, on=True)
    scene.pass_time(5)
    scene.server.hub.tell_writing(subscriber, on=True)
    scene.pass_time(5)
    assert writing(reader) == [1]
    scene.pass_time(5)
    assert writing(reader) == [1, None]


def test_who_leaves_writes_no_more(scene: Scene) -> None:
    writer, other, reader = scene.follow(), scene.follow(), scene.follow()
    for sink in (writer, other):
        scene.server.hub.tell_writing(sink.subscribers[0], on=True)
    scene.pass_time(5)
    assert (writing(reader), writing(other)) == ([2], [1])
    scene.server.hub.tell_writing(other.subscribers[0], on=True)
    scene.server.hub.unsubscribe(writer.subscribers[0])
    scene.pass_time(5)
    assert (writing(reader), writing(other)) == ([2, 1], [1, None])


def test_who_reads_over_http_is_counted(scene: Scene) -> None:
    sink = scene.follow()
    stream = scene.gateway.open_stream("a", "192.0.2.1", ANONYMOUS)
    assert stream is not None
    assert scene.gateway.open_stream("b", "192.0.2.1", ANONYMOUS) is not None
    scene.pass_time(5)
    scene.gateway.close_stream(stream)
    scene.pass_time(5)
    assert readers(sink) == [("a", 2), ("a", 1)]


def test_presence_may_be_switched_off(make: Make) -> None:
    scene = make(presence_s=0)
    sink = scene.follow()
    scene.pass_time(50)
    assert sink.frames == []


# ── what HTTP holds open ──


def test_streams_and_sockets_share_the_bounds(make: Make) -> None:
    bounds = {"max_connections_per_address": 2, "max_connections_per_identity": 1}
    gateway = make(max_connections=4, **bounds).gateway
    guests = gateway.open_stream("a", "192.0.2.1", GUEST)
    assert guests is not None
    assert gateway.open_stream("a", "192.0.2.1", GUEST) is None  # the guest has one
    assert (
        gateway.open_stream("a", "192.0.2.1", ANONYMOUS) is not None
    )  # the refused one isn't counted
    assert gateway.open_stream("a", "192.0.2.1", ANONYMOUS) is None  # the address has two
    for _ in range(2):
        gateway.enter(Peer(0))
    assert gateway.open_stream("a", "192.0.2.2", ANONYMOUS) is None  # the process has four
    gateway.close_stream(guests)
    assert gateway.open_stream("a", "192.0.2.1", GUEST) is not None
    assert gateway.stats.refused == 3


def test_draining_ends_the_streams_and_takes_no_more(scene: Scene) -> None:
    peer = scene.enter()
    stream = scene.gateway.open_stream("a", "192.0.2.1", ANONYMOUS)
    assert stream is not None
    assert scene.gateway.drain() == [peer]
    assert stream.ended.done()
    assert scene.gateway.drain() == [peer]  # a second signal does no harm
    assert scene.gateway.open_stream("a", "192.0.2.1", ANONYMOUS) is None
    scene.gateway.close_stream(stream)
    assert scene.gateway.streams == set()


# ── the timer's own task ──


def test_it_ticks_by_itself_until_it_is_stopped(scene: Scene) -> None:
    peer = scene.enter()

    async def live() -> None:
        scene.gateway.start()
        await asyncio.sleep(6)
        await scene.gateway.stop()

    scene.loop.run(live())
    assert peer.told == ["hello_overdue"]
    scene.loop.advance(100)
    assert peer.told == ["hello_overdue"]
    assert peer.heartbeats == []


def test_a_room_nobody_follows_leaves_memory(scene: Scene) -> None:
    sink = scene.follow()
    scene.pass_time(100)
    assert scene.server.hub.keeps("a")
    scene.server.hub.unsubscribe(sink.subscribers[0])
    scene.pass_time(round(scene.settings.room_idle_s))
    assert scene.server.hub.keeps("a")
    scene.pass_time(1)
    assert not scene.server.hub.keeps("a")
