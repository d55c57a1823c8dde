"""What the shell does with refusals, without a connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from livethread.protocol.commands import Page
from livethread.protocol.errors import HeldOff, LivethreadError, NotFound, RateLimited, Unavailable
from livethread.protocol.frames import PageReply
from livethread_client.conversation import Answer, Question
from livethread_client.live import Live, Options

QUESTION = Page(room="r")
REPLY = PageReply(room="r", comments=[], at=0)


class Answering(Live):
    """Answers from a list."""

    def __init__(self, *answers: Answer | LivethreadError, **options_: Any) -> None:
        options = Options(random=lambda low, high: 0, **options_)
        super().__init__("http://a.example", options=options)
        self.answers: Iterator[Answer | LivethreadError] = iter(answers)

    async def _answer(self, question: Question) -> Answer:
        answer = next(self.answers)
        if isinstance(answer, LivethreadError):
            raise answer
        return answer


async def test_a_server_in_trouble_is_asked_again_without_an_end() -> None:
    live = Answering(*[Unavailable()] * 50, REPLY)
    assert await live.ask(QUESTION, PageReply) == REPLY


@pytest.mark.parametrize("refusal", [RateLimited(retry_after_ms=1), HeldOff(retry_after_ms=1)])
async def test_limits_are_raised_unless_the_caller_has_patience(refusal: LivethreadError) -> None:
    with pytest.raises(type(refusal)):
        await Answering(refusal, REPLY).ask(QUESTION, PageReply)
    assert await Answering(refusal, REPLY).ask(QUESTION, PageReply, patience_s=5) == REPLY


async def test_who_waits_is_told_why_it_is_asked_again() -> None:
    told: list[LivethreadError] = []
    troubles = [Unavailable("full"), RateLimited(retry_after_ms=1), Unavailable("full")]
    live = Answering(*troubles, REPLY, on_retry=told.append)
    await live.ask(QUESTION, PageReply, patience_s=5)
    assert told == troubles


async def test_patience_ends() -> None:
    refusal = RateLimited(retry_after_ms=10_000)
    with pytest.raises(RateLimited):
        await Answering(refusal, REPLY).ask(QUESTION, PageReply, patience_s=5)


async def test_other_refusals_are_raised_at_once() -> None:
    with pytest.raises(NotFound):
        await Answering(NotFound(), REPLY).ask(QUESTION, PageReply, patience_s=60)
