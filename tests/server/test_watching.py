"""Moderators hear of their own site's acts and of no other's."""

from __future__ import annotations

from livethread.auth.identity import Identity
from livethread.model import Act, Author, Committed, Role, Room
from livethread.site import key_of
from livethread.watching import MOST_TOLD, Watchers
from tests.protocol.reader import Json
from tests.server.readers import payload_of

ANA = Author("u:ana", "Ana", badge="staff")


class Screen:
    """A connection that keeps what it was sent."""

    def __init__(self) -> None:
        self.heard: list[Json] = []
        self.here: list[str] | None = None
        self.times_told = 0
        self.unsent = 0

    def write(self, data: bytes, /) -> None:
        frame = payload_of(data)
        if frame["type"] == "moderators":
            self.here = [person["name"] for person in frame["here"]]
            self.times_told += 1
        else:
            self.heard.append(frame)

    def unsent_bytes(self) -> int:
        return self.unsent


def act(action: str, room: str, site: str = "default") -> Committed:
    key = key_of(site, room)
    said = Act(key, None, "g:1", ANA, action, "rude", None, 0)
    return Committed(Room(key, "e"), 0, None, None, act=said)


def moderator(site: str = "default") -> Identity:
    return Identity("u:mod", "Mod", Role.MODERATOR, site=site)


def test_who_watches_hears_who_is_barred_on_the_site_and_who_is_not_any_more() -> None:
    watchers = Watchers(9)
    here, elsewhere, bounded = Screen(), Screen(), Screen()
    watchers.set(here, moderator())
    watchers.set(elsewhere, moderator("news"))
    scopes = frozenset({"read", "staff-feed"})
    watchers.set(bounded, Identity("b:1", "Bot", Role.BOT, scopes=scopes, rooms="a/*"))
    watchers.tell([act("ban", ""), act("mute", "b"), act("unshadow", "a/b"), act("filters", "")])
    by = {"id": "u:ana", "name": "Ana"}
    told = {"type": "restricted", "person": "g:1", "by": by}
    unshadowed = told | {"action": "unshadow"}
    assert here.heard == [
        told | {"action": "ban"},
        told | {"action": "mute", "room": "b"},
        unshadowed,
    ]
    assert elsewhere.heard == []
    assert bounded.heard == [unshadowed]
    watchers.tell([act("mute", "b", "news"), act("ban", "", "news")])
    assert [one["action"] for one in elsewhere.heard] == ["mute", "ban"]
    assert here.heard[3:] == []


def named(name: str, site: str = "default", role: Role = Role.MODERATOR) -> Identity:
    return Identity(f"u:{name}", name, role, scopes=frozenset({"staff-feed"}), site=site)


def test_who_watches_hears_who_else_does_on_the_site_whenever_that_changes() -> None:
    watchers = Watchers(9)
    ana, again, bob, bot, elsewhere = (Screen() for _ in range(5))
    watchers.set(bob, named("Bob"))
    watchers.set(ana, named("Ana", role=Role.ADMIN))
    watchers.set(elsewhere, named("Cleo", "news"))
    assert (ana.here, bob.here, elsewhere.here) == (["Ana", "Bob"], ["Ana", "Bob"], ["Cleo"])
    told = bob.times_told
    watchers.set(again, named("Ana"))  # a second page of hers
    watchers.set(bot, named("Judge", role=Role.BOT))
    assert (again.here, bot.here, bob.times_told) == (["Ana", "Bob"], ["Ana", "Bob"], told)
    watchers.set(ana, None)
    assert (again.here, bob.times_told, ana.here) == (["Ana", "Bob"], told, ["Ana", "Bob"])
    watchers.set(again, None)
    watchers.set(again, None)  # as every connection that closes
    assert (bob.here, bob.times_told, elsewhere.times_told) == (["Bob"], told + 1, 1)
    watchers.set(bob, named("Robert"))
    assert bob.here == ["Robert"]
    watchers.set(bob, named("Robert", "news"))
    assert (elsewhere.here, bot.here) == (["Cleo", "Robert"], [])


def test_who_takes_no_bytes_is_passed_over() -> None:
    watchers, full, free = Watchers(9), Screen(), Screen()
    full.unsent = 9
    watchers.set(full, named("Ana"))
    watchers.set(free, named("Bob"))
    watchers.tell([act("ban", "")])
    assert (full.here, full.heard, len(free.heard)) == (None, [], 1)


def test_of_very_many_who_watch_not_all_are_told_of() -> None:
    watchers, last = Watchers(9), Screen()
    for number in range(MOST_TOLD + 5):
        watchers.set(Screen(), named(f"{number:03}"))
    watchers.set(last, named("x"))
    assert last.here is not None
    assert len(last.here) == MOST_TOLD
