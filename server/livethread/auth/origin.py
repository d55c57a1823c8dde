"""Which pages may open a websocket or call the API from a browser. RFC 6454."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_SUBDOMAIN = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.")


class Origins:
    """Exact origins, and such with a ``*.`` that stands for any subdomain, at any depth.

    Comparison is of whole strings, so neither a prefix nor a suffix gets by, and ``null``
    (sandboxed frames, files) is never allowed.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        allowed = [origin.lower().rstrip("/") for origin in allowed]
        self._exact = frozenset(origin for origin in allowed if "*" not in origin)
        self._below = tuple(
            (f"{scheme}://", domain)
            for scheme, _, domain in (o.partition("://*.") for o in allowed if "*" in o)
        )

    def __contains__(self, origin: object) -> bool:
        """Whether a page of that origin, in lower case, is among them."""
        if origin in self._exact:
            return True
        if not isinstance(origin, str):
            return False
        return any(
            origin.startswith(scheme)
            and origin.endswith(domain)
            and _SUBDOMAIN.fullmatch(origin[len(scheme) : -len(domain)]) is not None
            for scheme, domain in self._below
        )


class OwnOrigin:
    """The server's own pages.

    That is ``public_url``'s origin where there is one, else the address that the client used: what
    a client says the Host is can't be held against a page that has pointed its own name here.
    """

    def __init__(self, public_url: str = "") -> None:
        parts = urlsplit(public_url)
        self.known = f"{parts.scheme}://{parts.netloc}".lower() if public_url else None

    def of(self, host: str, *, is_tls: bool) -> str | None:
        """The own origin as a client that addressed ``host`` sees it; None without one host."""
        if self.known or not host:
            return self.known
        return f"{'https' if is_tls else 'http'}://{host.lower()}"
