"""FRONT DOOR: composes the program.

The way of a comment, and the order to read the code in::

    socket.py ─ session.py ─ writer.py ─ store/ ──┐
       ▲                                          ▼ after COMMIT
       └──────────── hub.py ─ feed.py ◄────── relay.py

* ``protocol/``   the wire contract: commands, frames, cursors, errors (shared with the client)
* ``session.py``  the protocol's rules for one connection, without I/O: it answers with ``effects``;
  ``wishes.py`` what a command asks of the Store, ``auth/`` who may what
* ``writer.py``   group commit: many writes, one transaction, then answers, then the hub
* ``store/``      the durable truth; ``plan.py`` decides a batch, ``sqlite_commit.py`` writes it
* ``relay.py``    committed rows to encoded changes (``views.py``: who may see what of them)
* ``hub.py``      a room is a feed, a reader a cursor (``following.py``): fan-out (``outlet.py``: to
  the kernel), catching up
* ``feed.py``     one room's recent changes as shared bytes
* ``consequences.py``  what is said of a site or a person, for the rooms that it is not said in
* ``joining.py``  where a follower starts: resumed, or from a shared snapshot (``snapshots.py``)
* ``socket.py``   websockets' Sans-I/O protocol under uvicorn, ``head.py`` the request for it,
  ``handshake.py`` who may open one, ``gateway.py`` registry and timer
* ``door.py``     where all come in; ``http.py`` uvicorn's HTTP connection, bounded (``visit.py``)
* ``web/``        the same over HTTP, pages and files
* ``settings.py``, ``cli/``, ``logs.py``, ``metrics.py``  for operators

Only this module names concrete implementations.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import structlog
import uvicorn
import uvloop
from pydantic_core import to_json

from livethread import __version__
from livethread.auth.authenticator import Authenticator
from livethread.auth.directory import Directory
from livethread.auth.fetching import fetch, post
from livethread.auth.issuers import Issuers
from livethread.auth.keys import KeySets
from livethread.auth.limits import Rate, RateLimiter
from livethread.auth.links import MailLinks
from livethread.auth.names import Names
from livethread.auth.openid import OpenId
from livethread.auth.origin import OwnOrigin
from livethread.auth.proxies import ProxyPolicy
from livethread.auth.registrar import Registrar
from livethread.auth.sign_in import SignIn
from livethread.auth.signing import Signer
from livethread.consequences import Consequences
from livethread.door import Door
from livethread.feed import EncodeFrame, Encoding
from livethread.gateway import Gateway, Services
from livethread.hook import Hook
from livethread.http import HttpConnection
from livethread.hub import Hub, HubLimits
from livethread.indexing import Indexing
from livethread.joining import Joining
from livethread.judging import Judging
from livethread.listening import bound_unsent, problem_of, remedy_for, url_of
from livethread.model import DECREES, Committed
from livethread.moderation.engine import Engine
from livethread.notify.mail import Mailer
from livethread.protocol.frames import Limits
from livethread.protocol.text import MAX_NAME_CHARS
from livethread.relay import Relay, deliver
from livethread.render.markdown import render
from livethread.rules import Judge, NoJudge, SessionRules
from livethread.settings import Settings
from livethread.site import DEFAULT, Endpoint, Site
from livethread.snapshots import Snapshots
from livethread.socket import Connection
from livethread.store import backup
from livethread.store.base import Store
from livethread.store.errors import StartError
from livethread.store.sqlite import SqliteStore
from livethread.visit import Visit
from livethread.web.app import create_app
from livethread.wire import encode_frame
from livethread.writer import Writer

log = structlog.get_logger(__name__)


async def open_store(settings: Settings) -> SqliteStore:
    """The database of these settings. Raises ``StartError`` with a remedy."""
    path = settings.database_path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            path.parent,
            f"can't create the data directory ({error.strerror}).",
            "Create it for the user who runs Livethread, or choose another one with --data-dir.",
        ) from error
    return await SqliteStore.open(
        path,
        readers=settings.readers,
        busy_timeout_s=settings.busy_timeout_s,
        check_mb=settings.startup_check_mb,
    )


def back_up(settings: Settings, to: Path, *, is_replacing: bool) -> backup.Contents:
    """``livethread backup``. Raises ``DataError``."""
    return backup.back_up(settings.database_path, to, is_replacing=is_replacing)


def restore(settings: Settings, file: Path, *, is_replacing: bool) -> backup.Contents:
    """``livethread restore``. Raises ``DataError``."""
    return backup.restore(file, settings.database_path, is_replacing=is_replacing)


MIN_SECRET_BYTES = 32


def load_secret(settings: Settings) -> bytes:
    """The key that signs guest tokens, made at the first start and readable by its owner only.

    Raises ``StartError`` with a remedy; a short key is refused, for it can be guessed.
    """
    if settings.secret:
        return _given_secret(settings.secret)
    path = settings.data_dir / "secret.key"
    try:
        secret = path.read_bytes() if path.exists() else _new_secret(path)
    except OSError as error:
        raise StartError(
            path,
            f"can't read or write the secret that signs guest tokens ({error.strerror}).",
            "Give it to the user who runs Livethread, readable by nobody else.",
        ) from error
    if len(secret) < MIN_SECRET_BYTES:
        raise StartError(
            path,
            "the secret that signs guest tokens is damaged: it is too short.",
            "Delete the file; a new one is made, and guests will have to give their names again.",
        )
    return secret


def _given_secret(value: str) -> bytes:
    secret = value.encode()
    if len(secret) < MIN_SECRET_BYTES:
        raise StartError(
            "secret",
            f"the key that signs guest tokens is too short: {len(secret)} bytes could be guessed.",
            f"Give {MIN_SECRET_BYTES} random bytes or more, or none: one is then made and kept.",
        )
    return secret


def _new_secret(path: Path) -> bytes:
    """Written aside and renamed, so that a crash leaves no empty key behind."""
    secret = secrets.token_hex(32).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    with draft.open("wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    return secret


def clock_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time as read besides the loop's: ``monotonic`` in s, ``wall_ms`` in ms since 1970."""

    monotonic: Callable[[], float] = time.monotonic
    wall_ms: Callable[[], int] = clock_ms


SYSTEM = Clocks()


def session_rules(
    settings: Settings, clocks: Clocks = SYSTEM, judge: Judge | None = None
) -> SessionRules:
    def limiter(per_s: float, burst: int) -> RateLimiter:
        return RateLimiter(Rate(per_s, burst), clocks.monotonic)

    return SessionRules(
        limits=Limits(
            body_chars=settings.max_body_chars,
            name_chars=MAX_NAME_CHARS,
            frame_bytes=settings.max_frame_bytes,
            subscriptions=settings.max_subscriptions,
            edit_window_s=settings.edit_window_s,
        ),
        heartbeat_s=settings.heartbeat_s,
        max_in_flight=settings.max_in_flight,
        page_roots=settings.page_roots,
        page_replies=settings.page_replies,
        page_bytes=settings.page_bytes,
        reactions=frozenset(settings.reactions),
        negative_reactions=frozenset(settings.negative_reactions),
        command_rate=Rate(settings.command_rate, settings.command_burst),
        flood_commands=settings.flood_commands,
        identity_posts=limiter(settings.post_rate, settings.post_burst),
        address_posts=limiter(settings.address_post_rate, settings.address_post_burst),
        bot_posts=limiter(settings.bot_post_rate, settings.bot_post_burst),
        address_guests=limiter(settings.guest_rate, settings.guest_burst),
        render=render_json,
        clock=clocks.monotonic,
        clock_ms=clocks.wall_ms,
        judge=judge or NoJudge(),
    )


def render_json(body: str) -> str | None:
    """The body's token tree as the Store keeps it; None for plain paragraphs."""
    tree = render(body)
    return None if tree is None else to_json(tree).decode()


def compose(settings: Settings, store: Store, clocks: Clocks = SYSTEM) -> Gateway:
    """All parts of a server on an open store, wired together, for the running loop."""
    loop = asyncio.get_running_loop()
    hub = Hub(
        Relay(store, page_changes=settings.replay_changes),
        encode_frame_for(settings),
        loop,
        HubLimits(
            slice_sinks=settings.slice_sinks,
            ring_entries=settings.ring_entries,
            ring_bytes=settings.ring_bytes,
            frame_bytes=settings.changes_frame_bytes,
            lag_changes=settings.resume_changes,
            recall_changes=settings.replay_changes // 2,
        ),
    )

    def deliver_to_hub(committed: Iterable[Committed]) -> None:
        done = list(committed)
        deliver(hub, done)
        gateway.watchers.tell(done)
        hook.tell(done)
        acts = {one.act.action for one in done if one.act is not None}
        if acts & DECREES:
            gateway.look()
        consequences.see_to(done)

    writer = Writer(
        store,
        deliver_to_hub,
        hub.recheck,
        loop,
        max_queue=settings.commit_queue,
        max_batch=settings.commit_batch,
        company_s=settings.commit_company_ms / 1000,
    )
    snapshots = Snapshots(store, max_bytes=settings.snapshots_bytes)
    consequences = Consequences(hub, snapshots, writer)
    joining = Joining(
        store,
        hub,
        snapshots,
        resume_changes=settings.resume_changes,
        resume_bytes=settings.resume_bytes,
    )
    engine = Engine()
    asked = Endpoint(settings.hook_url, settings.hook_secret) if settings.hook_url else None
    directory = Directory(
        store,
        Site(DEFAULT, origins=tuple(settings.origins), guests=settings.guests, hook=asked),
        OwnOrigin(settings.public_url),
        clocks.wall_ms,
        engine.hear,
    )
    hook = Hook(directory.hook_of, post, writer, clocks.wall_ms)
    signer = Signer(load_secret(settings), clocks.wall_ms)
    authenticator = Authenticator(
        store,
        directory,
        signer,
        Issuers(store, KeySets(fetch, clocks.monotonic), signer, clocks.wall_ms),
        names=Names(store, settings.reserved_names),
        guest_token_days=settings.guest_token_days,
    )
    services = Services(
        settings=settings,
        rules=session_rules(settings, clocks, engine),
        store=store,
        hub=hub,
        writer=writer,
        joining=joining,
        authenticator=authenticator,
        directory=directory,
        sign_in=sign_in_for(settings, store, directory, signer, clocks),
        hook=hook,
        proxies=ProxyPolicy(settings.trusted_proxies),
    )
    gateway = Gateway(services, loop)
    return gateway


def sign_in_for(
    settings: Settings, store: Store, directory: Directory, signer: Signer, clocks: Clocks
) -> SignIn:
    """The ways to sign in here; by mail, if there is a mail server."""
    clock, clock_ms = clocks.monotonic, clocks.wall_ms
    names = Names(store, settings.reserved_names)
    days = settings.reader_token_days
    registrar = Registrar(store, names, signer, clock_ms, reader_token_days=days)
    links = None
    if settings.smtp_url:
        links = MailLinks(
            store,
            registrar,
            Mailer(settings.smtp_url, settings.mail_from),
            clock_ms,
            by_address=RateLimiter(Rate(settings.mail_rate, settings.mail_burst), clock),
            by_mailbox=RateLimiter(Rate(settings.mailbox_rate, settings.mailbox_burst), clock),
        )
    openid = OpenId(directory, signer, KeySets(fetch, clock), fetch, clock, clock_ms)
    return SignIn(links, openid, registrar, signer)


def encode_frame_for(settings: Settings) -> EncodeFrame:
    """Frames of changes: deflated only where that gains something."""

    def encode(payload: bytes, encoding: Encoding) -> bytes:
        if encoding is Encoding.DEFLATED and len(payload) < settings.compress_min_bytes:
            encoding = Encoding.TEXT
        return encode_frame(payload, encoding)

    return encode


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Gateway]:
    """A store, everything on it and the timer; closed in the order that loses nothing."""
    async with running_on(await open_store(settings), settings) as gateway:
        yield gateway


@asynccontextmanager
async def running_on(
    store: Store, settings: Settings, clocks: Clocks = SYSTEM
) -> AsyncIterator[Gateway]:
    """The same on a store that is open already; it is closed, too."""
    try:
        gateway = compose(settings, store, clocks)
        await gateway.services.directory.refresh()
        gateway.start()
        services = gateway.services
        judging = Judging(services.store, services.writer, services.rules.judge, clocks.wall_ms)
        loop = asyncio.get_running_loop()
        indexing = Indexing(services.store)
        tasks = [loop.create_task(judging.run()), loop.create_task(indexing.run())]
        if services.hook is not None:
            tasks.append(loop.create_task(services.hook.run()))
        try:
            yield gateway
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)  # one may be reading the Store, which closes next
            await gateway.stop()
            if gateway.services.sign_in is not None:
                await gateway.services.sign_in.close()
            await gateway.services.writer.close()
            await gateway.services.hub.close()
    finally:
        await store.close()


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then drain. Raises ``StartError`` if it can't start."""
    async with running(settings) as gateway:
        config = uvicorn.Config(
            create_app(gateway, static_dir(settings)),
            host=settings.host,
            port=settings.port,
            http=cast(Any, partial(HttpConnection, gateway)),
            ws=cast(Any, partial(Connection, gateway)),
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=max(1, round(settings.drain_s)),
            ssl_certfile=settings.tls_cert,
            ssl_keyfile=settings.tls_key,
            backlog=4096,
        )
        try:
            config.load()
        except OSError as error:  # ssl.SSLError is one
            raise StartError(
                " and ".join(str(p) for p in (settings.tls_cert, settings.tls_key) if p),
                f"can't use the certificate ({error.strerror or error}).",
                "Give the PEM files of a certificate and its key with tls_cert and tls_key.",
            ) from error
        await Server(config, gateway).serve()
    log.info("stopped")


class Server(uvicorn.Server):
    """Says where it listens, and what is wrong if it can't.

    uvicorn raises the signal that stopped it again when it is done, which would end the process
    before the writer and the store are closed; here a signal only asks for the orderly end.
    """

    def __init__(self, config: uvicorn.Config, gateway: Gateway) -> None:
        super().__init__(config)
        self._gateway = gateway

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        leaving = self._gateway.drain()
        log.info("draining", connections=len(leaving), streams=len(self._gateway.streams))
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, but TLS has deadlines, too: asyncio's own give silence a minute."""
        config, tls = self.config, {}
        if config.ssl is not None:
            within_s = self._gateway.settings.request_deadline_s
            tls = {"ssl_handshake_timeout": within_s, "ssl_shutdown_timeout": within_s}
        listen = partial(
            asyncio.get_running_loop().create_server,
            self._protocol,
            ssl=config.ssl,
            backlog=config.backlog,
            **tls,
        )
        try:
            if sockets is None:
                self.servers = [await listen(config.host, config.port)]
            else:
                self.servers = [await listen(sock=sock) for sock in sockets]
        except OSError as error:
            where = f"{config.host}:{config.port}"
            problem = f"can't listen there ({problem_of(error)})."
            raise StartError(where, problem, remedy_for(error)) from error
        for listener in self.servers[0].sockets:
            bound_unsent(listener, self._gateway.settings.write_buffer_bytes)
        self.started = True
        # What is here now stays. Looking through it took the collector 100 ms at a time.
        gc.collect()
        gc.freeze()
        address, port = self.servers[0].sockets[0].getsockname()[:2]
        url = url_of(address, port, is_tls=config.is_ssl)
        open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        shown = self._gateway.settings.shown()
        log.info("listening", url=url, version=__version__, open_files=open_files, **shown)
        sys.stdout.write(f"Livethread listens on {url}\nA demo article:       {url}/demo/bridge\n")
        sys.stdout.flush()

    def _protocol(self) -> asyncio.Protocol:
        return Door(self._gateway, self.server_state.connections, self._http, self._websocket)

    def _http(self, visit: Visit) -> asyncio.Protocol:
        return self._made(self.config.http_protocol_class, visit=visit)

    def _websocket(self) -> asyncio.Protocol:
        return self._made(self.config.ws_protocol_class)

    def _made(self, make: Any, **more: Any) -> asyncio.Protocol:
        """What uvicorn gives the classes that it was given."""
        made: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state={}, **more
        )
        return made


def raise_open_files() -> None:
    """Allow this process as many open files as it may allow itself; each reader is one."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(OSError, ValueError):  # some systems promise more than they give
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def run(settings: Settings) -> None:
    """``livethread serve``."""
    sys.setswitchinterval(0.0005)
    raise_open_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


def static_dir(settings: Settings) -> Path:
    """The browser files: set, installed inside the package, or beside it in a checkout."""
    if settings.static_dir is not None:
        return settings.static_dir
    installed = Path(__file__).parent / "static"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "static"
