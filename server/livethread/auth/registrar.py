"""Makes a reader of whoever has proved who they are, by mail or at a provider."""

from __future__ import annotations

from collections.abc import Callable

from livethread.auth.issuers import new_person_id
from livethread.auth.names import Names
from livethread.auth.signing import ISSUER, Signer
from livethread.model import Role
from livethread.site import Person
from livethread.store.base import StandingStore
from livethread.value import value


@value
class Proof:
    """Who it is, as ``issuer`` says, on which site; ``name`` is what it calls them, perhaps."""

    site: str
    issuer: str
    subject: str
    name: str = ""
    avatar: str | None = None


class Registrar:
    """``clock_ms`` is wall time, ms since 1970."""

    def __init__(
        self,
        store: StandingStore,
        names: Names,
        signer: Signer,
        clock_ms: Callable[[], int],
        *,
        reader_token_days: int,
    ) -> None:
        self._store = store
        self._names = names
        self._signer = signer
        self._clock_ms = clock_ms
        self._token_s = reader_token_days * 86_400

    async def name_of(self, proof: Proof) -> str:
        """The name that they have here, else the one they bring."""
        known = await self._known(proof)
        return proof.name if known is None else known.name

    async def check(self, proof: Proof, name: str) -> None:
        """Return if they may be called so; raises ``Rejected``."""
        known = await self._known(proof)
        by = None if known is None else known.id
        await self._names.check(proof.site, name, "name", by=by)

    async def register(self, proof: Proof, name: str) -> tuple[Person, str]:
        """Who they are from now on, and their token. ``name`` was checked."""
        known, now_s = await self._known(proof), self._clock_ms() // 1000
        person = Person(
            proof.site,
            new_person_id() if known is None else known.id,
            proof.issuer,
            proof.subject,
            name,
            proof.avatar,
            Role.READER,
            now_s if known is None else max(now_s, known.issued_s + 1),
            now_s * 1000,
        )
        mark = self._signer.mark(person.site, ISSUER, person.id)
        person = await self._store.remember(person, mark)
        _, token = self._signer.reader(person, self._token_s)
        return person, token

    async def _known(self, proof: Proof) -> Person | None:
        return await self._store.person(proof.site, proof.issuer, proof.subject)
