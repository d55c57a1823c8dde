"""Sign-in by a link in a mail: one use, a quarter of an hour, no password.

Whoever asks learns nothing: the answer is the same for any address, known or not, and comes before
the mail is sent. Opening a link uses nothing up, for mail servers look into mails; a button does.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from contextlib import suppress

from livethread.auth.limits import RateLimiter
from livethread.auth.registrar import Proof, Registrar
from livethread.notify.mail import Mailer
from livethread.protocol.errors import NotFound, RateLimited, Rejected
from livethread.site import Link, Person, Site
from livethread.store.base import SignInStore

ISSUER = "mailto:"
VALID_S = 900
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}")

_TEXT = """\
Somebody, you we hope, wants to sign in to the comments of {site}.

Open this link within 15 minutes, in the same browser:

{url}

If it wasn't you, do nothing: nobody is signed in.
"""


def clean_address(text: str) -> str:
    """A mail address in small letters. Raises ``Rejected`` if it can't be one."""
    address = text.strip().lower()
    if len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise Rejected("That is no mail address.", field="email")
    return address


class MailLinks:
    """Makes links and takes them back.

    ``by_address`` bounds who asks and says so; ``by_mailbox`` bounds what a mailbox is sent, and
    says nothing. ``clock_ms`` is wall time, ms since 1970.
    """

    def __init__(
        self,
        store: SignInStore,
        registrar: Registrar,
        mailer: Mailer,
        clock_ms: Callable[[], int],
        *,
        by_address: RateLimiter,
        by_mailbox: RateLimiter,
    ) -> None:
        self._store = store
        self._registrar = registrar
        self._mailer = mailer
        self._clock_ms = clock_ms
        self._by_address = by_address
        self._by_mailbox = by_mailbox

    async def ask(self, site: Site, email: str, source: str, url: str) -> None:
        """Have a link mailed that begins with ``url``; ``source`` is whom the asking counts for.

        Raises ``Rejected``, ``RateLimited`` and ``Unavailable``.
        """
        address = clean_address(email)
        self._by_address.take(source)
        with suppress(RateLimited):
            self._by_mailbox.take(_digest(f"{site.key} {address}"))
            secret = secrets.token_urlsafe(32)
            expires_ms = self._clock_ms() + VALID_S * 1000
            await self._store.add_link(Link(_digest(secret), site.key, address, expires_ms))
            name = site.name or site.key
            text = _TEXT.format(site=name, url=f"{url}{secret}")
            self._mailer.post(address, f"Sign in to the comments of {name}", text)

    async def name_behind(self, secret: str) -> str:
        """The name of whom the link is for, empty if they have none yet. Raises ``NotFound``."""
        return await self._registrar.name_of(_proof(await self._found(secret)))

    async def use(self, secret: str, name: str) -> tuple[Person, str]:
        """Sign in under that name; the link is used up. Returns who it is, and their token.

        Raises ``NotFound`` if the link is used, too old or none, ``Rejected`` for the name.
        """
        link = await self._found(secret)
        proof = _proof(link)
        await self._registrar.check(proof, name)
        if not await self._store.take_link(link.digest):
            raise _gone()
        return await self._registrar.register(proof, name)

    async def close(self) -> None:
        """Let go of the mail that waits."""
        await self._mailer.close()

    async def _found(self, secret: str) -> Link:
        link = await self._store.link(_digest(secret))
        if link is None or link.expires_ms <= self._clock_ms():
            raise _gone()
        return link


def _proof(link: Link) -> Proof:
    return Proof(link.site, ISSUER, link.email)


def _gone() -> NotFound:
    return NotFound("This link has been used, or is too old. Ask for another one.")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
