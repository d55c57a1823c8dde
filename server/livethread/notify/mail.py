"""Sends mail, some letters at a time, behind whoever asked for it."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog

from livethread.protocol.errors import Unavailable

log = structlog.get_logger(__name__)

MAX_WAITING = 200
MAX_AT_ONCE = 4
TIMEOUT_S = 20.0


class Mailer:
    """Letters from ``sender`` by the server of ``url``: ``smtp[s]://[user:password@]host[:port]``.

    ``smtps`` is TLS from the start; ``smtp`` uses STARTTLS where the server offers it, and insists
    on it if there is a password. Letters that wait are bounded; over that ``Unavailable``.
    """

    def __init__(
        self, url: str, sender: str, send: Callable[..., Awaitable[Any]] = aiosmtplib.send
    ) -> None:
        parts = urlsplit(url)
        is_tls = parts.scheme == "smtps"
        self._sender = sender
        self._send = send
        self._how: dict[str, Any] = {
            "hostname": parts.hostname,
            "port": parts.port,
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "use_tls": is_tls,
            "start_tls": (True if parts.password else None) if not is_tls else False,
            "timeout": TIMEOUT_S,
        }
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)
        self._waiting: set[Task[None]] = set()

    def post(self, to: str, subject: str, text: str) -> None:
        """Have it sent; a failure is logged, without the address. Raises ``Unavailable``."""
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("Mail can't be sent just now. Try again in a moment.")
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = self._sender, to, subject
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation answers to it
        letter.set_content(text)
        task = asyncio.get_running_loop().create_task(self._deliver(letter))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def close(self) -> None:
        """Let go of what waits."""
        for task in self._waiting:
            task.cancel()
        if self._waiting:
            await asyncio.wait(self._waiting)

    async def _deliver(self, letter: EmailMessage) -> None:
        async with self._turns:
            try:
                await self._send(letter, **self._how)
            except (aiosmtplib.SMTPException, OSError, ValueError) as error:
                log.warning("mail_not_sent", reason=type(error).__name__)
