from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from livethread.auth.identity import ANONYMOUS, Identity
from livethread.backlog import ReadFailed
from livethread.effects import Subscribe
from livethread.feed import Encoding
from livethread.joining import Start
from livethread.model import CommentId, PageRequest, Role, RoomName
from livethread.protocol import frames
from livethread.protocol.cursor import Cursor
from livethread.protocol.errors import Unavailable
from tests.contract.making import MARA, TOM, A, configure, edit, moderate, post, react
from tests.protocol.reader import Json
from tests.server.readers import payload_of
from tests.server.town import MoodyStore, Server
from tests.server.virtual import VirtualLoop

GUEST = Identity(MARA.id, MARA.name, Role.GUEST)
CHANGES, BYTES = 8, 4000  # the town's bounds


class Scene:
    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.store = MoodyStore()
        self.server = Server(self.store, self.loop)

    def commit(self, *writes: Any) -> None:
        for write in writes:
            self.server.writer.submit(write, lambda _: None)
            self.loop.advance(0.01)

    def posts(self, count: int, size: int = 10) -> None:
        self.commit(*(post("x" * size) for _ in range(count)))

    def restart(self) -> None:
        """Nothing is left in any ring."""
        self.server = Server(self.store, self.loop)

    @property
    def epoch(self) -> str:
        return self.loop.run(self.store.room(A)).epoch

    def wanted(
        self,
        since: int | Cursor | None = None,
        *,
        who: Identity = ANONYMOUS,
        is_replay: bool = False,
    ) -> Subscribe:
        cursor = Cursor(self.epoch, since) if type(since) is int else since
        page = PageRequest(A, audience=who.audience)
        return Subscribe(A, "r", cursor, is_replay, page)  # type: ignore[arg-type]

    def at_once(self, who: Identity = ANONYMOUS, **wanted: Any) -> Start | None:
        found = self.server.joining.start_at_once(
            self.wanted(who=who, **wanted), who, Encoding.JSON
        )
        return None if found is None else found[1]

    def start(
        self,
        since: int | Cursor | None = None,
        *,
        ref: str | None = None,
        who: Identity = ANONYMOUS,
        is_replay: bool = False,
        encoding: Encoding = Encoding.JSON,
    ) -> Start:
        cursor = Cursor(self.epoch, since) if type(since) is int else since
        page = PageRequest(A, audience=who.audience)
        wanted = Subscribe(A, ref, cursor, is_replay, page)  # type: ignore[arg-type]
        return self.loop.run(self.server.joining.start(wanted, who, encoding))

    def mode(self, since: int | Cursor | None) -> str:
        return str(read(self.start(since))["mode"])


def read(start: Start) -> Json:
    """The frame, held to its model and to the seq beside it."""
    frame = payload_of(b"".join(start.frame))
    written = frames.Joined.model_validate(frame).model_dump(exclude_none=True, by_alias=True)
    assert written == frame
    assert Cursor.parse(frame["cursor"]).seq == start.seq
    return frame


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.loop.finish()
    assert scene.loop.failures == []


def test_without_a_cursor_there_is_a_snapshot(scene: Scene) -> None:
    scene.posts(3)
    start = scene.start(ref="r")
    frame = read(start)
    assert (start.seq, frame["mode"], frame["ref"]) == (3, "snapshot", "r")
    assert [comment["id"] for comment in frame["comments"]] == [1, 2, 3]
    assert frame["order"] == "oldest"


def test_a_room_nobody_wrote_to_has_an_empty_snapshot_and_a_cursor_to_come_back_with(
    scene: Scene,
) -> None:
    frame = read(scene.start())
    assert (frame["comments"], frame["cursor"]) == ([], f"{scene.epoch}.0")
    assert read(scene.start(Cursor.parse(frame["cursor"])))["mode"] == "resume"


@pytest.mark.parametrize("since", [0, 2, 3])
def test_a_cursor_of_this_history_is_resumed_where_it_stands(scene: Scene, since: int) -> None:
    scene.posts(3)
    start = scene.start(since, ref='r"')
    frame = read(start)
    assert (start.seq, frame["mode"], frame["ref"]) == (since, "resume", 'r"')
    assert frame["room"]["seq"] == 3
    assert "comments" not in frame


def test_another_history_and_one_from_the_future_are_not_resumed(scene: Scene) -> None:
    scene.posts(3)
    assert scene.mode(Cursor("another", 2)) == "snapshot"
    assert scene.mode(4) == "snapshot"
    assert scene.mode(3) == "resume"


@pytest.mark.parametrize("is_restarted", [False, True])
def test_whoever_missed_too_many_changes_gets_a_snapshot(scene: Scene, is_restarted: bool) -> None:
    scene.posts(CHANGES + 2)
    if is_restarted:
        scene.restart()
    assert scene.mode(1) == "snapshot"
    assert scene.mode(2) == "resume"


def test_whoever_missed_too_many_bytes_gets_a_snapshot(scene: Scene) -> None:
    scene.posts(3, size=BYTES // 2 - 200)
    scene.restart()
    assert scene.mode(0) == "snapshot"
    assert scene.mode(1) == "resume"


def test_what_the_ring_holds_is_resumed_without_asking_the_store(scene: Scene) -> None:
    scene.start()
    scene.posts(3)
    scene.start()  # the room is open
    scene.store.is_slow = True
    cursor = Cursor(scene.loop.run(scene.server.joining.feed(A)).epoch, 1)
    assert read(scene.start(cursor))["mode"] == "resume"
    assert scene.store.waiting == []


def test_of_many_who_come_back_at_once_few_have_their_distance_measured(scene: Scene) -> None:
    scene.posts(3, size=BYTES // 2 - 200)
    scene.posts(5)
    scene.restart()
    measured: list[int] = []
    size_since = scene.store.size_since

    async def noted(room: RoomName, since: int) -> int:
        measured.append(since)
        return await size_since(room, since)

    scene.store.size_since = noted  # type: ignore[method-assign]
    epoch = scene.epoch

    async def come(since: int) -> str:
        wanted = Subscribe(A, None, Cursor(epoch, since), False, PageRequest(A))
        start = await scene.server.joining.start(wanted, ANONYMOUS, Encoding.JSON)
        return str(read(start)["mode"])

    async def come_all() -> list[str]:
        return await asyncio.gather(*(come(since) for since in [4, 0, 5, 1, 6, 2, 3, 0] * 50))

    modes = scene.loop.run(come_all())
    far, near = "snapshot", "resume"
    assert modes == [near, far, near, far, near, near, near, far] * 50
    assert measured == [0, 4, 1, 2]
    scene.loop.advance(2)
    assert scene.mode(2) == near
    assert measured == [0, 4, 1, 2, 0, 2]  # what was found then need not hold any more


def test_a_replay_starts_at_the_beginning_however_long_it_is(scene: Scene) -> None:
    scene.posts(CHANGES + 5)
    start = scene.start(is_replay=True)
    assert start.seq == 0
    assert read(start)["mode"] == "resume"


def test_authors_find_their_own_held_comments_and_nobody_elses(scene: Scene) -> None:
    scene.commit(configure(premoderate=True), post("held words"), moderate(2, "hide"), post("two"))
    frame = read(scene.start(who=GUEST))
    assert frame["comments"] == []
    assert [(c["body"], c["state"]) for c in frame["mine"]] == [("two", "held")]
    for other in (ANONYMOUS, Identity("g:2", "Tom", Role.GUEST)):
        assert b"two" not in b"".join(scene.start(who=other).frame)
        assert "mine" not in read(scene.start(who=other))


def test_readers_find_which_reactions_are_their_own_and_nobody_elses(scene: Scene) -> None:
    tom = Identity("g:2", "Tom", Role.GUEST)
    scene.posts(3)
    scene.commit(react(1), react(1, "heart"), react(3, author=TOM))
    for who, own in [(GUEST, {"1": ["heart", "like"]}), (tom, {"3": ["like"]})]:
        assert read(scene.start(who=who))["reacted"] == own
    for other in (ANONYMOUS, Identity("g:3", "Jo", Role.GUEST)):
        assert "reacted" not in read(scene.start(who=other))


def test_staff_get_a_page_of_their_own(scene: Scene) -> None:
    scene.commit(configure(premoderate=True), post("held words"))
    staff = read(scene.start(who=Identity("m:1", "Mod", Role.MODERATOR)))
    assert staff["comments"][0]["id"] == CommentId(2)
    assert b"held words" not in b"".join(scene.start().frame)


@pytest.mark.parametrize("since", [None, 0])
def test_a_store_that_can_not_be_read_is_unavailable_and_works_again_later(
    scene: Scene, since: int | None
) -> None:
    scene.posts(CHANGES)
    cursor = None if since is None else Cursor(scene.epoch, since)
    scene.restart()
    scene.store.is_failing = True
    with pytest.raises(Unavailable):
        scene.start(cursor)
    scene.store.is_failing = False
    read(scene.start(cursor))


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("since", [None, 1])
def test_every_encoding_says_the_same(scene: Scene, encoding: Encoding, since: int | None) -> None:
    scene.posts(3, size=100)
    assert read(scene.start(since, encoding=encoding)) == read(scene.start(since))


# ── without waiting ──


def test_room_is_opened_by_one_reading_for_all_who_come_at_the_same_time(scene: Scene) -> None:
    scene.posts(3)
    scene.restart()
    scene.store.pages, rooms = 0, 0
    room = scene.store.room

    async def counted(name: RoomName) -> Any:
        nonlocal rooms
        rooms += 1
        return await room(name)

    wanted = scene.wanted()
    scene.store.room = counted  # type: ignore[method-assign]
    openings = [scene.server.joining.opening(wanted) for _ in range(5)]
    assert len(set(openings)) == 1
    scene.loop.settle()
    assert scene.server.joining.opening(wanted) is None
    found = scene.server.joining.start_at_once(wanted, ANONYMOUS, Encoding.JSON)
    assert found is not None
    assert [comment["id"] for comment in read(found[1])["comments"]] == [1, 2, 3]
    assert (scene.store.pages, rooms) == (1, 0)


@pytest.mark.parametrize(
    "how", [{}, {"since": 3}, {"since": 1}, {"since": Cursor("another", 3)}, {"is_replay": True}]
)
def test_who_starts_at_once_is_told_what_a_reading_would_say(
    scene: Scene, how: dict[str, Any]
) -> None:
    scene.start()
    scene.posts(3)
    assert scene.at_once(**how) == scene.start(ref="r", **how)


def test_nobody_starts_at_once_for_whom_something_must_be_read(scene: Scene) -> None:
    scene.posts(3)
    scene.restart()
    assert scene.at_once() is None  # the room isn't open
    scene.start(3)
    assert scene.at_once() is None  # no page was read
    assert scene.at_once(since=1) is None  # nor what lies before the ring
    scene.start()
    assert scene.at_once() is not None
    assert scene.at_once(GUEST) is None  # what is their own
    assert scene.at_once(Identity("", "", Role.MODERATOR)) is None  # another page
    scene.commit(edit(1, "changed"))
    assert scene.at_once() is None  # the page shows what was taken back


def test_page_read_with_the_head_is_not_used_if_something_in_it_changed_meanwhile(
    scene: Scene,
) -> None:
    scene.posts(2)
    scene.restart()
    scene.store.is_slow = True
    assert scene.server.joining.opening(scene.wanted()) is not None
    scene.loop.settle()
    scene.store.is_slow, (reading,) = False, scene.store.waiting
    scene.commit(edit(1, "changed"))
    reading.set_result(None)
    scene.loop.settle()
    assert scene.server.joining.opening(scene.wanted()) is None
    assert scene.at_once() is None
    assert read(scene.start())["comments"][0]["body"] == "changed"


def test_opening_that_fails_is_begun_anew_by_who_comes_next(scene: Scene) -> None:
    scene.posts(2)
    scene.restart()
    wanted = scene.wanted()
    scene.store.is_failing = True
    first = scene.server.joining.opening(wanted)
    scene.loop.settle()
    assert first is not None
    assert isinstance(first.exception(), ReadFailed)
    scene.store.is_failing = False
    second = scene.server.joining.opening(wanted)
    assert second is not first
    scene.loop.settle()
    assert scene.at_once() is not None
