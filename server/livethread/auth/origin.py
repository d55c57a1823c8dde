"""Which sites' pages may open a websocket or call the API from a browser."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit


class OriginPolicy:
    """Exact origins, ``scheme://host[:port]``; the server's own is always among them.

    That is ``public_url``'s where there is one, else the address that the client used: what a
    client says the Host is can't be held against a page that has pointed its own name here.
    Comparison is of whole strings in lower case, so neither a prefix nor a suffix gets by, and
    ``null`` (sandboxed frames, files) is never allowed. RFC 6454.
    """

    def __init__(self, allowed: Iterable[str], public_url: str = "") -> None:
        self._allowed = frozenset(origin.lower().rstrip("/") for origin in allowed)
        self._is_named = bool(public_url)
        if public_url:
            parts = urlsplit(public_url)
            self._allowed |= {f"{parts.scheme}://{parts.netloc}".lower()}

    @property
    def allowed(self) -> list[str]:
        return sorted(self._allowed)

    def allows(self, origin: str, host: str, *, is_tls: bool) -> bool:
        """Whether a page of ``origin`` may talk to this server, addressed as ``host``."""
        origin = origin.lower()
        if origin in self._allowed or self._is_named:
            return origin in self._allowed
        return origin == f"{'https' if is_tls else 'http'}://{host.lower()}"
