"""Judges what readers write by their site's and room's filters, at once and without I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Literal

import structlog
from pydantic import ValidationError

from livethread.model import SHADOWED, Draft, Judgement, Role, RoomName
from livethread.moderation.filters import Filters, compiled
from livethread.moderation.links import hosts_in, is_among
from livethread.moderation.repeats import Recently
from livethread.moderation.words import WordList, plain
from livethread.protocol.errors import Banned, Rejected
from livethread.site import Restriction, Standing, name_of, site_of

log = structlog.get_logger(__name__)

_JUDGED = frozenset({Role.GUEST, Role.READER})
REPEATS_S = 600.0
NOTHING = Judgement()


class Rules:
    """A room's filters, made ready."""

    def __init__(self, filters: Filters) -> None:
        self.filters = filters
        self.are_none = filters == Filters()
        self._held = WordList(filters.hold_words or ())
        self._refused = WordList(filters.refuse_words or ())
        self._patterns = [compiled(pattern) for pattern in filters.hold_patterns or ()]

    def refuse(self, text: str, hosts: list[str]) -> None:
        """Raises ``Rejected`` for what may not even wait; it doesn't say what that is."""
        denied = self.filters.deny_hosts or ()
        if self._refused.find(text) or any(is_among(host, denied) for host in hosts):
            raise Rejected(field="body")

    def reasons(self, draft: Draft, text: str, hosts: list[str]) -> Iterator[str]:
        """Why the comment should wait, for moderators."""
        filters = self.filters
        if draft.trap:
            yield "honeypot: a field that people don't see was filled in"
        if filters.hold_guests and draft.role is Role.GUEST:
            yield "guests' comments wait"
        is_new = draft.since_ms is not None and filters.hold_new_s
        if is_new and draft.now_ms - (draft.since_ms or 0) < (filters.hold_new_s or 0) * 1000:
            yield "new account"
        if filters.max_links is not None and len(hosts) > filters.max_links:
            yield f"link filter: {len(hosts)}, where {filters.max_links} are allowed"
        if filters.allow_hosts is not None:
            elsewhere = [host for host in hosts if not is_among(host, filters.allow_hosts)]
            if elsewhere:
                yield f"link filter: {elsewhere[0] or 'an unreadable host'} is not on the list"
        if (word := self._held.find(text)) is not None:
            yield f"word filter: {word}"
        for pattern in self._patterns:
            if pattern.search(text):
                yield f"pattern filter: {pattern.pattern}"
        if filters.hold_all:
            yield "every comment waits"


class Engine:
    """``rules.Judge`` by the filters of sites and rooms, and by what people may not do."""

    def __init__(self) -> None:
        self._sites: dict[str, Rules] = {}
        self._rooms: dict[RoomName, Rules] = {}
        self._none = Rules(Filters())
        self._restrictions: Mapping[tuple[str, str], tuple[Restriction, ...]] = {}
        self._roles: Mapping[tuple[str, str], Role] = {}
        self._texts = Recently(REPEATS_S)
        self._authors = Recently(60.0)

    def hear(self, said: Standing) -> None:
        """Go by what is said now; filters that this version can't read are as if unsaid."""
        self._restrictions = said.restrictions
        self._roles = {**said.spoken, **said.roles}
        sites: dict[str, Filters] = {}
        rooms: dict[RoomName, Filters] = {}
        for key, text in said.filters.items():
            try:
                filters = Filters.model_validate_json(text)
            except ValidationError:
                log.error("filters_unreadable", site=site_of(key))
                continue
            if name_of(key):
                rooms[RoomName(key)] = filters
            else:
                sites[site_of(key)] = filters
        self.load(sites, rooms)

    def load(self, sites: Mapping[str, Filters], rooms: Mapping[RoomName, Filters]) -> None:
        """Go by these from now on."""
        self._sites = {site: Rules(said) for site, said in sites.items()}
        self._rooms = {
            room: Rules(said.over(self._site(room).filters)) for room, said in rooms.items()
        }

    def admit(self, room: RoomName, author: str, now_ms: int) -> None:
        if self._is_restricted("mute", room, author, now_ms):
            raise Banned("You can't comment in this room.")

    def judge(self, draft: Draft) -> Judgement:
        if self.is_shadowed(draft.room, draft.author, draft.now_ms):
            return Judgement(SHADOWED)
        rules = self._of(draft.room)
        if draft.role not in _JUDGED or (rules.are_none and not draft.trap):
            return NOTHING
        text, hosts = plain(draft.body), hosts_in(draft.body)
        rules.refuse(text, hosts)
        why, filters = next(rules.reasons(draft, text, hosts), None), rules.filters
        why = self._too_often(filters, draft, text) or why
        return Judgement(why, filters.hold_first or 0, filters.judge_s or 0)

    def default(self, room: RoomName) -> Literal["approve", "hold"]:
        return self._of(room).filters.judge_default or "approve"

    def hold_at(self, room: RoomName) -> int:
        return self._of(room).filters.hold_at_reports or 0

    def is_shadowed(self, room: RoomName, author: str, now_ms: int) -> bool:
        return self._is_restricted("shadow", room, author, now_ms)

    def spared(self, site: str, role: Role) -> frozenset[str]:
        above = {Role.ADMIN} if role is Role.ADMIN else {Role.ADMIN, Role.MODERATOR}
        return frozenset(
            person for (where, person), has in self._roles.items() if where == site and has in above
        )

    def _is_restricted(self, kind: str, room: RoomName, author: str, now_ms: int) -> bool:
        found = self._restrictions.get((site_of(room), author), ())
        return bool(found) and any(
            one.kind == kind
            and one.room in (None, room)
            and (one.until_ms is None or one.until_ms > now_ms)
            for one in found
        )

    def _too_often(self, filters: Filters, draft: Draft, text: str) -> str | None:
        # A nonce is of one room; however often a comment is edited, it is one that says so.
        said = draft.nonce if draft.edits is None else f"#{draft.edits}"
        by, now_ms = f"{draft.room}\0{draft.author}\0{said}", draft.now_ms
        if filters.max_repeats is not None:
            site = site_of(draft.room)
            key = hashlib.blake2s(f"{site}\0{text}".encode(), digest_size=16).hexdigest()
            times = self._texts.count(key, by, now_ms)
            if times > filters.max_repeats:
                return f"repeated text: {times} times in ten minutes"
        if filters.max_a_minute is not None and draft.edits is None:
            times = self._authors.count(f"{site_of(draft.room)}\0{draft.author}", by, now_ms)
            if times > filters.max_a_minute:
                return f"rate: {times} comments in a minute"
        return None

    def _site(self, room: RoomName) -> Rules:
        return self._sites.get(site_of(room), self._none)

    def _of(self, room: RoomName) -> Rules:
        return self._rooms.get(room) or self._site(room)
