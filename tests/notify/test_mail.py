from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiosmtplib import SMTPException
from structlog.testing import capture_logs

from livethread.notify.mail import MAX_AT_ONCE, MAX_WAITING, Mailer
from livethread.protocol.errors import Unavailable
from tests.notify.mailserver import a_mailbox, text_of


async def test_a_letter_arrives() -> None:
    with a_mailbox() as box:
        mailer = Mailer(box.url, "Comments <comments@news.example>")
        mailer.post("mara@mail.example", "Ünder", "Text, ünd more.\n")
        letter = await asyncio.to_thread(box.next)
        await mailer.close()
    assert letter["From"] == "Comments <comments@news.example>"
    assert (letter["To"], letter["Subject"]) == ("mara@mail.example", "Ünder")
    assert text_of(letter) == "Text, ünd more.\n"


async def test_a_failure_is_logged_without_the_address() -> None:
    for error in (SMTPException("no mara@mail.example here"), OSError("refused")):

        async def refuse(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        mailer = Mailer("smtp://127.0.0.1", "a@b.example", refuse)
        with capture_logs() as logs:
            mailer.post("mara@mail.example", "s", "t")
            await asyncio.gather(*mailer._waiting)
        (entry,) = logs
        assert entry["event"] == "mail_not_sent"
        assert "mara" not in str(entry)


async def test_few_at_once_and_not_too_many_wait() -> None:
    now, most = 0, 0
    open_ = asyncio.Event()

    async def slow(*_: Any, **__: Any) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await open_.wait()
        now -= 1

    mailer = Mailer("smtp://127.0.0.1", "a@b.example", slow)
    for _ in range(MAX_WAITING):
        mailer.post("mara@mail.example", "s", "t")
    with pytest.raises(Unavailable):
        mailer.post("mara@mail.example", "s", "t")
    await asyncio.sleep(0)  # each has begun, or waits for its turn
    assert now == MAX_AT_ONCE
    open_.set()
    await asyncio.gather(*mailer._waiting)
    assert most == MAX_AT_ONCE
    mailer.post("mara@mail.example", "s", "t")
    await mailer.close()


async def test_a_password_is_never_sent_in_clear() -> None:
    given: dict[str, Any] = {}

    async def keep(*_: Any, **how: Any) -> None:
        given.update(how)

    for url, tls in (
        ("smtp://me:p%40ss@mail.example:587", {"use_tls": False, "start_tls": True}),
        ("smtps://me:p%40ss@mail.example", {"use_tls": True, "start_tls": False}),
        ("smtp://mail.example", {"use_tls": False, "start_tls": None}),
    ):
        mailer = Mailer(url, "a@b.example", keep)
        mailer.post("mara@mail.example", "s", "t")
        await asyncio.gather(*mailer._waiting)
        assert {name: given[name] for name in tls} == tls
        assert given["password"] in ("p@ss", None)
