"""Turns tokens and guests' names into identities."""

from __future__ import annotations

from collections.abc import Iterable

from livethread.auth import bots
from livethread.auth.directory import Directory
from livethread.auth.identity import Identity, anonymous
from livethread.auth.issuers import Issuers, peek
from livethread.auth.signing import ISSUER, Signer
from livethread.protocol import commands
from livethread.protocol.errors import Rejected, Unauthorized
from livethread.protocol.lookalikes import skeleton
from livethread.site import DEFAULT, Site
from livethread.store.base import IdentityStore

RESERVED_NAMES = ("admin", "administrator", "moderator", "mod", "staff", "livethread", "system")


class Authenticator:
    """Who it is: a bot, a guest, or a reader whom an issuer of the site vouches for.

    ``site`` is the key of the one that is called, or None where nothing names one: then a bot's
    token does, and anybody else is on the default site.
    """

    def __init__(
        self,
        store: IdentityStore,
        directory: Directory,
        signer: Signer,
        issuers: Issuers,
        *,
        guest_token_days: int,
        reserved_names: Iterable[str] = (),
    ) -> None:
        self._store = store
        self._directory = directory
        self._signer = signer
        self._issuers = issuers
        self._guest_token_s = guest_token_days * 86_400
        self._reserved = frozenset(map(skeleton, (*RESERVED_NAMES, *reserved_names)))

    async def identify(
        self, site: str | None, command: commands.Identify
    ) -> tuple[Identity, str | None]:
        """Who speaks, and a new guest's token."""
        if command.guest is not None:
            return await self.new_guest(site, command.guest.name)
        return await self.by_token(site, command.token), None

    async def by_token(self, site: str | None, token: str | None) -> Identity:
        """Whose token it is; without one, the anonymous reader.

        Raises ``Unauthorized``, ``TokenExpired``, ``Banned``, and ``Unavailable`` if the Store
        can't tell.
        """
        if token is None:
            return anonymous(site or DEFAULT)
        while True:
            version = self._directory.version
            if token.startswith(bots.PREFIX):
                identity = await self._bot(token)
            else:
                site = site or DEFAULT
                identity = await self._jwt(self._directory.site(site), token)
            if version == self._directory.version:  # else it may be revoked since it was read
                break
        if site is not None and identity.site != site:
            raise Unauthorized("This sign-in is for another site.")
        return self._directory.review(identity)

    async def new_guest(self, site: str | None, name: str) -> tuple[Identity, str]:
        """A new guest of that name and the token to come back with.

        Raises ``Unauthorized`` where guests aren't allowed, ``Rejected`` for a name that could be
        taken for the staff's, a bot's or a registered reader's.
        """
        site = site or DEFAULT
        if not self._directory.site(site).guests:
            raise Unauthorized("Guests can't comment here.")
        look = skeleton(name)
        taken = {skeleton(bot.name) for bot in await self._store.bots() if bot.site == site}
        if (
            not look
            or look in self._reserved
            or look in taken
            or await self._store.is_registered(site, name)
        ):
            raise Rejected("Choose another name, please.", field="guest.name")
        return self._signer.new_guest(site, name, self._guest_token_s)

    async def _jwt(self, site: Site, token: str) -> Identity:
        said = peek(token)
        if said.issuer == ISSUER:
            return self._signer.read(token)
        return await self._issuers.read(site, token, said)

    async def _bot(self, token: str) -> Identity:
        id = bots.id_in(token)
        bot = None if id is None else await self._store.bot(id)
        identity = None if bot is None else bots.identity_of(bot, token)
        if identity is None:
            raise Unauthorized("This bot's token is not valid.")
        return identity
