"""Sites that a test has for itself on a shared server, and moderators at their desks there."""

from __future__ import annotations

import json
import re
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from click.testing import CliRunner
from playwright.sync_api import ConsoleMessage, Page, expect

from livethread.cli import main
from tests.browser.reader import PATIENCE_S, Reader
from tests.browser.rooms import Place
from tests.serverprocess import ServerProcess


@dataclass(frozen=True)
class Site:
    """A site that a test has for itself, for a desk looks at all rooms of one."""

    server: ServerProcess
    key: str
    place: Place
    nudge: Nudge

    @property
    def room(self) -> str:
        return self.place.room

    def say(self, *words: str) -> str:
        """What ``livethread …`` prints."""
        where = ["--data-dir", str(self.server.data_dir)]
        done = CliRunner().invoke(main, [*words, *where])
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    def ask(self, method: str, path: str, token: str, body: Any = None) -> Any:
        query = urlencode({"site": self.key})
        request = urllib.request.Request(
            f"{self.server.url}/api/v1/{path}{'&' if '?' in path else '?'}{query}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {token}",
                "Origin": self.server.url,
                "Idempotency-Key": secrets.token_urlsafe(),
            },
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def guest(self, name: str) -> str:
        """The token of somebody new."""
        return str(self.ask("POST", "guests", "", {"name": name})["guest_token"])

    def post(self, token: str, body: str, room: str = "", **more: Any) -> Any:
        path = f"rooms/{room or self.room}/comments"
        return self.ask("POST", path, token, {"body": body, **more})["comment"]

    def reader(self) -> Reader:
        """Somebody at a page of the site."""
        return self.place.reader(attributes={"site": self.key}).open()


class Nudge:
    """Has a server notice soon what an operator has said beside it.

    It looks each second; and at once when something is said through it, as by this moderator.
    """

    def __init__(self, server: ServerProcess) -> None:
        words = ["bot", "create", "Nudge", "--scope", "moderate", "--data-dir", server.data_dir]
        self._token = CliRunner().invoke(main, [*map(str, words)]).stdout.strip()
        self._url = f"{server.url}/api/v1/filters?room=nudge"

    def __call__(self, ask: Callable[[], Any]) -> None:
        """Return when what is asked isn't refused any more."""
        headers = {"Authorization": f"Bearer {self._token}"}
        request = urllib.request.Request(self._url, b"{}", headers, method="PUT")
        urllib.request.urlopen(request).close()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                ask()
            except urllib.error.HTTPError:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            else:
                return


class Desk:
    """A moderator: the page, and calls with the same token."""

    def __init__(self, site: Site, page: Page, url: str) -> None:
        self.page = page
        self._site = site
        self.token = url.partition("#token=")[2]
        self.errors: list[str] = []
        self.expects_outage = False
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)
        self._url = url

    def _console(self, message: ConsoleMessage) -> None:
        is_outage = any(words in message.text for words in ("WebSocket", "net::ERR_"))
        if message.type in ("error", "warning") and not (self.expects_outage and is_outage):
            self.errors.append(message.text)

    def open(self) -> Desk:
        self.page.goto(self._url)
        expect(self.page.locator(".state")).to_have_text("Live")
        return self

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self._site.ask(method, path, self.token, body)

    def premoderate(self) -> None:
        self.ask("PATCH", f"rooms/{self._site.room}", {"premoderate": True})

    def restrict(self, person: str, action: str, **more: Any) -> None:
        where = f"rooms/{self._site.room}/" if action.endswith("mute") else ""
        self.ask("POST", f"{where}moderation", {"author": person, "action": action, **more})

    def rows(self) -> list[str]:
        return self.page.locator(".queue .excerpt").all_text_contents()

    def current(self) -> str:
        return self.page.locator(".queue [aria-current=true] .excerpt").text_content() or ""

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def ask_for(self, tab: str) -> None:
        self.page.get_by_role("navigation").get_by_role("button", name=re.compile(tab)).click()

    def tab(self, name: str) -> None:
        """Another list, once it is there."""
        self.ask_for(name)
        expect(self.page.locator(".tab[aria-current]")).to_contain_text(name)
