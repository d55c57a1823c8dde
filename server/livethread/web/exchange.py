"""A session for the length of one request: hello, one command, its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livethread.auth.identity import Identity
from livethread.effects import Effect, Identify, ReadPage, Send, Submit, Subscribe
from livethread.gateway import Gateway
from livethread.model import Committed, Outcome, RestrictPerson, RoomName, Wish, Write, decreed
from livethread.protocol import commands, frames
from livethread.protocol.errors import Internal, LivethreadError
from livethread.session import Session
from livethread.site import DEFAULT
from livethread.web.problems import Refused
from livethread.writer import Decided

Frame = frames.Wire | dict[str, Any]


class Exchange:
    """Asks the session and carries out what it wants done, as ``socket.py`` does for websockets.

    Every method raises ``Refused`` with the error frame that a websocket would have been sent.
    """

    def __init__(
        self, gateway: Gateway, address: str, site: str | None, *, has_origin: bool
    ) -> None:
        self._services = gateway.services
        self._loop = gateway.loop
        self._site = site
        self._session = Session(
            gateway.new_session_id(),
            gateway.services.rules,
            address,
            has_origin=has_origin,
            site=site or DEFAULT,
        )
        self.welcome: Frame | None = None

    @property
    def identity(self) -> Identity:
        return self._session.identity

    def key_of(self, room: str) -> RoomName:
        """A room of the caller's site, as the Store knows it."""
        return self._session.key_of(room)

    async def hello(self, command: commands.Hello) -> Frame:
        """Find out who speaks; returns the ``welcome``, and keeps it."""
        self.welcome = await self._hello(command)
        return self.welcome

    async def _hello(self, command: commands.Hello) -> Frame:
        effects = self._session.receive(command)
        if not isinstance(effects[0], Identify):
            return _answer(effects)
        try:
            identity, token = await self._services.authenticator.identify(self._site, command)
        except LivethreadError as error:
            return _answer(self._session.not_identified(error, command))
        return _answer(self._session.identified(identity, command, token))

    async def ask(self, command: commands.Command) -> Frame:
        """The answer to a command: its ``ack`` or ``page``."""
        effects = self._session.receive(command)
        match effects[0]:
            case Submit(write=write, ref=ref):
                outcome = await self._commit(write)
                return _answer(self._session.answered(write, ref, outcome))
            case ReadPage(request=request, ref=ref):
                try:
                    page = await self._services.store.page(request)
                except LivethreadError as error:
                    return _answer(self._session.failed(ref, error))
                return _answer(self._session.page_read(page, ref))
            case _:
                return _answer(effects)

    def join(self, command: commands.Join) -> Subscribe:
        """What a follower is to be given."""
        effects = self._session.receive(command)
        if isinstance(effects[0], Subscribe):
            return effects[0]
        _answer(effects)
        raise Internal

    async def decree(self, room: str, wish: Wish) -> Committed:
        """Have staff's wish committed that is no command of the protocol; ``""``: of the site.

        Raises ``LivethreadError``.
        """
        identity = self.identity
        identity.require("moderate", room or "*")
        if isinstance(wish, RestrictPerson):
            wish = self._session.within_power(wish)
        now_ms = self._services.rules.clock_ms()
        write = decreed(self.key_of(room), identity.author, now_ms, wish)
        outcome = await self._commit(write)
        if isinstance(outcome, LivethreadError):
            raise outcome
        return outcome

    async def _commit(self, write: Write) -> Outcome:
        done = self._loop.create_future()

        def answer(decided: Sequence[Decided]) -> None:
            if not done.done():
                done.set_result(decided[0].outcome)

        self._services.writer.submit(write, answer)
        outcome: Outcome = await done
        return outcome


def _answer(effects: Sequence[Effect]) -> Frame:
    """The frame to send; raises ``Refused`` if it is an error."""
    for effect in effects:
        if isinstance(effect, Send):
            if isinstance(effect.frame, frames.Error):
                raise Refused(effect.frame)
            return effect.frame
    raise Internal
