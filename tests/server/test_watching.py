"""Moderators hear of their own site's acts and of no other's."""

from __future__ import annotations

from livethread.auth.identity import Identity
from livethread.model import Act, Author, Committed, Role, Room
from livethread.site import key_of
from livethread.watching import Watchers
from tests.protocol.reader import Json
from tests.server.readers import payload_of

ANA = Author("u:ana", "Ana", badge="staff")


class Screen:
    """A connection that keeps what it was sent."""

    def __init__(self) -> None:
        self.heard: list[Json] = []

    def write(self, data: bytes, /) -> None:
        self.heard.append(payload_of(data))

    def unsent_bytes(self) -> int:
        return 0


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
