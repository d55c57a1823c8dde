"""A mail server that keeps what it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from queue import Queue
from typing import Any

from aiosmtpd.controller import Controller

PATIENCE_S = 20


class Mailbox:
    """``url`` is the server's; its mail comes out of :meth:`next` in the order it came in."""

    def __init__(self) -> None:
        self._came: Queue[EmailMessage] = Queue()
        self.url = ""
        self.answer = "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802 (their name)
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self._came.put(letter)
        return self.answer

    def next(self) -> EmailMessage:
        return self._came.get(timeout=PATIENCE_S)

    def next_link(self) -> str:
        found = re.search(r"https?://\S+", text_of(self.next()))
        assert found is not None
        return found[0]

    @property
    def waiting(self) -> int:
        return self._came.qsize()


def text_of(letter: EmailMessage) -> str:
    body: str = letter.get_content()
    return body.replace("\r\n", "\n")


class AnyPort(Controller):
    """On a port from the kernel, which the original doesn't look up before it calls itself."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def a_mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    controller = AnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    box.url = f"smtp://127.0.0.1:{controller.port}"
    try:
        yield box
    finally:
        controller.stop()
