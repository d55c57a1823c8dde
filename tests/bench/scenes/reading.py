"""What `<live-thread>` costs the page it is in: Debian's Chromium, somebody else's site."""

from __future__ import annotations

import itertools
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from playwright.sync_api import Browser

from tests.bench.crowd import Crowd
from tests.bench.frames import BODY_CHARS, Broken, body, text_frame
from tests.bench.goals import AtMost
from tests.bench.results import OURS, Goal, Result, Row, Sample, measure, percentile
from tests.bench.scenes.schedule import Schedule, post_on_schedule
from tests.bench.scenes.stage import Player, Size, Stage
from tests.bench.servers import Descendants, Server, livethread
from tests.bench.sites import LivethreadSite
from tests.bench.tab import WATCH, Tab, chromium, no_chromium
from tests.browser.hosting import POLICY, hosting

LANGUAGE = "de"
LANGUAGES = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "ar": "Arabic",
    "ja": "Japanese",
}
PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8"><title>News</title>
<link rel="icon" href="data:,"><p>An article.</p>{thread}</html>"""
THREAD = """<script type="module" src="{server}/embed.js"></script>
<live-thread room="{room}" limit="{limit}"></live-thread>"""

SMALL, LARGE = "small", "large"
THREAD_SIZE = 5
"""A root and four replies, which are open from the start."""
SHIPPED, MOST = 20, 100
"""Threads in a first page: as it comes, and at the most, which fills the DOM up to its bound."""
RATE_PER_S = 100
PATIENCE_S = 20.0
WORK = ("ScriptDuration", "V8CompileDuration", "LayoutDuration", "RecalcStyleDuration")
THREADS = "document.querySelector('live-thread').shadowRoot"
READ_ROOTS = (
    f"[...{THREADS}.querySelectorAll('.roots > .item > article')]"
    ".map(({id}) => Number(id.slice('comment-'.length)))"
)


class ThreadSite(LivethreadSite):
    """Each root is answered by the four that follow; two of them, if it has one, by ``target``.

    That needs a room whose comments are numbered from 0, without a gap: the next one's id is then
    its number and 1.
    """

    target: int | None = None

    def post(self, room: str, number: int, chars: int = BODY_CHARS) -> bytes:
        place = number % THREAD_SIZE
        root = self.target if self.target and place > 2 else number - place + 1
        parent = b',"parent":%d' % root if place else b""
        form = b'{"type":"post","room":"%b","nonce":"bench-%08d","body":"%b"%b}'
        text = body(number, chars * (1, 2, 1, 4)[number % 4])
        return text_frame(form % (room.encode(), number, text, parent))


@dataclass(frozen=True, slots=True)
class Press:
    """A site of its own with one page, which has a thread of ours or nothing; and a browser."""

    server: Server
    site: str
    pages: list[tuple[str, str]]
    browser: Browser

    @contextmanager
    def reader(self, room: str, limit: int, language: str = LANGUAGE) -> Iterator[Tab]:
        """Somebody who has opened a page with a room, and sees its comments."""
        thread = THREAD.format(server=self._url, room=room, limit=limit)
        with self.tab(thread, language) as tab:
            tab.run("painted")
            yield tab

    @contextmanager
    def tab(self, thread: str = "", language: str = LANGUAGE) -> Iterator[Tab]:
        """Somebody who has opened a page, whatever is in it."""
        self.pages.append((PAGE.format(language=language, thread=thread), self._policy))
        with Tab(self.browser) as tab:
            tab.open(f"{self.site}/news")
            yield tab

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def _policy(self) -> str:
        return POLICY.format(server=self._url, socket=self._url.replace("http", "ws", 1))


@contextmanager
def printing(stage: Stage, browser: Browser) -> Iterator[Press]:
    pages: list[tuple[str, str]] = []
    with (
        hosting(lambda: pages[-1]) as site,
        livethread(stage.directory / "widget", stage.core, origins=[site]) as server,
    ):
        yield Press(server, site, pages, browser)


def widget(stage: Stage) -> Result:
    """A page with a thread, opened; one with all the comments it may hold; then one that is live.

    Rooms of 1,000 and 10,000 comments in threads of five. The page is opened anew each time, with
    nothing in the cache, and counted until its comments are painted.
    """
    result = Result([], [])
    missing = no_chromium()
    if missing is not None:
        result.missing.append(f"{OURS}: {missing}")
        return result
    size = stage.size
    rooms = {SMALL: size.history, LARGE: size.history * 10}
    with chromium() as browser, printing(stage, browser) as press, Crowd(OURS) as crowd:
        site = ThreadSite(press.server)
        player = Player(OURS, press.server, site, crowd)
        for room, comments in rooms.items():
            _fill(player, room, comments)
        result.rows += _delivery(press)
        result.rows += _opening(press, rooms, size.repeats)
        result.rows += _full(press, min(rooms[LARGE], MOST * THREAD_SIZE), size.repeats)
        live, result.samples = _live(press, player, site, size)
        result.rows += live
    return result


def _fill(player: Player, room: str, comments: int) -> None:
    """Write the room before a reader's eyes."""
    site, crowd = player.site, player.crowd
    crowd.join([site.reader([room])])
    (poster,) = crowd.join([site.poster(room)])
    for start in range(0, comments, 50):
        numbers = range(start, min(start + 50, comments))
        wanted = crowd.delivered + len(numbers)
        poster.send(b"".join(site.post(room, number) for number in numbers))
        crowd.wait(lambda: crowd.delivered >= wanted)  # noqa: B023 (it is called at once)


def _delivery(press: Press) -> Iterator[Row]:
    """What a page asks for until it shows comments, in each language."""
    for language, name in LANGUAGES.items():
        with press.reader(SMALL, SHIPPED, language) as tab:
            asked = [url for url in tab.asked if not url.startswith((press.site, "data:"))]
        size_kb = sum(_gzipped_kb(url) for url in asked if url.startswith("http"))
        yield _row(f"{name}: to first comments, gzipped", "kB", AtMost(20), [size_kb])
        yield _row(f"{name}: to first comments", "requests", AtMost(4), [len(asked)])


def _gzipped_kb(url: str) -> float:
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        return len(answer.read()) / 1000


def _opening(press: Press, rooms: Mapping[str, int], repeats: int) -> Iterator[Row]:
    """The page as it comes, with a small room and with a large one, in turns."""
    spent_ms: dict[str, list[float]] = {room: [] for room in rooms}
    for _ in range(repeats):
        for room, comments in rooms.items():
            with press.reader(room, SHIPPED) as tab:
                spent_ms[room].append(_work_ms(tab))
                _expect(tab, min(comments, SHIPPED * THREAD_SIZE))
    for room, comments in rooms.items():
        what = f"{comments} in the room: script and layout to first paint"
        yield _row(what, "ms", AtMost(100), spent_ms[room])
    ratios = [large / small for small, large in zip(*spent_ms.values(), strict=True)]
    yield _row(f"{rooms[LARGE]}, times what {rooms[SMALL]} cost", "×", AtMost(1.1), ratios)


def _full(press: Press, comments: int, repeats: int) -> Iterator[Row]:
    """As many comments on the page as it may hold, and what it then keeps of them."""
    work_ms, all_ms, heap_mb, more_mb = _lists(4)
    for _ in range(repeats):
        with press.tab() as tab:
            empty_mb = tab.heap_bytes() / 1e6
        with press.reader(LARGE, MOST) as tab:
            work_ms.append(_work_ms(tab))
            all_ms.append(tab.metrics()["TaskDuration"] * 1000)
            _expect(tab, comments)
            heap_mb.append(tab.heap_bytes() / 1e6)
            more_mb.append(heap_mb[-1] - empty_mb)
    yield _row(
        f"{comments} on the page: script and layout to first paint", "ms", AtMost(100), work_ms
    )
    yield _row(f"{comments} on the page: all of the main thread's work", "ms", None, all_ms)
    yield _row(f"{comments} on the page: JavaScript heap", "MB", AtMost(10), heap_mb)
    yield _row(f"{comments} on the page: heap above an empty page's", "MB", None, more_mb)


def _live(
    press: Press, player: Player, site: ThreadSite, size: Size
) -> tuple[list[Row], list[Sample]]:
    """100 comments a second come, to threads on screen and new ones; then the reader wants them."""
    tasks, frame_ms, share, show_ms = _lists(4)
    samples: list[Sample] = []
    (poster,) = player.crowd.join([site.poster(SMALL)])
    count = size.history
    numbers = itertools.count(count)
    schedule = Schedule(round(RATE_PER_S * size.page_s), RATE_PER_S, readers=1)
    for _ in range(size.crowd_repeats):
        with press.reader(SMALL, SHIPPED) as tab:
            site.target = max(tab.run(READ_ROOTS))
            tab.run(WATCH)
            used_s = tab.metrics()["TaskDuration"]
            work = partial(post_on_schedule, player, [(SMALL, poster)], numbers, schedule, [])
            sample = measure(OURS, Descendants(), player.crowd, work)
            share.append((tab.metrics()["TaskDuration"] - used_s) / sample.wall_s * 100)
            watched = tab.run("watched")
            tasks.append(len(watched["tasks"]))
            frame_ms.append(percentile([b - a for a, b in pairwise(watched["frames"])], 0.95))
            count += schedule.count
            _await_count(tab, count)
            show_ms.append(_show(tab, count))
            samples.append(sample)
    what = f"{RATE_PER_S} comments a second"
    return [
        _row(f"{what}: over 50 ms", "tasks", AtMost(0), tasks),
        _row(f"{what}: frame, p95", "ms", AtMost(33), frame_ms),
        _row(f"{what}: main thread", "% of a core", None, share),
        _row(f"the {schedule.count} that came, shown", "ms", None, show_ms),
    ], samples


def _lists(count: int) -> list[list[float]]:
    return [[] for _ in range(count)]


def _work_ms(tab: Tab) -> float:
    metrics = tab.metrics()
    return sum(metrics[name] for name in WORK) * 1000


def _row(figure: str, unit: str, goal: Goal | None, values: list[float]) -> Row:
    return Row("widget", figure, unit, {OURS: values}, (goal,) if goal else ())


def _expect(tab: Tab, comments: int) -> None:
    found = tab.run(f"{THREADS}.querySelectorAll('article').length")
    if found != comments:
        raise Broken(f"the page shows {found} comments, not {comments}")


def _await_count(tab: Tab, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while tab.run("count") != count:
        if time.monotonic() > deadline:
            raise Broken(f"the page counts {tab.run('count')} comments, not {count}")
        time.sleep(0.05)


def _show(tab: Tab, count: int) -> float:
    """Press the pill: what that costs; then the newest threads are there, none missing."""
    used_s = tab.metrics()["TaskDuration"]
    tab.run(f"{THREADS}.querySelector('.pill').click()")
    tab.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    spent_ms = (tab.metrics()["TaskDuration"] - used_s) * 1000
    roots = tab.run(READ_ROOTS)
    newest = count - (count - 1) % THREAD_SIZE
    if not roots or roots != list(range(newest, newest - len(roots) * THREAD_SIZE, -THREAD_SIZE)):
        raise Broken(f"the page shows the threads {roots}")
    return spent_ms
