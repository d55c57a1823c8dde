"""The load generator: thousands of sockets in one thread, each delivery checked.

Every reader's bytes are checked against its own cursors. What is read is taken apart once: the
next readers receive the same bytes, and comparing bytes is cheap. One reader's frames are decoded
as JSON in full.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from tests.bench.frames import Broken, Chunk, check_json, read_chunk, upgrade

RECEIVE_BYTES = 130_000
"""More than a frame; from 128 KiB on, each buffer would be mapped anew."""
PATIENCE_S = 30.0
CONNECTIONS_PER_ADDRESS = 5_000
"""More come from the next loopback address, so that ports don't run short."""
FEW = 64
NAP_S = 0.0001
"""What latencies may be too high by, and half as much again: the kernel's timers are that slack."""
_IP_BIND_ADDRESS_NO_PORT = 24


@dataclass(frozen=True, slots=True)
class Plan:
    """A connection to make. ``steps`` are sent one after another, each when the last is answered.

    It is live after that many ``greetings``, and at the ``cursors``, if the server can't say them.
    """

    port: int
    steps: tuple[bytes, ...]
    greetings: int
    cursors: Mapping[bytes, int] = field(default_factory=dict)
    path: str = "/ws"
    is_deflating: bool = False
    receive_buffer_bytes: int = 0
    """As the kernel chooses, if 0."""


class Member:
    """One socket. ``cursors`` says, for each room it follows, how far it has come."""

    __slots__ = (
        "acks",
        "cursors",
        "greetings",
        "is_live",
        "is_sample",
        "is_upgraded",
        "plan",
        "receive",
        "rest",
        "send",
        "socket",
    )

    def __init__(self, plan: Plan, connection: socket.socket, *, is_sample: bool) -> None:
        self.plan = plan
        self.socket = connection
        self.receive = connection.recv
        self.send = connection.sendall
        self.cursors: dict[bytes, int] = {}
        self.rest = b""
        self.acks = 0
        self.greetings = 0
        self.is_upgraded = False
        self.is_live = False
        self.is_sample = is_sample


class Crowd:
    """All sockets of one measurement. A context manager: they are closed at its end.

    ``nap_s``: having found little to read, it sleeps for that long before it looks again. So it
    reads from many sockets at a time, and the server doesn't pay for waking it at each of them.
    ``server`` is named in messages. ``delivered`` counts changes received by readers, ``acks``
    answers to posts. ``watch`` is told the numbers of the posts in each reader's bytes,
    ``answered`` who got how many acks.
    """

    def __init__(self, server: str, *, nap_s: float = NAP_S) -> None:
        self.server = server
        self.nap_s = nap_s
        self.delivered = 0
        self.acks = 0
        self.received_bytes = 0
        self.epochs: dict[bytes, str] = {}
        self.watch: Callable[[tuple[int, ...]], None] | None = None
        self.answered: Callable[[Member, int], None] | None = None
        self._epoll = select.epoll()
        self._members: dict[int, Member] = {}
        self._opened = 0
        self._opening = 0
        self._seen = b""
        self._chunk = read_chunk(b"")

    def __enter__(self) -> Crowd:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for member in self._members.values():
            member.socket.close()
        self._members.clear()
        self._epoll.close()

    def join(self, plans: Sequence[Plan], *, at_once: int = 200) -> list[Member]:
        """Open the connections, ``at_once`` of them at a time; returns when all are greeted."""
        members: list[Member] = []
        deadline = time.monotonic() + PATIENCE_S
        while len(members) < len(plans) or self._opening:
            while len(members) < len(plans) and self._opening < at_once:
                members.append(self._open(plans[len(members)]))
            if time.monotonic() > deadline:
                raise Broken(
                    f"{self.server}: {self._opening} connections not open in {PATIENCE_S:.0f} s"
                )
            self.pump(1.0)
        return members

    def stall(self, members: Sequence[Member]) -> None:
        """Read nothing more from these."""
        for member in members:
            self._epoll.unregister(member.socket)

    def drop(self, members: Sequence[Member]) -> None:
        """Close the connections of these."""
        for member in members:
            del self._members[member.socket.fileno()]
            member.socket.close()

    def wait(self, is_done: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Receive until it is done. Raises ``Broken`` if that takes too long."""
        deadline = time.monotonic() + patience_s
        while not is_done():
            if time.monotonic() > deadline:
                raise Broken(
                    f"{self.server}: {self.delivered} deliveries, {self.acks} acks, no more come"
                )
            self.pump(1.0)

    def pump(self, timeout_s: float) -> None:
        """Receive what has come, or comes within ``timeout_s``."""
        if 0 < timeout_s < 0.01:  # epoll counts in milliseconds
            select.select((self._epoll,), (), (), timeout_s)
            timeout_s = 0
        members = self._members
        ready = self._epoll.poll(timeout_s, 4096)
        if self.nap_s and len(ready) < FEW:
            time.sleep(self.nap_s)
            ready = self._epoll.poll(0, 4096)
        for descriptor, _ in ready:
            member = members[descriptor]
            if not member.is_live:
                self._greet(member)
                continue
            try:
                data = member.receive(RECEIVE_BYTES)
            except OSError as error:
                raise Broken(f"{self.server} reset a connection") from error
            if not data:
                raise Broken(f"{self.server} closed a connection")
            self.received_bytes += len(data)
            if member.rest:
                data = member.rest + data
            if data != self._seen:
                self._chunk, self._seen = read_chunk(data), data
            chunk = self._chunk
            member.rest = chunk.rest
            if chunk.spans:
                self._advance(member, chunk)
            if member.is_sample:
                check_json(data)
            if chunk.acks:
                self.acks += chunk.acks
                member.acks += chunk.acks
                if self.answered is not None:
                    self.answered(member, chunk.acks)

    def _advance(self, member: Member, chunk: Chunk) -> None:
        cursors = member.cursors
        for room, first, to in chunk.spans:
            if cursors[room] != first:
                raise Broken(f"a reader at {cursors[room]} got ({first}, {to}]")
            cursors[room] = to
            self.delivered += to - first
        if self.watch is not None:
            self.watch(chunk.posts)

    def _open(self, plan: Plan) -> Member:
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The port is chosen at connect, and free again at once: looking for one among thousands in
        # TIME_WAIT took the generator's whole core.
        connection.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if plan.receive_buffer_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, plan.receive_buffer_bytes)
        number = self._opened
        self._opened += 1
        connection.bind((f"127.0.0.{2 + number // CONNECTIONS_PER_ADDRESS}", 0))
        member = Member(plan, connection, is_sample=not number)
        self._members[connection.fileno()] = member
        self._opening += 1
        code = connection.connect_ex(("127.0.0.1", plan.port))
        if code not in (0, errno.EINPROGRESS):
            raise Broken(f"can't connect: {errno.errorcode.get(code, code)}")
        self._epoll.register(connection, select.EPOLLOUT)
        return member

    def _greet(self, member: Member) -> None:
        """One step of a connection that isn't live yet."""
        connection, plan = member.socket, member.plan
        if not member.is_upgraded and not member.rest:
            code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise Broken(f"can't connect: {errno.errorcode.get(code, code)}")
            member.send(upgrade(plan.port, plan.path, is_deflating=plan.is_deflating))
            member.rest = b"\n"  # asked; what comes now is the answer
            self._epoll.modify(connection, select.EPOLLIN)
            return
        try:
            data = member.receive(RECEIVE_BYTES)
        except OSError as error:
            raise Broken(f"{self.server} reset a new connection") from error
        if not data:
            when = "after" if member.is_upgraded else "before"
            raise Broken(f"{self.server} closed a new connection {when} the upgrade")
        data = member.rest + data
        if not member.is_upgraded:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                member.rest = head
                return
            if not head.startswith(b"\nHTTP/1.1 101 "):
                raise Broken(head.decode())
            is_deflating = b"permessage-deflate" in head
            if is_deflating != plan.is_deflating:
                raise Broken(f"{self.server}: compression is {is_deflating}")
            member.is_upgraded = True
            if plan.steps:
                member.send(plan.steps[0])
        chunk = read_chunk(data)
        member.rest = chunk.rest
        if chunk.greetings and member.greetings + 1 < len(plan.steps):
            member.send(plan.steps[member.greetings + 1])
        member.greetings += chunk.greetings
        for room, epoch, cursor in chunk.joined:
            member.cursors[room] = cursor
            self.epochs[room] = epoch.decode()
        if member.greetings >= plan.greetings:
            member.cursors.update(plan.cursors)
            member.is_live = True
            self._opening -= 1
            if chunk.spans:
                self._advance(member, chunk)
