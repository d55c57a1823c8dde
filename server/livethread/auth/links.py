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

from livethread.auth.issuers import person_id
from livethread.auth.limits import RateLimiter
from livethread.auth.names import Names
from livethread.auth.signing import Signer
from livethread.model import Role
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
        names: Names,
        signer: Signer,
        mailer: Mailer,
        clock_ms: Callable[[], int],
        *,
        by_address: RateLimiter,
        by_mailbox: RateLimiter,
        reader_token_days: int,
    ) -> None:
        self._store = store
        self._names = names
        self._signer = signer
        self._mailer = mailer
        self._clock_ms = clock_ms
        self._by_address = by_address
        self._by_mailbox = by_mailbox
        self._token_s = reader_token_days * 86_400

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
        link = await self._found(secret)
        known = await self._store.person(link.site, _id_of(link))
        return "" if known is None else known.name

    async def use(self, secret: str, name: str) -> tuple[Person, str]:
        """Sign in under that name; the link is used up. Returns who it is, and their token.

        Raises ``NotFound`` if the link is used, too old or none, ``Rejected`` for the name.
        """
        link = await self._found(secret)
        id = _id_of(link)
        await self._names.check(link.site, name, "name", by=id)
        if not await self._store.take_link(link.digest):
            raise _gone()
        known = await self._store.person(link.site, id)
        said_s = self._clock_ms() // 1000
        person = Person(
            link.site,
            id,
            ISSUER,
            link.email,
            name,
            None,
            Role.READER,
            said_s if known is None else max(said_s, known.issued_s + 1),
        )
        person = await self._store.remember(person)
        _, token = self._signer.reader(person, self._token_s)
        return person, token

    async def close(self) -> None:
        """Let go of the mail that waits."""
        await self._mailer.close()

    async def _found(self, secret: str) -> Link:
        link = await self._store.link(_digest(secret))
        if link is None or link.expires_ms <= self._clock_ms():
            raise _gone()
        return link


def _id_of(link: Link) -> str:
    return person_id(link.site, ISSUER, link.email)


def _gone() -> NotFound:
    return NotFound("This link has been used, or is too old. Ask for another one.")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
