"""What this server knows of sites, roles, bans and bots: as old as its last look, a second or so.

Operators say these things on the database, beside the server or on another one; a version tells
when there is something new, so a look costs one row. Nothing is read when somebody speaks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from livethread.auth.identity import Identity
from livethread.auth.origin import OwnOrigin
from livethread.auth.sites import Sites
from livethread.model import Role
from livethread.protocol.errors import Banned, Unauthorized
from livethread.site import Endpoint, Site, Standing
from livethread.store.base import StandingStore

NOTHING_YET = Standing(-1, {}, {}, {}, {})


class Directory:
    """``default`` is the site that the settings describe; ``clock_ms`` wall time, ms since 1970.

    ``hear`` is told what is new.
    """

    def __init__(
        self,
        store: StandingStore,
        default: Site,
        own: OwnOrigin,
        clock_ms: Callable[[], int],
        hear: Callable[[Standing], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._default = default
        self._own = own
        self._clock_ms = clock_ms
        self._hear = hear
        self._said = NOTHING_YET
        self.sites = Sites(default, own)

    @property
    def version(self) -> int:
        return self._said.version

    @property
    def erasures(self) -> int:
        return self._said.erasures

    async def refresh(self) -> bool:
        """Look whether something new was said; true if so. Raises ``Unavailable``."""
        if await self._store.standing_version() == self._said.version:
            return False
        said = await self._store.standing()
        if said.version == self._said.version:
            return False
        self._said = said
        self.sites = Sites(self._default, self._own, said.sites)
        self._hear(said)
        return True

    def site(self, key: str) -> Site:
        """The site of that key. Raises ``Unauthorized`` if it is gone."""
        site = self.sites.get(key)
        if site is None:
            raise Unauthorized("This site has left the server.")
        return site

    def hook_of(self, site: str) -> Endpoint | None:
        """Who is asked for judgements on the site's comments, if anybody is."""
        found = self.sites.get(site)
        return None if found is None else found.hook

    def review(self, identity: Identity, *, is_new: bool = False) -> Identity:
        """The identity as it stands now; ``is_new`` if its token has just been looked at.

        Raises ``Banned``, and ``Unauthorized`` if its site is gone, takes no guests any more or no
        longer believes its issuer, if its bot's token is revoked, or if it was erased since its
        token was signed.
        """
        site = self.site(identity.site)
        if not identity.id:
            return identity
        if identity.role is Role.GUEST and not site.guests:
            raise Unauthorized("Guests can't comment here.")
        erased_s = self._said.erased.get(identity.mark)
        if erased_s is not None and identity.issued_s <= erased_s:
            raise Unauthorized("This sign-in is not valid here any more.")
        place = identity.site, identity.id
        ban = self._said.bans.get(place)
        if ban is not None and (ban.until_ms is None or ban.until_ms > self._clock_ms()):
            raise Banned
        if identity.role is Role.BOT:
            bot = self._said.bots.get(identity.id.removeprefix("b:"))
            if bot is not None and (bot.is_revoked or bot.digest != identity.credential):
                raise Unauthorized("This bot's token is not valid.")
            return identity
        if identity.granted is None:
            return identity
        issuer = identity.credential
        if issuer and all(one.name != issuer for one in site.issuers):
            raise Unauthorized("This sign-in is not valid here any more.")
        granted = identity.granted
        if issuer and not is_new:  # another token may have said less since
            granted = self._said.spoken.get(place, Role.READER)
        role = self._said.roles.get(place, granted)
        return identity if role is identity.role else replace(identity, role=role)
