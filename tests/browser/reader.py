"""Somebody at a browser: what they do to a thread, and what they see of it."""

from __future__ import annotations

import re
import time
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Locator, expect

Tree = list[tuple[str, "Tree"]]

PATIENCE_S = 40
POLL_MS = 20

READ_TREE = """() => {
  const read = (list) => [...list.children]
    .map((row) => row.querySelector(":scope > article:not(.pending)"))
    .filter(Boolean)
    .map((article) => [
      `${article.querySelector("h3").textContent}: ${article.querySelector(".body").textContent}`,
      read(article.parentElement.querySelector(":scope > .branch > .replies")),
    ]);
  return read(document.querySelector("live-thread").shadowRoot.querySelector(".roots"));
}"""


class Reader:
    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.errors: list[str] = []
        self._expects_outage = False
        self.page = context.new_page()
        self.page.on("pageerror", self._page_error)
        self.page.on("console", self._console)

    # ── what they do ────────────────────────────────────────────────────────────────────────────

    def open(self) -> Reader:
        self.page.goto(self.url)
        self._comes_near()
        self.sees_state("live")
        return self

    def reload(self) -> None:
        self.page.reload()
        self._comes_near()
        self.sees_state("live")

    def _comes_near(self) -> None:
        """Scrolls to the thread if it is too far down to have begun."""
        self.page.evaluate(
            """() => {
              const thread = document.querySelector("live-thread");
              if (thread?.getBoundingClientRect().top > innerHeight + 500) thread.scrollIntoView();
            }"""
        )

    def expect_outage(self) -> None:
        """From now on, failed connections are no reason to fail the test."""
        self._expects_outage = True

    def write(self, text: str, name: str | None = None) -> None:
        self._fill(self.page.locator("live-thread form.composer:not(.reply)"), text, name)

    def reply(self, to: str, text: str, name: str | None = None) -> None:
        self.comment(to).get_by_role("button", name=re.compile("^Reply to")).click()
        self._fill(self.page.locator("live-thread form.reply"), text, name)

    def choose(self, comment: str, choice: str) -> None:
        """Opens a comment's menu and presses what it offers."""
        article = self.comment(comment)
        article.get_by_role("button", name=re.compile("^More about")).click()
        article.locator(".menu").get_by_role("button", name=choice).click()

    def _fill(self, form: Locator, text: str, name: str | None) -> None:
        box = form.locator("textarea")
        box.fill(text)
        if name is not None:
            form.get_by_label("Your name").fill(name)
        box.press("Control+Enter")

    # ── what they see ───────────────────────────────────────────────────────────────────────────

    def comment(self, text: str) -> Locator:
        return self.page.locator("live-thread article:not(.pending)").filter(has_text=text)

    def sees_state(self, state: str) -> None:
        dot = self.page.locator(f"live-thread .dot[data-state={state}]")
        expect(dot).to_be_attached(timeout=PATIENCE_S * 1000)

    def tree(self) -> Tree:
        return _tupled(self.page.evaluate(READ_TREE))

    def sees(self, tree: Tree) -> None:
        """Waits until the thread is exactly this, with nothing pending."""
        deadline = time.monotonic() + PATIENCE_S
        while self.tree() != tree and time.monotonic() < deadline:
            self.page.wait_for_timeout(POLL_MS)
        assert self.tree() == tree
        expect(self.page.locator("live-thread article.pending")).to_have_count(0)

    def eventually(self, script: str, expected: object) -> None:
        """Waits until a script has this result (Playwright's own wait needs `unsafe-eval`)."""
        deadline = time.monotonic() + PATIENCE_S
        while self.page.evaluate(script) != expected and time.monotonic() < deadline:
            self.page.wait_for_timeout(POLL_MS)
        assert self.page.evaluate(script) == expected

    def next_frame(self) -> None:
        """Waits until the page is laid out and drawn, with what has come near at its true size."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def focused(self) -> dict[str, Any]:
        """The focused element's tag and label."""
        script = """() => {
          const element = document.querySelector("live-thread").shadowRoot.activeElement;
          if (!element) return {tag: null, label: null};
          return {tag: element.localName, label: element.getAttribute("aria-label")};
        }"""
        found: dict[str, Any] = self.page.evaluate(script)
        return found

    # ── what goes wrong ─────────────────────────────────────────────────────────────────────────

    def _page_error(self, error: Error) -> None:
        self.errors.append(f"page: {error}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        lost = ("WebSocket", "net::ERR_", "status of 403")
        if self._expects_outage and any(words in message.text for words in lost):
            return
        self.errors.append(f"console: {message.text}")


def _tupled(rows: list[Any]) -> Tree:
    return [(text, _tupled(replies)) for text, replies in rows]
