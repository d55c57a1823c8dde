"""The simulated world: one server after the other on one disk, people, and what befalls them.

Everything is the program's own, as ``app`` composes it: sessions and sockets, hub, writer, relay,
snapshots, the drain, and the Python client with its websockets. Made here are only the network, the
disk, the clocks and the order in which what is ready runs; each follows from the seed. First comes
a time in which things go wrong, then a calm in which all must come to rest and agree.
"""

from __future__ import annotations

import asyncio
import gc
import json
import secrets
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, cast
from unittest.mock import patch

import structlog
import uvicorn
from uvicorn.lifespan.off import LifespanOff

from livethread.app import Clocks, Server, running_on
from livethread.auth import bots
from livethread.gateway import Gateway
from livethread.model import (
    Audience,
    BotToken,
    Committed,
    PageRequest,
    RoomName,
    Write,
)
from livethread.settings import Settings
from livethread.socket import Connection
from livethread.views import page_json, room_json
from tests.simulation.clients import ROOMS, Habits, Person
from tests.simulation.disk import Disk, Mood
from tests.simulation.history import History
from tests.simulation.loop import Process, SeededLoop
from tests.simulation.network import End, Link, Network, Weather
from tests.simulation.tap import Tap

T0_MS = 1_795_358_416_123
HOUR_MS = 3_600_000
REST_S = 300
"""Longer than every patience there is: of clients (silence, backoff of 30 s) and of the server."""

SETTINGS: dict[str, Any] = {
    # Tight, so that every way of catching up is gone in a minute.
    "ring_entries": 6,
    "ring_bytes": 2_000,
    "changes_frame_bytes": 700,
    "replay_changes": 4,
    "resume_changes": 25,
    "resume_bytes": 4_000,
    "slice_sinks": 2,
    "write_buffer_bytes": 2_000,
    "commit_batch": 8,
    "commit_queue": 40,
    "page_roots": 100,
    "page_replies": 100,
    "room_idle_s": 3,
    "heartbeat_s": 4,
    "silence_s": 12,
    "stall_s": 5,
    "hello_deadline_s": 3,
    "presence_s": 2,
    "drain_s": 4,
    "compress_min_bytes": 200,
    "reconnect_window_ms": (200, 1_500),
    # Unlimited: refusals for being quick have their own tests.
    "command_rate": 0,
    "post_rate": 0,
    "address_post_rate": 0,
    "bot_post_rate": 0,
    "guest_rate": 0,
    "secret": "the simulation's own secret, 32 bytes or more",
}
AUTHOR = ("post", "post", "post", "post", "reply", "reply", "edit", "edit", "delete", "react")
MODERATOR = ("moderate", "moderate", "moderate", "moderate", "configure", "post", "react")


@dataclass
class Fate:
    """What a seed has in store: mean intervals in s, 0 for never."""

    chaos_s: float
    crashes_s: float
    drains_s: float
    cuts_s: float
    darkness_s: float
    freezes_s: float
    clock_steps_s: float
    client_crashes_s: float
    moods_s: float
    weathers_s: float

    @classmethod
    def draw(cls, random: Random) -> Fate:
        def sometimes(likelihood: float, low: float, high: float) -> float:
            chosen = random.uniform(low, high)
            return chosen if random.random() < likelihood else 0.0

        return cls(
            chaos_s=random.uniform(15, 40),
            crashes_s=sometimes(0.5, 4, 15),
            drains_s=sometimes(0.4, 5, 20),
            cuts_s=sometimes(0.6, 0.5, 8),
            darkness_s=sometimes(0.4, 3, 15),
            freezes_s=sometimes(0.5, 1, 10),
            clock_steps_s=sometimes(0.4, 5, 20),
            client_crashes_s=sometimes(0.4, 2, 15),
            moods_s=sometimes(0.7, 1, 6),
            weathers_s=sometimes(0.6, 2, 10),
        )


class Ordered(dict[Any, None]):
    """A set whose order is that of entering: uvicorn keeps its connections in a plain one."""

    def add(self, item: Any) -> None:
        self[item] = None

    def discard(self, item: Any) -> None:
        self.pop(item, None)


class World:
    def __init__(self, seed: int | str, fate: Fate | None = None) -> None:
        self._seed = seed
        self.random = self._drawn("world")
        self.loop = SeededLoop(self._drawn("order") if self.random.random() < 0.7 else None)
        self.history = History(lambda: self.loop.time() - 1000)
        self.disk = Disk(self._drawn("disk"), self._applied)
        self.network = Network(self.loop, self._drawn("network"), self._seen)
        self.fate = fate or Fate.draw(self.random)
        self.server: Process | None = None
        self.people: list[Person] = []
        self.written = dict.fromkeys(ROOMS, 0)
        self.clock_offset_ms = 0
        self._taps: dict[tuple[End, str], Tap] = {}
        self._told_to_stop = asyncio.Event()
        self._processes: list[Process] = []
        self._servers = 0

    def _process(self, name: str) -> Process:
        self._processes.append(Process(self.loop, name))
        return self._processes[-1]

    def _drawn(self, what: str) -> Random:
        return Random(f"{self._seed}/{what}")

    def _now_ms(self) -> int:
        return T0_MS + round(self.loop.time() * 1000) + self.clock_offset_ms

    # ── what is noted ──

    def _applied(self, write: Write, outcome: Committed) -> None:
        change = outcome.change
        told: dict[str, Any] | None = None
        if change is not None:
            told = {"seq": change.seq}
            if (c := change.comment) is not None:
                told["comment"] = {
                    "id": c.id,
                    "seq": change.seq,
                    "is_of_reactions": change.is_of_reactions,
                    "state": c.state.value,
                    "body": c.body,
                    "was_public": c.was_public,
                }
        what = {
            "room": write.room,
            "nonce": write.nonce,
            "by": write.author.name,
            "seq": outcome.seq,
            "is_duplicate": outcome.is_duplicate,
            "change": told,
        }
        self.history.note("applied", "disk", what)

    def _seen(self, end: End, did: str, data: bytes) -> None:
        tap = self._taps.setdefault((end, did), Tap())
        if end.is_server:
            kind = "sent" if did == "wrote" else "received"
        else:
            kind = "said" if did == "wrote" else "heard"
        for what, content in tap.read(data):
            if what == "text":
                self.history.note(kind, end.name, content)
            elif kind == "sent":
                self.history.note("closed", end.name, content)

    def _note(self, what: str, **details: Any) -> None:
        self.history.note(what, "world", details)

    # ── the server ──

    def start_server(self) -> None:
        if self.server is not None and self.server.is_alive:
            return
        self._servers += 1
        self._note("started", server=self._servers)
        self.server = self._process("server")
        self._told_to_stop = asyncio.Event()
        self.server.start(self._serve(self.server, self._told_to_stop))

    async def _serve(self, process: Process, told_to_stop: asyncio.Event) -> None:
        """What ``app.serve`` does, but for HTTP."""
        settings = Settings.model_construct(**SETTINGS)
        clocks = Clocks(self.loop.time, self._now_ms)
        async with running_on(cast(Any, self.disk.open()), settings, clocks) as gateway:
            drain_s = max(1, round(settings.drain_s))
            config = uvicorn.Config(
                _no_http, lifespan="off", log_config=None, timeout_graceful_shutdown=drain_s
            )
            server = Server(config, gateway)
            server.servers, server.lifespan = [], LifespanOff(config)
            server.server_state.connections = cast(Any, Ordered())
            self.network.listen(process, lambda: _connection(gateway, server))
            await told_to_stop.wait()
            self.network.close()
            await server.shutdown()
        self._note("stopped", server=self._servers)
        self.loop.call_soon(self._end_server, process)

    def _end_server(self, process: Process) -> None:
        process.kill()
        self.network.process_died(process)

    def crash(self) -> None:
        if self.server is not None and self.server.is_alive:
            self._note("crashed", server=self._servers)
            self._end_server(self.server)

    # ── people ──

    async def populate(self) -> None:
        random = self.random
        all_s = 1 / random.uniform(1.5, 6)
        slow: dict[str, Any] = {"dawdles_s": random.choice((0.0, 0.3, 2.0)), "max_waiting": 4}
        leaves_s = random.choice((0.0, 6.0))
        bot = await self._bot("otto", "read", "post")
        self._person("otto", Habits(writes_s=3 * all_s, does=AUTHOR, **slow), token=bot)
        self._person("twin", Habits(), token=bot)
        self.people[0].twin = self.people[1]
        staff = await self._bot("mod", "read", "post", "moderate", "staff-feed")
        self._person("mod", Habits(writes_s=3 * all_s, does=MODERATOR), token=staff)
        replayer = await self._bot("copy", "read", "replay")
        self._person("copy", Habits(since="0"), token=replayer)
        self._person(
            "mara", Habits(writes_s=2 * all_s, does=AUTHOR, leaves_s=leaves_s), guest="Mara"
        )
        pages = Habits(leaves_s=leaves_s, writes_s=2.0, does=("page",))
        self._person("reader", pages)
        self._person("visitor", Habits(rooms=ROOMS[:1], leaves_s=1.5, forgets=True))
        self._person("slow", Habits(rooms=ROOMS[:1], **slow))

    async def _bot(self, name: str, *scopes: str) -> str:
        token = f"{bots.PREFIX}{name}_{'0' * 43}"
        bot = BotToken(name, name, bots.digest(token), frozenset(scopes), "*", T0_MS)
        await self.disk.tables.add_bot(bot)
        return token

    def _person(self, name: str, habits: Habits, **who: Any) -> None:
        person = Person(name, self.history, self._drawn(name), habits, self.written, **who)
        self.people.append(person)

    def start_person(self, person: Person) -> None:
        if person.process is None or not person.process.is_alive:
            self._note("began", client=person.name)
            person.process = self._process(person.name)
            person.process.start(person.live())

    def kill_person(self, person: Person) -> None:
        if person.process is not None and person.process.is_alive:
            self._note("killed", client=person.name)
            person.process.kill()
            self.network.process_died(person.process)

    # ── what befalls them ──

    async def now_and_then(
        self, mean_s: float, happen: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        while mean_s:
            await asyncio.sleep(self.random.expovariate(1 / mean_s))
            await happen()

    async def _crash(self) -> None:
        self.crash()
        await asyncio.sleep(self.random.choice((0.0, 0.2, 3.0)))
        self.start_server()

    async def _drain(self) -> None:
        if self.server is None or not self.server.is_alive:
            return
        self._note("drains")
        self._told_to_stop.set()
        process = self.server
        for _ in range(100):
            await asyncio.sleep(0.1)
            if not process.is_alive:
                break
        else:
            self.history.note("wrong", "world", "the server doesn't stop")
        self.start_server()

    def _some_link(self) -> Link | None:
        links = [link for link in self.network.links if not link.is_over]
        return self.random.choice(links) if links else None

    async def _cut(self) -> None:
        link = self._some_link()
        if link is not None:
            self._note("cut", link=link.client.name)
            link.cut()

    async def _darken(self) -> None:
        link, for_s = self._some_link(), self.random.choice((1.0, 8.0, 1000.0))
        if link is not None:
            self._note("dark", link=link.client.name, for_s=for_s)
            link.darken()
            self.loop.apart(self.loop.time() + for_s, link.lighten)

    async def _freeze(self) -> None:
        link, for_s = self._some_link(), self.random.choice((0.5, 3.0, 20.0))
        if link is not None:
            self._note("frozen", link=link.client.name, for_s=for_s)
            link.freeze()
            self.loop.apart(self.loop.time() + for_s, link.thaw)

    async def _step_clock(self) -> None:
        self.clock_offset_ms = self.random.choice((-HOUR_MS, 0, HOUR_MS))
        self._note("clock", offset_ms=self.clock_offset_ms)

    async def _crash_client(self) -> None:
        person = self.random.choice(self.people)
        self.kill_person(person)
        await asyncio.sleep(self.random.uniform(0, 3))
        self.start_person(person)

    async def _change_mood(self) -> None:
        random = self.random
        self.disk.mood = Mood(
            commit_s=(0, random.choice((0.002, 0.05, 1.0))),
            read_s=(0, random.choice((0.0, 0.01, 0.2, 2.0))),
            failed_commits=random.choice((0.0, 0.0, 0.3)),
            doubtful_commits=random.choice((0.0, 0.2, 0.5)),
            failed_reads=random.choice((0.0, 0.0, 0.3)),
        )
        self._note("mood", **vars(self.disk.mood))

    async def _change_weather(self) -> None:
        random = self.random
        low = random.choice((0.0, 0.001, 0.1))
        self.network.weather = Weather(
            delay_s=(low, low + random.choice((0.0, 0.02, 0.5))),
            bytes_per_s=random.choice((2_000.0, 50_000.0, 10_000_000.0)),
            window=random.choice((300, 300, 2_000, 65_536)),
            is_down=random.random() < 0.1,
        )
        self._note("weather", **vars(self.network.weather))

    async def chaos(self) -> None:
        fate = self.fate
        happenings = (
            (fate.crashes_s, self._crash),
            (fate.drains_s, self._drain),
            (fate.cuts_s, self._cut),
            (fate.darkness_s, self._darken),
            (fate.freezes_s, self._freeze),
            (fate.clock_steps_s, self._step_clock),
            (fate.client_crashes_s, self._crash_client),
            (fate.moods_s, self._change_mood),
            (fate.weathers_s, self._change_weather),
        )
        tasks = [self.loop.create_task(self.now_and_then(*each)) for each in happenings]
        await asyncio.sleep(fate.chaos_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def calm(self) -> None:
        """Nothing goes wrong any more; what is dark stays dark, and must be found out."""
        self._note("calm")
        self.disk.mood, self.network.weather = Mood(), Weather()
        for link in self.network.links:
            link.thaw()
        if not self._told_to_stop.is_set():
            self.start_server()
        for person in self.people:
            person.is_quiet = True
            self.start_person(person)
        for _ in range(REST_S):
            await asyncio.sleep(1)
            if self.server is None or not self.server.is_alive:
                self.start_server()
            heads = {name: (await self.disk.tables.room(RoomName(name))).seq for name in ROOMS}
            restless = [person for person in self.people if not person.is_at_rest(heads)]
            if not restless:
                return
        names = [f"{person.name} {list(person.outbox)}" for person in restless]
        self.history.note("wrong", "world", f"no rest for {names}")

    async def live(self) -> None:
        self._note("fate", **vars(self.fate))
        await self.populate()
        if self.fate.weathers_s and self.random.random() < 0.5:
            await self._change_weather()
        self.start_server()
        for person in self.people:
            self.loop.apart(
                self.loop.time() + self.random.choice((0.0, 0.0, self.fate.chaos_s / 2)),
                self.start_person,
                person,
            )
        await self.chaos()
        await self.calm()
        await self._take_stock()

    async def _take_stock(self) -> None:
        for name in ROOMS:
            for audience in Audience:
                request = PageRequest(
                    RoomName(name), limit=10_000, replies=10_000, audience=audience
                )
                page = await self.disk.tables.page(request)
                found = {"room": room_json(page.room), **page_json(page, audience)}
                self.history.note("final", audience.value, json.loads(json.dumps(found)))
        for person in self.people:
            for name in person.places:
                self.history.note("ended", person.name, person.state(name))

    def run(self) -> History:
        with _seeded_secrets(self._drawn("secrets")), structlog.testing.capture_logs() as logs:
            gc.disable()  # what it ends would end at another moment in each run
            try:
                self.loop.run(self.live())
            finally:
                self._bury_all()
                gc.enable()
        for entry in logs:
            if entry["log_level"] in ("error", "critical"):
                self.history.note("wrong", "server", repr(entry))
        for context in self.loop.failures:
            self.history.note("wrong", "loop", repr(context))
        return self.history

    def _bury_all(self) -> None:
        self.loop.set_exception_handler(lambda *_: None)
        for process in self._processes:
            process.bury()
        self.loop.finish()


def simulate(seed: int | str) -> History:
    """The history of a seed: the same bytes in every run."""
    return World(seed).run()


def _connection(gateway: Gateway, server: Server) -> Connection:
    return Connection(gateway, config=None, server_state=server.server_state, app_state={})


async def _no_http(*_: Any) -> None:
    raise AssertionError("no request comes this way")


@contextmanager
def _seeded_secrets(random: Random) -> Iterator[None]:
    """Ids are as long, and as random, in every run of a seed."""

    def token_hex(size: int | None = None) -> str:
        return random.randbytes(size or 32).hex()

    with patch.object(secrets, "token_hex", token_hex):
        yield
