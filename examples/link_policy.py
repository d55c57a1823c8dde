"""A moderators' helper: reports comments whose links break the house rules.

    python examples/link_policy.py http://127.0.0.1:8080 news/bridge --deny bad.example --most 3

``--allow`` and ``--deny`` name hosts (their subdomains are meant, too) or, as ``@hosts.txt``, a
file of them. With ``--allow`` every other host breaks the rules. The token (a bot's, with the
scopes ``read`` and ``post``) is taken from LIVETHREAD_TOKEN. Reporting the same comment twice has
no effect, so nothing goes wrong if this stops between a report and its note of it.
"""
# ruff: noqa: INP001

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from livethread_client import Bot, Comment, LivethreadError, Room

LINK = re.compile(r"(?:https?:)?//[^\s<>()\"'\]]+|\bwww\.[^\s<>()\"'\]]+", re.IGNORECASE)


@dataclass(frozen=True)
class Policy:
    """``allow`` None: every host that isn't denied."""

    allow: frozenset[str] | None = None
    deny: frozenset[str] = frozenset()
    most: int = 5

    def complaint(self, body: str) -> str | None:
        """What is wrong with the links of a comment; None if nothing is."""
        links = LINK.findall(body)
        if len(links) > self.most:
            return f"{len(links)} links; {self.most} are allowed"
        for link in links:
            host = host_of(link)
            if not host or is_among(host, self.deny):
                return f"link to {host or 'no readable host'}"
            if self.allow is not None and not is_among(host, self.allow):
                return f"link to {host}, which is not on the list"
        return None


def host_of(link: str) -> str:
    """The host a browser would go to, in lower case; empty if it can't be told."""
    if "//" not in link:
        link = "//" + link
    try:
        host = urlsplit(link).hostname or ""
        return host.rstrip(".").encode("idna").decode()
    except (UnicodeError, ValueError):
        return ""


def is_among(host: str, hosts: Iterable[str]) -> bool:
    return any(host == known or host.endswith(f".{known}") for known in hosts)


def read_hosts(values: list[str]) -> frozenset[str]:
    """Hosts as given, and those of files given as ``@FILE``, one a line."""
    hosts: set[str] = set()
    for value in values:
        lines = Path(value[1:]).read_text().splitlines() if value.startswith("@") else [value]
        hosts |= {host_of(line.strip()) for line in lines if line.strip()}
    return frozenset(hosts - {""})


def make_bot(url: str, token: str, rooms: list[str], policy: Policy, state: Path | None) -> Bot:
    bot = Bot(url, token, rooms=rooms, state=state)

    @bot.on_comment()
    async def check(comment: Comment, room: Room) -> None:
        complaint = policy.complaint(comment.body or "")
        if complaint is not None:
            await room.report(comment.id, "spam", complaint[:500])

    return bot


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Report comments whose links break the rules.")
    parser.add_argument("url", help="the server, such as http://127.0.0.1:8080")
    parser.add_argument("rooms", nargs="+", metavar="room")
    parser.add_argument("--allow", action="append", default=[], metavar="HOST")
    parser.add_argument("--deny", action="append", default=[], metavar="HOST")
    parser.add_argument("--most", type=int, default=5, help="links in one comment")
    parser.add_argument("--state", type=Path, default=Path("link_policy.json"))
    options = parser.parse_args()
    if "LIVETHREAD_TOKEN" not in os.environ:
        parser.error("set LIVETHREAD_TOKEN to the bot's token")
    try:
        policy = Policy(
            read_hosts(options.allow) if options.allow else None,
            read_hosts(options.deny),
            options.most,
        )
        token = os.environ["LIVETHREAD_TOKEN"]
        make_bot(options.url, token, options.rooms, policy, options.state).run()
    except (LivethreadError, OSError, ValueError) as error:
        parser.error(str(error))
