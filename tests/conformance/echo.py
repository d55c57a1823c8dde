"""``livethread serve`` whose sessions say back what they hear: for Autobahn's cases.

Only the tests have it. What is exchanged is the session, which closes on binary messages, and how
those are gathered; uvicorn, the upgrade, ``websockets``' parser, fragments, UTF-8, compression, the
closing handshake and the timer are the production code. Run as the script it is: ``echo.py serve``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request

from livethread import app
from livethread.cli import main
from livethread.session import Phase, Session
from livethread.socket import Connection
from livethread.wire import encode_frame


@dataclass(frozen=True, slots=True)
class Say:
    """Send this text."""

    text: bytes


class Echo(Session):
    """Open from the start; it has no commands, so nothing it hears is wrong or too much."""

    def __init__(self, id: str, *arguments: Any, **named: Any) -> None:
        super().__init__(id, *arguments, **named)
        self.phase = Phase.OPEN

    def receive_text(self, data: Any) -> list[Any]:
        return [Say(data.encode())]

    def receive_control(self) -> list[Any]:
        return []


class EchoConnection(Connection):
    """Our socket with an :class:`Echo` on it, for binary messages, too."""

    _binary: bytearray | None = None

    def _handshake(self, request: Request) -> None:
        super()._handshake(request)
        if self._session is not None:
            rules = self._gateway.services.rules
            self._session = Echo(self._session.id, rules, self._address, has_origin=True)

    def _frame(self, frame: Frame) -> None:
        is_binary = frame.opcode is Opcode.BINARY or self._binary is not None
        if self._is_closing or not is_binary or frame.opcode not in (Opcode.BINARY, Opcode.CONT):
            super()._frame(frame)
            return
        self._binary = (self._binary or bytearray()) + frame.data
        if frame.fin:
            whole, self._binary = Frame(Opcode.BINARY, bytes(self._binary)), None
            self.write(whole.serialize(mask=False, extensions=self._ws.extensions))

    def _run(self, effects: Iterable[Any]) -> None:
        for effect in effects:
            if isinstance(effect, Say):
                self.write(encode_frame(effect.text, self._encoding))
            else:
                super()._run([effect])


if __name__ == "__main__":
    app.Connection = EchoConnection  # type: ignore[attr-defined]
    main()
