"""A connection's way out: straight to the kernel for as long as it takes everything."""

from __future__ import annotations

from asyncio import Transport
from collections.abc import Sequence
from contextlib import suppress
from itertools import repeat
from socket import SocketType


class Outlet:
    """Writes to a plain TCP transport's socket; what the kernel has no room for, through it.

    ``socket`` may be sent to by others, in turn with :meth:`write`, while the transport holds
    nothing; None: never. What it doesn't take is :meth:`write_rest`'s. So that this is known at
    once and not at some mark, a transport with a socket says stop as soon as it holds anything;
    another one over ``unsent_bytes``.
    """

    __slots__ = ("_transport", "socket")

    def __init__(self, transport: Transport, unsent_bytes: int) -> None:
        self.socket: SocketType | None = None
        its = transport.get_extra_info("socket")
        if transport.get_extra_info("sslcontext") is None and its.fileno() >= 0:
            # An object of our own for its descriptor: the loops lend none that sends. By send(),
            # as write() costs the kernel 0.2 µs more.
            self.socket = SocketType(its.family, its.type, its.proto, fileno=its.fileno())
        self._transport = transport
        transport.set_write_buffer_limits(high=unsent_bytes if self.socket is None else 0)

    def write(self, data: bytes, /) -> None:
        """Never blocks and never raises; may call ``pause_writing`` before it returns."""
        if self.socket is None or self._transport.get_write_buffer_size():
            self._transport.write(data)
        elif (sent := broadcast((self.socket,), data)[0]) < len(data):
            self.write_rest(data, sent)

    def writelines(self, parts: Sequence[bytes], /) -> None:
        """The same for one frame in parts, which are kept as they are if they have to wait."""
        sent = 0
        if self.socket is not None and not self._transport.get_write_buffer_size():
            with suppress(OSError):  # full or gone: the transport finds out which
                sent = self.socket.sendmsg(parts)
        for part in parts:  # one by one: asyncio's writelines doesn't say stop (CPython 3.13)
            if sent < len(part):
                self._transport.write(part[sent:])
            sent = max(0, sent - len(part))

    def write_rest(self, data: bytes, sent: int) -> None:
        """Have the transport write what the socket did not take."""
        self._transport.write(data[sent:])

    def close(self) -> None:
        """Write nothing more: the transport closes the descriptor, and its number is given away."""
        if self.socket is not None:
            self.socket.detach()
            self.socket = None


def broadcast(sockets: Sequence[SocketType], data: bytes) -> list[int]:
    """How many bytes each socket took: 0 where there is no room or nobody any more.

    One loop in C: after a system call the caches are the kernel's, and whatever the interpreter
    touches for one reader costs several times what it costs elsewhere.
    """
    sent: list[int] = []
    sending = map(SocketType.send, sockets, repeat(data))
    while len(sent) < len(sockets):
        try:
            sent.extend(sending)
        except OSError:
            sent.append(0)
    return sent
