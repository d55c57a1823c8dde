"""Which names somebody may take: none that could be taken for another's."""

from __future__ import annotations

from collections.abc import Iterable

from livethread.protocol.errors import Rejected
from livethread.protocol.lookalikes import skeleton
from livethread.store.base import IdentityStore

RESERVED_NAMES = ("admin", "administrator", "moderator", "mod", "staff", "livethread", "system")


class Names:
    """Compared by how they look."""

    def __init__(self, store: IdentityStore, reserved: Iterable[str] = ()) -> None:
        self._store = store
        self._reserved = frozenset(map(skeleton, (*RESERVED_NAMES, *reserved)))

    async def check(self, site: str, name: str, field: str, *, by: str | None = None) -> None:
        """Return if the person of the id ``by`` may be called so on the site.

        Raises ``Rejected`` for a name of the staff's, a bot's or of another registered reader.
        """
        look = skeleton(name)
        bots = {skeleton(bot.name) for bot in await self._store.bots() if bot.site == site}
        if (
            not look
            or look in self._reserved
            or look in bots
            or await self._store.is_registered(site, name, but_for=by)
        ):
            raise Rejected("Choose another name, please.", field=field)
