"""A connection's way out: straight to the kernel for as long as it takes everything."""

from __future__ import annotations

import os
from asyncio import Transport
from collections.abc import Sequence
from contextlib import suppress
from itertools import repeat


class Outlet:
    """Writes to a plain TCP transport's descriptor; what the kernel has no room for, through it.

    ``fd`` may be written to by others, in turn with :meth:`write`, while the transport holds
    nothing; -1: never. What it doesn't take is :meth:`write_rest`'s. So that this is known at once
    and not at some mark, a transport with a descriptor says stop as soon as it holds anything;
    another one over ``unsent_bytes``.
    """

    __slots__ = ("_transport", "fd")

    def __init__(self, transport: Transport, unsent_bytes: int) -> None:
        is_plain = transport.get_extra_info("sslcontext") is None
        self.fd: int = transport.get_extra_info("socket").fileno() if is_plain else -1
        self._transport = transport
        transport.set_write_buffer_limits(high=unsent_bytes if self.fd < 0 else 0)

    def write(self, data: bytes, /) -> None:
        """Never blocks and never raises; may call ``pause_writing`` before it returns."""
        if self.fd < 0 or self._transport.get_write_buffer_size():
            self._transport.write(data)
        elif (sent := broadcast((self.fd,), data)[0]) < len(data):
            self.write_rest(data, sent)

    def writelines(self, parts: Sequence[bytes], /) -> None:
        """The same for one frame in parts, which are kept as they are if they have to wait."""
        sent = 0
        if self.fd >= 0 and not self._transport.get_write_buffer_size():
            with suppress(OSError):  # full or gone: the transport finds out which
                sent = os.writev(self.fd, parts)
        for part in parts:  # one by one: asyncio's writelines doesn't say stop (CPython 3.13)
            if sent < len(part):
                self._transport.write(part[sent:])
            sent = max(0, sent - len(part))

    def write_rest(self, data: bytes, sent: int) -> None:
        """Have the transport write what the descriptor did not take."""
        self._transport.write(data[sent:])

    def close(self) -> None:
        """Write nothing more: the transport closes the descriptor, and its number is given away."""
        self.fd = -1


def broadcast(fds: Sequence[int], data: bytes) -> list[int]:
    """How many bytes each descriptor took: 0 where there is no room or nobody any more.

    One loop in C: after a system call the caches are the kernel's, and whatever the interpreter
    touches for one reader costs several times what it costs elsewhere.
    """
    sent: list[int] = []
    writing = map(os.write, fds, repeat(data))
    while len(sent) < len(fds):
        try:
            sent.extend(writing)
        except OSError:
            sent.append(0)
    return sent
