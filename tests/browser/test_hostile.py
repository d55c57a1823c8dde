"""What readers write stays text: attacks through every field, with a policy and without."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Dialog, expect

from livethread.cli import main
from livethread.web.atom import NAMESPACE
from tests.browser.desks import Nudge
from tests.browser.hosting import POLICY, hosting
from tests.browser.reader import Reader
from tests.browser.test_embedding import PAGE
from tests.browser.writing import Writer
from tests.conformance.packages import naughty_strings
from tests.serverprocess import UNLIMITED, ServerProcess, serving

pytestmark = pytest.mark.browser

OWN = [
    "<img src=x onerror=harmed()>",
    "<script>harmed()</script>",
    '"><svg onload=harmed()>',
    "'\"--></style></script><script>harmed()</script>",
    "[x](javascript:harmed())",
    "[x](JaVaScRiPt:harmed())",
    "[x](java\tscript:harmed())",
    "[x](&#106;avascript:harmed())",
    "[x](data:text/html;base64,PHNjcmlwdD5oYXJtZWQoKTwvc2NyaXB0Pg==)",
    "[x](vbscript:harmed())",
    "[x](https://x/ \"onmouseover='harmed()'\")",
    "![x](javascript:harmed())",
    "![x](https://127.0.0.1:9/tracker.png)",
    "<javascript:harmed()>",
    "<a href=javascript:harmed()>x</a>",
    "<iframe srcdoc='<script>parent.harmed()</script>'>",
    "<math><mi xlink:href=javascript:harmed()>x",
    "<details open ontoggle=harmed()>",
    "<style>@import 'javascript:harmed()'</style>",
    "<live-thread room=x onclick=harmed()>",
    "<template shadowrootmode=open><script>harmed()</script></template>",
    "{{constructor.constructor('harmed()')()}}",
    "${harmed()}",
    "```\n</code></pre><script>harmed()</script>\n```",
    "`</code><script>harmed()</script>`",
    "> <script>harmed()</script>",
    "1. <img src=x onerror=harmed()>",
    "__proto__",
    "constructor",
]
NAMES = ["<img src=x onerror=harmed()>", "{{constructor}}", "__proto__", "${harmed()}", "\"'><b>"]

WATCH = """() => {
  window.harm = [];
  window.harmed = () => harm.push("ran");
  for (const name of ["alert", "prompt", "confirm"]) window[name] = () => harm.push(name);
  document.addEventListener("securitypolicyviolation", (event) => harm.push(event.blockedURI));
}"""
# Elements and attributes that the widget itself never makes.
MADE = """() => {
  const shadow = document.querySelector("live-thread").shadowRoot;
  const foreign = shadow.querySelectorAll(
    "script, img, svg, iframe, style, math, template, object, embed, audio, link, live-thread");
  const isActing = ({name}) => name.startsWith("on") || name === "style";
  const acting = [...shadow.querySelectorAll("*")].filter((element) =>
    [...element.attributes].some(isActing));
  const links = [...shadow.querySelectorAll("a[href]")].filter((link) =>
    !/^(https?:|mailto:|#comment-)/.test(link.getAttribute("href")));
  return [foreign, acting, links].map((found) => found.length);
}"""


def corpus() -> list[str]:
    marks = ("<", "script", "alert", "on", "%", "\\", "'")
    return OWN + [text for text in naughty_strings() if any(mark in text for mark in marks)]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, str, int]]:
    """A server, a site that embeds it under a strict policy, and how many roots its room has."""
    servers: list[str] = []

    def answer() -> tuple[str, str]:
        [server] = servers
        return PAGE.format(server=server), POLICY.format(
            server=server, socket=server.replace("http", "ws", 1)
        )

    directory = tmp_path_factory.mktemp("attacked")
    with hosting(answer) as site, serving(directory, origins=[site], **UNLIMITED) as server:
        servers.append(server.url)
        yield server, site, attack(server.url)


def attack(server_url: str) -> int:
    """Writes the corpus wherever the server takes it; returns how many comments that made."""
    room = "news/2026/bridge-opens"
    made = 0
    for name in NAMES:
        try:
            with Writer(server_url, room, name) as writer:
                writer.post(f"By {name}")
                made += 1
        except AssertionError:
            continue  # no name for the server
    with Writer(server_url, room, "Mallory") as writer:
        edited = writer.post("To be edited")
        made += 1
        for text in corpus():
            try:
                writer.post(text)
                made += 1
                writer.ask("edit", comment=edited, body=text)
                writer.ask("report", comment=edited, reason="other", text=text[:500])
            except AssertionError:
                continue  # nothing in it, say, or too long
    return made


@pytest.mark.parametrize("has_policy", [True, False])
def test_nothing_of_the_corpus_runs_or_becomes_markup(
    attacked: tuple[ServerProcess, str, int], browser: Browser, has_policy: bool
) -> None:
    _, site, made = attacked
    assert made > len(OWN)
    reader = watched(browser, f"{site}/news", bypass_csp=not has_policy)
    reader.page.evaluate("document.querySelector('live-thread').setAttribute('limit', '100')")
    articles = reader.page.locator("live-thread .roots article")
    more = reader.page.get_by_role("button", name="Show more comments")
    expect(articles.first).to_be_attached()
    while more.count():
        before = articles.count()
        more.click()
        expect(articles).not_to_have_count(before)
    expect(articles).to_have_count(made)
    assert reader.page.evaluate(MADE) == [0, 0, 0]
    for link in reader.page.locator("live-thread .body a").all()[:20]:
        link.dispatch_event("mouseover")
    assert reader.page.evaluate("harm") == []
    reader.context.close()
    assert reader.errors == []


def test_what_is_written_here_does_not_run_here(
    attacked: tuple[ServerProcess, str, int], browser: Browser
) -> None:
    """Optimistic posts, drafts, edits and refusals are shown before the server has seen them."""
    _, site, _ = attacked
    reader = watched(browser, f"{site}/news")
    reader.page.evaluate("document.querySelector('live-thread').setAttribute('room', 'news/own')")
    reader.sees_state("live")
    for n, text in enumerate(OWN):
        reader.write(text, name="<i>Mallory</i>" if n == 0 else None)
    articles = reader.page.locator("live-thread .roots article:not(.pending)")
    expect(articles).to_have_count(len(OWN), timeout=20_000)
    reader.page.locator("live-thread .acts").first.click()
    reader.page.locator("live-thread .menu button").first.click()
    reader.page.locator("live-thread form.reply textarea").fill(OWN[0])
    reader.page.keyboard.press("Control+Enter")
    expect(reader.page.locator("live-thread form.reply")).to_have_count(0)
    assert reader.page.evaluate(MADE) == [0, 0, 0]
    assert reader.page.evaluate("harm") == []
    reader.context.close()
    assert reader.errors == []


def test_the_page_without_javascript_runs_nothing_either(
    attacked: tuple[ServerProcess, str, int], browser: Browser
) -> None:
    server, _, _ = attacked
    reader = watched(browser, f"{server.url}/rooms/news/2026/bridge-opens", bypass_csp=True)
    assert reader.page.locator("main").count() > 0
    assert reader.page.evaluate("harm") == []
    reader.context.close()
    assert reader.errors == []


# The oldest rows at hand in turn, so that their words are shown whole.
OPEN_OLDEST = """(count) =>
  [...document.querySelectorAll(".row .open")].slice(-count).forEach((row) => row.click())"""
MADE_AT_THE_DESK = """() => {
  const foreign = document.querySelectorAll(
    "main :is(img, svg, iframe, script, style, math, template, object, embed, audio, link)");
  const acting = [...document.querySelectorAll("main *")].filter((element) =>
    [...element.attributes].some(({name}) => name.startsWith("on") || name === "style"));
  const links = [...document.querySelectorAll("main a[href]")].filter((link) =>
    !/^(https?:|mailto:|[/#?])/.test(link.getAttribute("href")));
  return [foreign, acting, links].map((found) => found.length);
}"""


def test_nothing_of_the_corpus_runs_at_the_moderation_page_even_without_its_policy(
    attacked: tuple[ServerProcess, str, int], browser: Browser
) -> None:
    server, _, made = attacked
    reader = watched(browser, operated(server), bypass_csp=True)
    page, rows = reader.page, reader.page.locator(".row")
    page.locator(".tab", has_text="Recent").click()
    more = page.get_by_role("button", name="Show more")
    expect(rows.first).to_be_attached()
    while more.count():
        before = rows.count()
        more.click()
        expect(rows).not_to_have_count(before)
    assert rows.count() >= made  # in another room a reader may have written, too
    page.evaluate(OPEN_OLDEST, len(NAMES) + len(OWN))
    expect(page.locator(".detail .log, .detail .author").first).to_be_attached()
    assert page.evaluate(MADE_AT_THE_DESK) == [0, 0, 0]
    assert page.evaluate("harm") == []
    reader.context.close()
    assert reader.errors == []


def operated(server: ServerProcess) -> str:
    """The address of the moderation page for Ana, once the server knows her."""
    words = ["admin", "link", "Ana", "--public-url", server.url, "--data-dir", str(server.data_dir)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    url = done.stdout.strip()
    headers = {"Authorization": f"Bearer {url.partition('#token=')[2]}"}
    queue = urllib.request.Request(f"{server.url}/api/v1/queue", headers=headers)
    Nudge(server)(lambda: urllib.request.urlopen(queue).close())
    return url


def test_nothing_of_the_corpus_runs_in_a_reader_of_feeds(
    attacked: tuple[ServerProcess, str, int], browser: Browser
) -> None:
    """A careless one: it puts what each entry holds into its own page."""
    server, _, _ = attacked
    with Writer(server.url, "news/feed", "Mallory") as writer:
        for text in OWN:
            writer.post(text)
    with urllib.request.urlopen(f"{server.url}/feeds/news/feed") as answer:
        feed = ElementTree.parse(answer)
    contents = [found.text or "" for found in feed.iter(f"{{{NAMESPACE}}}content")]
    assert len(contents) == len(OWN)
    context = browser.new_context(bypass_csp=True)
    context.add_init_script(f"({WATCH})()")
    page = context.new_page()
    page.goto(f"{server.url}/health")
    page.set_content("".join(contents))
    assert page.evaluate("harm") == []
    assert page.locator("img, svg, iframe, script, style, [onerror], [onload]").count() == 0
    assert page.locator("a[href^='javascript' i], a[href^='data' i]").count() == 0
    context.close()


def watched(browser: Browser, url: str, **options: Any) -> Reader:
    context = browser.new_context(reduced_motion="reduce", **options)
    context.add_init_script(f"({WATCH})()")
    reader = Reader(context, url)

    def dismiss(dialog: Dialog) -> None:
        reader.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    reader.page.on("dialog", dismiss)
    reader.page.goto(url)
    if "/rooms/" not in url and "/moderation" not in url:
        reader.sees_state("live")
    return reader
