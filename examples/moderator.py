"""A moderation bot: looks at every comment that is held, and approves, rejects or leaves it.

    python examples/moderator.py http://127.0.0.1:8080 --reject casino --flag https://

Comments that have a word of ``--reject`` are rejected, those that have one of ``--flag`` stay held
for people, with the reason; all others are approved. To have it look at every comment, and readers
wait for it 5 s at most, set the filters ``{"judge_s": 5, "judge_default": "approve"}``. The token
(a bot's, with the scopes ``read``, ``moderate``, ``staff-feed``) is taken from LIVETHREAD_TOKEN.
"""
# ruff: noqa: INP001

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable

from livethread_client import Bot, Comment, LivethreadError, Room

WAITING = "a bot looks at it"
"""Why a comment is held that waits for a judgement only; others are held for people."""


def make_bot(url: str, token: str, reject: Iterable[str], flag: Iterable[str]) -> Bot:
    bot = Bot(url, token)

    @bot.on_held()
    async def judge(comment: Comment, room: Room) -> None:
        if comment.hold != WAITING:
            return
        body = (comment.body or "").casefold()
        if any(word in body for word in reject):
            await room.moderate(
                comment.id, "reject", "a word that isn't said here", seq=comment.seq
            )
        elif found := [word for word in flag if word in body]:
            await room.moderate(
                comment.id, "hold", f"has {found[0]!r}: look at it", seq=comment.seq
            )
        else:
            await room.moderate(comment.id, "approve", seq=comment.seq)

    return bot


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Judge comments that are held.")
    parser.add_argument("url", help="the server, such as http://127.0.0.1:8080")
    parser.add_argument("--reject", action="append", default=[], metavar="WORD")
    parser.add_argument("--flag", action="append", default=[], metavar="WORD")
    options = parser.parse_args()
    if "LIVETHREAD_TOKEN" not in os.environ:
        parser.error("set LIVETHREAD_TOKEN to the bot's token")
    try:
        make_bot(options.url, os.environ["LIVETHREAD_TOKEN"], options.reject, options.flag).run()
    except (LivethreadError, OSError) as error:
        parser.error(str(error))
