"""The Store in memory: slow, simple, and held to the same contract as the real ones."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from livethread.model import (
    Act,
    ActsRequest,
    Audience,
    Author,
    BotToken,
    Change,
    ChangeRange,
    Comment,
    CommentId,
    CommentState,
    Logged,
    Outcome,
    Page,
    PageRequest,
    Queue,
    QueueItem,
    QueueRequest,
    Report,
    ReportComment,
    Restricted,
    RestrictedRequest,
    RestrictPerson,
    Role,
    Room,
    RoomName,
    RoomRules,
    Seq,
    SetFilters,
    Write,
)
from livethread.protocol.errors import Conflict, NotFound, Unauthorized
from livethread.protocol.lookalikes import skeleton
from livethread.site import Ban, Link, Person, Restriction, Standing, site_of, site_room_of
from livethread.store.decisions import GONE, emptied
from livethread.store.paging import Around, Thread, fit, fit_around, fit_threads, tokens_of
from livethread.store.plan import BatchState, Decree, plan
from livethread.store.rows import first_epoch
from livethread.store.tokens import place_of, thread, token_of


class MemoryStore:
    def __init__(self) -> None:
        self._state = BatchState({}, {}, {}, set(), {})
        self._bots: dict[str, BotToken] = {}
        self._acts: list[Act] = []
        self._reports: list[Write] = []
        self._links: dict[str, Link] = {}
        self._people: dict[tuple[str, str, str], Person] = {}
        self.said = Standing(0, {}, {}, {}, {})
        """What operators said: a test says it by putting another in its place."""

    async def commit(self, writes: Sequence[Write]) -> list[Outcome]:
        await asyncio.sleep(0)
        return self.apply(writes)

    def apply(self, writes: Sequence[Write]) -> list[Outcome]:
        """What ``commit`` does once its turn has come."""
        for name in {write.room for write in writes}:
            for key in (name, site_room_of(name)):
                self._state.rooms[key] = self._room(key)
        visible = [c for c in self._state.comments.values() if c.state is CommentState.VISIBLE]
        self._state.shown = Counter(comment.author.id for comment in visible)
        made = plan(self._state, writes)
        self._acts += made.acts
        self._reports += made.reports
        for decree in made.decrees:
            self._decree(decree)
        return made.outcomes

    async def room(self, name: RoomName) -> Room:
        return self._room(name)

    async def changes(self, room: RoomName, since: Seq, *, limit: int) -> ChangeRange:
        now = self._room(room)
        known = self._comments(room)
        found = [Change(c.seq, c) for c in known if c.seq > since]
        found += [Change(c.last_seq, c) for c in known if (c.reacted_seq or 0) > since]
        if now.config_seq > since:
            found.append(Change(now.config_seq, None, now))
        found.sort(key=lambda change: change.seq)
        to_seq = found[limit - 1].seq if len(found) >= limit else max(now.seq, since)
        return ChangeRange(now, since, to_seq, tuple(found[:limit]))

    async def size_since(self, room: RoomName, since: Seq) -> int:
        known = self._comments(room)
        reacted = sum((c.reacted_seq or 0) > since for c in known)
        sizes = (len(c.body) + len(c.rich or "") + 200 for c in known if c.seq > since)
        return sum(sizes) + 60 * reacted

    async def reacted_by(
        self, room: RoomName, author: str, comments: Sequence[int]
    ) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for key in sorted(self._state.reactions):
            if (key.room, key.author) == (room, author) and key.comment in comments:
                found.setdefault(key.comment, []).append(key.reaction)
        return found

    async def page(self, request: PageRequest) -> Page:
        page = self._page(request)
        liked = [c.id for c in page.comments if c.reactions and request.reader]
        return replace(page, reacted=await self.reacted_by(request.room, request.reader, liked))

    def _page(self, request: PageRequest) -> Page:
        room = self._room(request.room)
        seen = [
            comment
            for comment in self._comments(request.room)
            if comment.was_public or request.audience is Audience.STAFF
        ]
        if request.comment is not None:
            return self._around(room, seen, request)
        if request.parent is not None:
            return self._thread(room, seen, request)
        roots = sorted((c for c in seen if c.parent is None), key=lambda c: _place(request, c))
        if request.after is not None:
            length = len(_place(request, roots[0])) if roots else 1
            place = place_of(room, request.order, request.after, length)
            sign = 1 if request.order == "oldest" else -1
            after = tuple(sign * number for number in place)
            roots = [root for root in roots if _place(request, root) > after]
        threads: list[Thread] = []
        for root in roots:
            below = [c for c in seen if c.root == root.id and c.parent is not None]
            size = sum(c.state is CommentState.VISIBLE for c in below)
            threads.append(Thread(replace(root, replies=size), below))
        page = fit_threads(threads, request)
        following = None
        if page.threads < len(roots):
            last = [abs(number) for number in _place(request, roots[page.threads - 1])]
            following = token_of(room, request.order, last)
        return Page(room, page.comments, following, tokens_of(room, page.more))

    async def held_by(self, room: RoomName, author: str) -> Sequence[Comment]:
        own = [c for c in self._comments(room) if c.author.id == author]
        held = [c for c in own if c.state is CommentState.HELD]
        return held[: max(1, fit(held, 100, 256 * 1024)[0])]

    async def counts(self, rooms: Sequence[RoomName]) -> dict[RoomName, int]:
        return {room: self._room(room).comments for room in rooms}

    async def acts(self, request: ActsRequest) -> Sequence[Logged]:
        found = [
            Logged(id, act)
            for id, act in enumerate(self._acts, 1)
            if request.site == (act.room.rpartition(" ")[0] or "default")
            and request.room in (None, act.room)
            and request.comment in (None, act.comment)
            and request.person in (None, act.person)
            and (request.before is None or id < request.before)
        ]
        return found[::-1][: request.limit]

    async def restricted(self, request: RestrictedRequest) -> Sequence[Restricted]:
        bans = {key: [Restriction("ban", None, b.until_ms)] for key, b in self.said.bans.items()}  # type: ignore[arg-type]
        found = [
            self._restricted(site, person, one)
            for (site, person), restrictions in [*bans.items(), *self.said.restrictions.items()]
            for one in restrictions
            if site == request.site
            and request.person in (None, person)
            and (one.until_ms is None or one.until_ms > request.now_ms)
        ]
        found = [o for o in found if request.before is None or o.since_ms < request.before]
        found.sort(key=lambda one: (-one.since_ms, one.person, one.kind, one.room or ""))
        least_ms = found[request.limit - 1].since_ms if len(found) > request.limit else 0
        return [one for one in found if one.since_ms >= least_ms]

    def _restricted(self, site: str, person: str, said: Restriction) -> Restricted:
        act = next(
            act
            for act in reversed(self._acts)
            if (site_of(act.room), act.person, act.action) == (site, person, said.kind)
            and said.room in (None, act.room)
        )
        names = [
            (self._state.removed.get(key) or comment).author.name
            for key, comment in self._state.comments.items()
            if comment.author.id == person and site_of(key.room) == site
        ]
        known = next(
            (one for one in self._people.values() if (one.site, one.id) == (site, person)), None
        )
        return Restricted(
            person=person,
            name=next((name for name in reversed(names) if name), None)
            if known is None
            else known.name,
            kind=said.kind,
            room=said.room,
            title=None if said.room is None else self._room(said.room).title,
            until_ms=said.until_ms,
            reason=act.reason,
            by=Author(act.by.id, act.by.name),
            since_ms=act.at_ms,
        )

    async def due(self, now_ms: int, *, limit: int) -> Sequence[tuple[RoomName, CommentId]]:
        found = [
            (comment.due_ms, key.room, key.id)
            for key, comment in self._state.comments.items()
            if comment.due_ms is not None and comment.due_ms <= now_ms
        ]
        return [(room, id) for _, room, id in sorted(found)[:limit]]

    async def queue(self, request: QueueRequest) -> Queue:
        of_site = [
            (place, key.room, comment)
            for place, (key, comment) in enumerate(self._state.comments.items(), 1)
            if site_of(key.room) == request.site
        ]
        found = {
            "held": [one for one in of_site if one[2].state is CommentState.HELD],
            "reported": [
                one for one in of_site if one[2].reports and one[2].state is not CommentState.HELD
            ],
            "recent": of_site,
        }
        items = [
            QueueItem(place, room, self._room(room).title, comment, self._reports_of(room, comment))
            for place, room, comment in found[request.list]
            if request.room in (None, room)
            and request.author in (None, comment.author.id)
            and (request.text or "").lower() in f"{comment.body}\0{comment.author.name}".lower()
            and (request.before is None or place < request.before)
        ]
        listed = tuple(items[::-1][: request.limit])
        return Queue(listed, len(found["held"]), len(found["reported"]))

    def _reports_of(self, room: RoomName, comment: Comment) -> tuple[Report, ...]:
        found: dict[str, Report] = {}
        for write in self._reports:
            wish, by = write.wish, write.author.id
            if isinstance(wish, ReportComment) and (write.room, wish.comment) == (room, comment.id):
                at_ms = found[by].at_ms if by in found else write.now_ms
                found[by] = Report(by, wish.reason, wish.text, at_ms)
        return tuple(found.values())

    async def add_bot(self, token: BotToken) -> None:
        if token.name in {bot.name for bot in self._bots.values()} or token.id in self._bots:
            raise Conflict
        self._bots[token.id] = token

    async def bot(self, id: str) -> BotToken | None:
        return self._bots.get(id)

    async def bots(self) -> Sequence[BotToken]:
        return sorted(self._bots.values(), key=lambda bot: bot.name)

    async def revoke_bot(self, name: str) -> bool:
        named = [bot for bot in self._bots.values() if bot.name == name]
        for bot in named:
            self._bots[bot.id] = replace(bot, is_revoked=True)
        return bool(named)

    async def standing_version(self) -> int:
        return self.said.version

    async def standing(self) -> Standing:
        roles = {(p.site, p.id): p.role for p in self._people.values()}
        above = {place: role for place, role in roles.items() if role is not Role.READER}
        return replace(self.said, bots=dict(self._bots), spoken=above)

    def _decree(self, decree: Decree) -> None:
        write, person = decree
        wish, said, site = write.wish, self.said, site_of(write.room)
        bans, filters = dict(said.bans), dict(said.filters)
        restrictions = {key: list(found) for key, found in said.restrictions.items()}
        if isinstance(wish, SetFilters):
            filters[write.room] = wish.filters
        else:
            assert isinstance(wish, RestrictPerson)
            assert person is not None
            place, kind = (site, person), wish.action.removeprefix("un")
            if kind == "delete_all":
                self._delete_all(site, person)
            elif kind == "ban":
                bans.pop(place, None)
                ban = Ban(*place, wish.until_ms, wish.reason or "", write.author.id, write.now_ms)
                bans |= {place: ban} if wish.action == kind else {}
            else:
                room = write.room if kind == "mute" else None
                found = restrictions.setdefault(place, [])
                found[:] = [one for one in found if (one.kind, one.room) != (kind, room)]
                if wish.action == kind:
                    found.append(Restriction(kind, room, wish.until_ms))  # type: ignore[arg-type]
        self.said = replace(
            said,
            version=said.version + 1,
            bans=bans,
            filters=filters,
            restrictions={key: tuple(found) for key, found in restrictions.items() if found},
        )

    def _delete_all(self, site: str, person: str) -> None:
        for key, comment in sorted(self._state.comments.items()):
            is_theirs = comment.author.id == person and site_of(key.room) == site
            if is_theirs and comment.state not in GONE:
                shown = int(comment.state is CommentState.VISIBLE)
                room = self._state.rooms[key.room] = self._room(key.room).advanced(-shown)
                gone = replace(emptied(comment, CommentState.REMOVED), seq=room.seq)
                self._state.comments[key] = gone
            if is_theirs:
                self._state.removed.pop(key, None)

    async def person(self, site: str, issuer: str, subject: str) -> Person | None:
        return self._people.get((site, issuer, subject))

    async def is_registered(self, site: str, name: str, *, but_for: str | None = None) -> bool:
        look = skeleton(name)
        others = [p for p in self._people.values() if p.site == site and p.id != but_for]
        return any(skeleton(person.name) == look for person in others)

    async def add_link(self, link: Link) -> None:
        self._links[link.digest] = link

    async def link(self, digest: str) -> Link | None:
        return self._links.get(digest)

    async def take_link(self, digest: str) -> bool:
        return self._links.pop(digest, None) is not None

    async def forget_links(self, now_ms: int) -> None:
        for link in [one for one in self._links.values() if one.expires_ms <= now_ms]:
            del self._links[link.digest]

    async def remember(self, person: Person, mark: str = "") -> Person:
        erased_s = self.said.erased.get(mark)
        if erased_s is not None and person.issued_s <= erased_s:
            raise Unauthorized
        key = person.site, person.issuer, person.subject
        kept = self._people.get(key)
        if kept is None or person.issued_s > kept.issued_s:
            self._people[key] = (
                person if kept is None else replace(person, id=kept.id, since_ms=kept.since_ms)
            )
            if person.role is not (Role.READER if kept is None else kept.role):
                self.said = replace(self.said, version=self.said.version + 1)
        return self._people[key]

    async def ping(self) -> None:
        pass

    async def index(self, *, is_tidying: bool) -> bool:
        return False

    async def scrub(self) -> bool:
        return True

    async def close(self) -> None:
        pass

    def _room(self, name: RoomName) -> Room:
        rooms, place = self._state.rooms, site_room_of(name)
        room = rooms.get(name) or Room(name, first_epoch("memory", name))
        rules = rooms[place].own if place in rooms and name != place else RoomRules()
        return replace(room, site=rules)

    def _comments(self, room: RoomName) -> list[Comment]:
        in_room = [c for key, c in self._state.comments.items() if key.room == room]
        return sorted(in_room, key=lambda comment: comment.id)

    def _thread(self, room: Room, seen: list[Comment], request: PageRequest) -> Page:
        if request.parent not in {comment.id for comment in seen}:
            raise NotFound(field="parent")
        reading = thread(request.parent)
        after = place_of(room, reading, request.after, 1)[0] if request.after is not None else 0
        below = [c for c in seen if c.root == request.parent and c.parent and c.id > after]
        listed = below[: max(1, fit(below, request.limit, request.max_bytes)[0])]
        following = token_of(room, reading, [listed[-1].id]) if len(below) > len(listed) else None
        return Page(room, tuple(listed), following, {})

    def _around(self, room: Room, seen: list[Comment], request: PageRequest) -> Page:
        known = {comment.id: comment for comment in seen}
        lineage: list[Comment] = []
        id = request.comment
        while id is not None and len(lineage) <= 100:
            if id not in known:
                raise NotFound(field="comment")
            lineage.append(known[id])
            id = known[id].parent
        target = lineage[0]
        below = [c for c in seen if c.root == target.root and c.parent is not None]
        size = sum(c.state is CommentState.VISIBLE for c in below)
        root = replace(known[target.root], replies=size)
        children = [c for c in below if c.parent == target.id][: request.limit]
        around = Around(root, lineage, children, below[: request.replies + 1])
        fitted = fit_around(around, request)
        return Page(room, fitted.comments, None, tokens_of(room, fitted.more))


def _place(request: PageRequest, comment: Comment) -> tuple[int, ...]:
    match request.order:
        case "oldest":
            return (comment.id,)
        case "newest":
            return (-comment.id,)
        case "best":
            return (-comment.score, -comment.id)
