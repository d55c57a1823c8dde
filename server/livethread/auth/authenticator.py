"""Turns tokens and guests' names into identities."""

from __future__ import annotations

from livethread.auth import bots
from livethread.auth.directory import Directory
from livethread.auth.identity import Identity, anonymous
from livethread.auth.issuers import Issuers, peek
from livethread.auth.names import Names
from livethread.auth.signing import ISSUER, Signer
from livethread.protocol import commands
from livethread.protocol.errors import Unauthorized
from livethread.site import DEFAULT, Site
from livethread.store.base import IdentityStore


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
        names: Names,
        guest_token_days: int,
    ) -> None:
        self._store = store
        self._directory = directory
        self._signer = signer
        self._issuers = issuers
        self._guest_token_s = guest_token_days * 86_400
        self._names = names

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
        return self._directory.review(identity, is_new=True)

    async def new_guest(self, site: str | None, name: str) -> tuple[Identity, str]:
        """A new guest of that name and the token to come back with.

        Raises ``Unauthorized`` where guests aren't allowed, ``Rejected`` for a name that could be
        taken for the staff's, a bot's or a registered reader's.
        """
        site = site or DEFAULT
        if not self._directory.site(site).guests:
            raise Unauthorized("Guests can't comment here.")
        await self._names.check(site, name, "guest.name")
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
