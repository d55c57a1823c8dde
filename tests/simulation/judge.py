"""Everything that is wrong with a history, each in a sentence that begins with its name.

The judge knows the protocol's promises and what became durable, nothing of the program: it goes
through the events in order, with the truth as it was at each of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.protocol.reader import Reader
from tests.simulation.history import History
from tests.simulation.truth import Json, Truth

Nonce = tuple[str, str]
"""A room and a nonce; no two identities use the same."""


@dataclass
class Stream:
    """A subscription as the server writes it. ``cursor`` None: nothing may come."""

    cursor: int | None = None
    epoch: str = ""


@dataclass
class Connection:
    """One connection, as seen from the server."""

    is_staff: bool = False
    streams: dict[str, Stream] = field(default_factory=lambda: defaultdict(Stream))
    commands: dict[str, tuple[Json, dict[int, int]]] = field(default_factory=dict)
    """By ref: the command, and what had been acknowledged of its room when it came."""
    unanswered: set[str] = field(default_factory=set)


@dataclass
class View:
    """A room as a client's consumer was given it."""

    cursor: int = 0
    epoch: str = ""
    has_begun: bool = False


def faults_of(history: History) -> list[str]:
    return list(Judge().judge(history))


class Judge:
    def __init__(self) -> None:
        self.truths: dict[str, Truth] = defaultdict(Truth)
        self.effects: dict[Nonce, int] = {}
        self.bodies: dict[str, set[str]] = defaultdict(set)
        self.connections: dict[str, Connection] = defaultdict(Connection)
        self.views: dict[tuple[str, str], View] = defaultdict(View)
        self.staff: set[str] = set()
        self.open: dict[tuple[str, str], Json] = {}
        self.twins: set[tuple[str, str]] = set()
        """Asked again before there was an answer or an effect."""
        self.answers: dict[Nonce, Json] = {}
        self.finals: dict[tuple[str, bool], Json] = {}
        self.readers: dict[tuple[str, str], _Following] = {}

    def judge(self, history: History) -> Iterator[str]:
        for event in history.events:
            work = getattr(self, f"_{event.kind}", None)
            if work is not None:
                for fault in work(event.who, event.what):
                    yield f"{fault} [{event.who} at {event.at:.4f}]"
        yield from self._at_the_end()

    # ── the disk ──

    def _applied(self, _: str, what: Json) -> Iterator[str]:
        room, key = what["room"], (what["room"], what["nonce"])
        truth, before = self.truths[room], self.effects.get(key)
        if what["is_duplicate"]:
            if before != what["seq"]:
                yield f"two answers: {key} had {before}, now {what['seq']}"
            return
        if what["nonce"] is not None:
            if before is not None:
                yield f"two effects: {key} had {before}, now {what['seq']}"
            self.effects[key] = what["seq"]
        change = what["change"]
        if change is not None:
            if change["seq"] != truth.head + 1:
                yield f"hole: {room} went from {truth.head} to {change['seq']}"
            truth.add(change)

    # ── the server's side of a connection ──

    def _received(self, who: str, command: Json) -> Iterator[str]:
        connection = self.connections[who]
        ref, room = command.get("ref"), command.get("room")
        if ref is not None:
            known = dict(self.truths[room].acknowledged) if room else {}
            connection.commands[ref] = command, known
            if command["type"] not in ("join", "leave"):
                connection.unanswered.add(ref)
        return iter(())

    def _closed(self, who: str, code: int) -> Iterator[str]:
        left = self.connections[who].unanswered
        if code == 1012 and left:
            yield f"not drained: closed without an answer to {sorted(left)}"
        if code >= 4500:
            yield f"sent away: closed with {code}"

    def _sent(self, who: str, frame: Json) -> Iterator[str]:
        connection = self.connections[who]
        connection.unanswered.discard(frame.get("ref", ""))
        match frame["type"]:
            case "welcome":
                user = frame["user"]
                is_staff = "staff-feed" in user.get("scopes", ())
                connection.is_staff = is_staff
                if is_staff:
                    self.staff.add(who.partition("#")[0])
            case "ack":
                yield from self._ack(connection, frame)
            case "joined":
                yield from self._joined(connection, frame)
            case "changes":
                yield from self._changes(connection, frame)
            case "page":
                yield from self._page(connection, frame)
            case "reset" | "left":
                connection.streams[frame["room"]].cursor = None

    def _ack(self, connection: Connection, frame: Json) -> Iterator[str]:
        command, _ = connection.commands[frame["ref"]]
        truth, seq = self.truths[frame["room"]], frame["seq"]
        if "nonce" in command:
            made = self.effects.get((frame["room"], command["nonce"]))
            if made is None and seq > truth.head:
                yield f"acknowledged before the commit: {command['nonce']} as {seq}"
            elif made is not None and made != seq:
                yield f"wrong answer: {command['nonce']} made {made}, acknowledged as {seq}"
        if "comment" in frame:  # a report's says of which change it was, not what that is
            truth.acknowledge(seq)

    def _joined(self, connection: Connection, frame: Json) -> Iterator[str]:
        room = frame["room"]["name"]
        truth, stream = self.truths[room], connection.streams[room]
        command, known = connection.commands[frame["ref"]]
        epoch, _, seq = frame["cursor"].partition(".")
        stream.cursor, stream.epoch = int(seq), epoch
        if stream.cursor > truth.head:
            yield f"phantom: joined at {seq}, {room} is at {truth.head}"
        if frame["mode"] == "resume":
            since = command.get("since")
            if since not in (frame["cursor"], "0"):
                yield f"resumed elsewhere: asked for {since}, got {frame['cursor']}"
            return
        found = {comment["id"]: comment for comment in frame["comments"]}
        yield from self._shown(truth, found, int(seq), known, connection.is_staff)
        if "next" not in frame and "more" not in frame:
            lacking = truth.known(int(seq), connection.is_staff).keys() - found.keys()
            if lacking:
                yield f"stale snapshot: at {seq} without {sorted(lacking)}"
        if frame["room"]["comments"] != truth.count(int(seq)):
            yield f"wrong count: {frame['room']['comments']}, not {truth.count(int(seq))} at {seq}"

    def _page(self, connection: Connection, frame: Json) -> Iterator[str]:
        _, known = connection.commands[frame["ref"]]
        found = {comment["id"]: comment for comment in frame["comments"]}
        truth = self.truths[frame["room"]]
        yield from self._shown(truth, found, frame["at"], known, connection.is_staff)

    def _shown(
        self, truth: Truth, found: dict[int, Json], seq: int, known: dict[int, int], is_staff: bool
    ) -> Iterator[str]:
        """A reading at ``seq``, asked for when ``known`` was acknowledged."""
        for id, comment in found.items():
            version = truth.at(id, seq)
            if version is None or not version.is_known(is_staff):
                yield f"phantom: {comment} in a reading at {seq}"
            elif not version.says(comment, is_staff):
                yield f"stale snapshot: at {seq} {comment} is {version}"
            yield from self._is_late(truth, comment, known.get(id, 0), is_staff)

    def _is_late(self, truth: Truth, comment: Json, known: int, is_staff: bool) -> Iterator[str]:
        """Nothing shows a comment as it was before what its author has been told."""
        if comment["seq"] >= known:
            return
        later = truth.at(comment["id"], known)
        if "body" in comment and later is not None and not later.is_shown(is_staff):
            yield f"leaked: {comment} was {later.state} at {known}"
        else:
            yield f"late: {comment} had been changed at {known}"

    def _changes(self, connection: Connection, frame: Json) -> Iterator[str]:
        room, since, to = frame["room"], frame["from"], frame["to"]
        truth, stream = self.truths[room], connection.streams[room]
        if stream.cursor is None:
            yield f"not followed: ({since}, {to}] of {room}"
        elif since > stream.cursor:
            yield f"gap: ({since}, {to}] at {stream.cursor}"
        elif since < stream.cursor:
            yield f"duplicate: ({since}, {to}] at {stream.cursor}"
        if to <= since:
            yield f"empty range: ({since}, {to}]"
        if to > truth.head:
            yield f"before the commit: ({since}, {to}] of {room}, which is at {truth.head}"
        if stream.cursor is not None:
            stream.cursor = to
        before = since
        for change in frame["changes"]:
            seq = change["seq"]
            if not before < seq <= to:
                yield f"reordered: {seq} after {before} in ({since}, {to}]"
            before = seq
            yield from self._change(truth, change, connection.is_staff)
            if "comment" in change:
                known = truth.acknowledged.get(change["comment"]["id"], 0)
                yield from self._is_late(truth, change["comment"], known, connection.is_staff)
        there = {change["seq"] for change in frame["changes"]}
        for seq in truth.missing(since, to, there, connection.is_staff):
            yield f"skipped: {seq} is not in ({since}, {to}]"

    def _change(self, truth: Truth, change: Json, is_staff: bool) -> Iterator[str]:
        seq, version = change["seq"], truth.changes.get(change["seq"])
        comment = change.get("comment")
        if seq not in truth.changes:
            yield f"phantom: {change}"
        elif "reactions" in change:
            id = change["reactions"]["comment"]
            if version is None or version.id != id or not version.is_of_reactions:
                yield f"two orders: {seq} is {version}, not {change}"
        elif comment is None or version is None:
            if comment is not None or version is not None:
                yield f"two orders: {seq} is {version}, not {change}"
        elif not version.is_known(is_staff):
            yield f"leaked: {change} is not for all"
        elif not version.says(comment, is_staff):
            yield f"two orders: {seq} is {version}, not {change}"

    # ── the client's side ──

    def _said(self, who: str, command: Json) -> Iterator[str]:
        client = who.partition("#")[0]
        if command["type"] == "join":
            key = client, command["room"]
            self.readers.setdefault(key, _Following()).joins(who, command["ref"])
        return iter(())

    def _heard(self, who: str, frame: Json) -> Iterator[str]:
        room = frame.get("room")
        name = room["name"] if isinstance(room, dict) else room
        following = self.readers.get((who.partition("#")[0], name or ""))
        if following is not None and following.hears(who, frame) == "rejoin":
            yield f"gap: {frame['type']} does not continue what the client has"

    def _asked(self, who: str, what: Json) -> Iterator[str]:
        if (who, what["nonce"]) in self.open and (what["room"], what["nonce"]) not in self.effects:
            self.twins.add((who, what["nonce"]))
        self.open[who, what["nonce"]] = what
        self.bodies[what["room"]].add(what.get("body", ""))
        return iter(())

    def _answered(self, who: str, what: Json) -> Iterator[str]:
        self.open.pop((who, what["nonce"]), None)
        key = what["room"], what["nonce"]
        made = self.effects.get(key)  # none of reactions: they have no nonce on the wire
        if "error" in what:
            # Of two that were under way at once, one may come too early, the other in time.
            if made is not None and (who, what["nonce"]) not in self.twins:
                yield f"refused, yet done: {key} is {made}, answered {what['error']}"
            return
        if made is None:
            return
        if what["seq"] != made:
            yield f"wrong answer: {key} made {made}, answered {what['seq']}"
        before = self.answers.setdefault(key, what)
        if before["seq"] != what["seq"]:
            yield f"two answers: {key} was {before['seq']}, now {what['seq']}"

    def _took(self, who: str, what: Json) -> Iterator[str]:
        view, truth = self.views[who, what["room"]], self.truths[what["room"]]
        is_staff = who in self.staff
        epoch, _, seq = what["cursor"].partition(".")
        before, view.cursor = view.cursor, int(seq)
        if what["snapshot"] is not None:
            view.epoch, view.has_begun = epoch, True
            return
        change = what["change"]
        if view.has_begun and epoch != view.epoch:
            yield f"another history: {view.epoch} became {epoch}"
        view.epoch, view.has_begun = epoch, True
        if change["seq"] <= before:
            yield f"duplicate: a consumer got {change['seq']} at {before}"
        yield from self._change(truth, change, is_staff)
        for lost in truth.missing(before, view.cursor, {change["seq"]}, is_staff):
            yield f"skipped: a consumer got no {lost} between {before} and {view.cursor}"

    # ── the end ──

    def _final(self, who: str, what: Json) -> Iterator[str]:
        """The room as it is on the disk, for one audience."""
        room, is_staff = what["room"]["name"], who == "staff"
        self.finals[room, is_staff] = what
        truth = self.truths[room]
        found = {comment["id"]: comment for comment in what["comments"]}
        for id, version in truth.known(truth.head, is_staff).items():
            if id not in found:
                yield f"lost: {version} is not there any more"
            elif not version.says(found[id], is_staff):
                yield f"lost: {version} is {found[id]}"
        for id in found.keys() - truth.versions.keys():
            yield f"phantom: {found[id]} came from nowhere"
        bodies = Counter(comment["body"] for comment in what["comments"] if "body" in comment)
        for body, times in bodies.items():
            if times > 1:
                yield f"duplicate: {body!r} is there {times} times"
            if body not in self.bodies[room]:
                yield f"phantom: nobody wrote {body!r}"
        if what["room"]["comments"] != truth.count(truth.head):
            yield f"wrong count: {what['room']['comments']}, not {truth.count(truth.head)}"
        for (name, nonce), answer in self.answers.items():
            id = answer["comment"]
            if is_staff and name == room and id is not None and id not in found:
                yield f"lost: {nonce} was acknowledged as {id}"

    def _ended(self, who: str, what: Json) -> Iterator[str]:
        room, is_staff = what["room"], who in self.staff
        final = self.finals[room, is_staff]
        fresh = {comment["id"]: _bare(comment) for comment in final["comments"]}
        held = {comment["id"]: _bare(comment) for comment in what["comments"]}
        yield from _differences("consumer", held, fresh)
        if what["seq"] != final["room"]["seq"]:
            yield f"behind: {what['seq']}, the room is at {final['room']['seq']}"
        following = self.readers.get((who, room))
        if following is not None and what["is_read"]:
            yield from following.differs(final)

    def _failed(self, who: str, what: str) -> Iterator[str]:
        yield f"failed: {what}"

    def _wrong(self, who: str, what: str) -> Iterator[str]:
        yield f"wrong: {what}"

    def _at_the_end(self) -> Iterator[str]:
        for (who, nonce), what in self.open.items():
            yield f"unanswered: {nonce} of {who}, {what}"


class _Following:
    """What a client heard of a room, held by the reference reader."""

    def __init__(self) -> None:
        self.reader = Reader()
        self._ref = ""
        self._who = ""

    def joins(self, who: str, ref: str) -> None:
        self._who, self._ref = who, ref
        self.reader.join()

    def hears(self, who: str, frame: Json) -> str:
        if who != self._who:
            return "dropped"  # of a connection given up
        if frame["type"] == "joined":
            if frame["ref"] != self._ref:
                return "dropped"
            if frame["mode"] == "resume" and self.reader.epoch is None:
                return "dropped"  # the whole feed: nothing that a reader does
            frame = {name: value for name, value in frame.items() if name != "mine"}
        elif frame["type"] != "changes":
            return "dropped"
        return self.reader.receive(frame)

    def differs(self, final: Json) -> Iterator[str]:
        reader, room = self.reader, final["room"]
        held = {id: _bare(comment) for id, comment in reader.comments.items()}
        fresh = {comment["id"]: _bare(comment) for comment in final["comments"]}
        yield from _differences("reader", held, fresh)
        if reader.count != room["comments"]:
            yield f"wrong count: a reader counts {reader.count}, the room {room['comments']}"
        for name in ("title", "state", "slow_mode_s", "premoderate"):
            if reader.room.get(name) != room.get(name):
                yield f"wrong room: {name} is {reader.room.get(name)}, not {room.get(name)}"


def _bare(comment: Json) -> Json:
    """The size of a thread is told in pages only."""
    return {name: value for name, value in comment.items() if name != "replies"}


def _differences(whose: str, held: dict[int, Json], fresh: dict[int, Json]) -> Iterator[str]:
    for id in sorted(held | fresh):
        if held.get(id) != fresh.get(id):
            yield f"wrong state: a {whose} has {held.get(id)}, a fresh snapshot {fresh.get(id)}"
