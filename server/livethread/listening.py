"""Where the server listens: its sockets, the address to open, and what to do if it can't be had."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from typing import Any

_NOTSENT_LOWAT: int | None = getattr(
    socket, "TCP_NOTSENT_LOWAT", 25 if sys.platform == "linux" else None
)


def bound_unsent(listener: Any, size_bytes: int) -> None:
    """Have the kernel hold about so many unsent bytes of each connection that is accepted.

    Without it that is 4 MB, of which a third must be taken before we hear of any progress: longer
    than a slow but honest reader has. Accepted sockets have it of the one that listens (Linux).
    """
    if _NOTSENT_LOWAT is not None:
        listener.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, size_bytes)


def problem_of(error: OSError) -> str:
    """What is wrong, in the system's words."""
    if isinstance(error, socket.gaierror) or not error.errno:
        return error.strerror or str(error)
    return os.strerror(error.errno)  # asyncio's own text repeats the address


def remedy_for(error: OSError) -> str:
    """What to do about an address that can't be listened on."""
    if isinstance(error, socket.gaierror):
        return "Choose another --host: an address of this machine, or 0.0.0.0 for all."
    match error.errno:
        case errno.EADDRINUSE:
            return "Stop what uses it, or choose another --port."
        case errno.EACCES:
            return "Ports below 1024 need a privilege: choose another --port, or use a proxy."
        case _:
            return "Choose another --host: an address of this machine, or 0.0.0.0 for all."


def url_of(address: str, port: int, *, is_tls: bool) -> str:
    """The address to open on this machine: 0.0.0.0 and :: stand for all, and can't be opened."""
    found = ipaddress.ip_address(address)
    if found.is_unspecified:
        found = ipaddress.ip_address("127.0.0.1" if found.version == 4 else "::1")
    host = f"[{found}]" if found.version == 6 else f"{found}"
    return f"{'https' if is_tls else 'http'}://{host}:{port}"
