"""Which site a page or a client is on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from livethread.auth.origin import Origins, OwnOrigin
from livethread.protocol.errors import Forbidden
from livethread.site import DEFAULT, Site


class Call(NamedTuple):
    """What a handshake or a request says of where it comes from."""

    origins: Sequence[str]
    hosts: Sequence[str]
    is_tls: bool
    site: str | None = None
    """The site it names."""


class Sites:
    """All sites. ``default`` is the one of the settings; what is kept under its key adds to it."""

    def __init__(
        self, default: Site, own: OwnOrigin, others: Mapping[str, Site] | None = None
    ) -> None:
        server = default
        added = (others or {}).get(DEFAULT)
        if added is not None:
            default = replace(
                added,
                name=added.name or default.name,
                origins=(*default.origins, *added.origins),
                guests=default.guests if added.guests is None else added.guests,
                hook=added.hook or default.hook,
            )
        self.default = default
        self._sites = {
            key: replace(
                site,
                guests=default.guests if site.guests is None else site.guests,
                hook=site.hook or server.hook,
            )
            for key, site in (others or {}).items()
        } | {DEFAULT: default}
        self._origins = {key: Origins(site.origins) for key, site in self._sites.items()}
        self._own = own

    def get(self, key: str) -> Site | None:
        return self._sites.get(key)

    def is_own(self, call: Call) -> bool:
        """Whether it comes from one of the server's own pages."""
        if len(call.origins) != 1 or len(call.hosts) != 1:
            return False
        return call.origins[0].lower() == self._own.of(call.hosts[0], is_tls=call.is_tls)

    def of(self, call: Call) -> Site | None:
        """The site that is called; None if nothing names one (it is then the token's).

        A page may call the site it names if that allows its origin; without a name its origin
        decides, if only one site has it. The server's own pages may call any. Raises ``Forbidden``.
        """
        named = None
        if call.site is not None:
            named = self._sites.get(call.site)
            if named is None:
                raise Forbidden("There is no such site here.")
        if not call.origins:
            return named
        if len(call.origins) > 1:
            raise Forbidden("This page may not use this server.")
        origin = call.origins[0].lower()
        host = call.hosts[0] if len(call.hosts) == 1 else ""
        if origin == self._own.of(host, is_tls=call.is_tls):
            return named or self.default
        return self._of_page(origin, self._sites.values() if named is None else [named])

    def _of_page(self, origin: str, among: Iterable[Site]) -> Site:
        allowing = [site for site in among if origin in self._origins[site.key]]
        if not allowing:
            raise Forbidden("This page may not use this server.")
        if len(allowing) > 1:
            raise Forbidden("Several sites have pages of this origin: say which, with site=KEY.")
        return allowing[0]
