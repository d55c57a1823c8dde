"""Where a server's websocket is, from the address people know it by."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

_WEBSOCKET = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_PAGE = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_SITE = re.compile("(site=[a-z0-9-]+)?")


class Address(NamedTuple):
    """A server's websocket and the origin of its own pages."""

    websocket: str
    origin: str


def resolve(url: str) -> Address:
    """The address of a server given as ``https://comments.example`` (or ``wss://…/ws``).

    ``?site=KEY`` at its end names one of the server's sites; a bot's token names its own.

    Raises ``ValueError`` for anything but an absolute http or websocket address.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if (
        scheme not in _WEBSOCKET
        or not parts.hostname
        or parts.username
        or not _SITE.fullmatch(parts.query)
    ):
        raise ValueError(f"{url!r} is not a server's address like https://comments.example")
    path = parts.path.rstrip("/")
    if not path.endswith("/ws"):
        path += "/ws"
    host = parts.netloc.lower()
    if parts.port == (443 if _PAGE[scheme] == "https" else 80):
        host = host.rpartition(":")[0]  # browsers leave a scheme's own port out of an origin
    return Address(
        urlunsplit((_WEBSOCKET[scheme], parts.netloc, path, parts.query, "")),
        f"{_PAGE[scheme]}://{host}",
    )
