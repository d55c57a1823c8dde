"""What we build on in uvicorn and it doesn't document: read again if this fails.

The class given as ``Config(ws=…)``: how it is constructed and called, and how it is stopped.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from livethread import app
from livethread.http import HttpConnection
from livethread.socket import Connection
from tests.system.data import Seeded
from tests.system.inside import Inside, serving_inside
from tests.system.peer import Ended, Peer, Refused, closing, command, until

CALLS: list[tuple[str, Any]] = []


class Recording(Connection):
    """Notes what uvicorn does with it."""

    def __init__(self, gateway: Any, *positional: Any, **keywords: Any) -> None:
        CALLS.append(("init", (positional, keywords)))
        super().__init__(gateway, *positional, **keywords)

    def connection_made(self, transport: Any) -> None:
        CALLS.append(("connection_made", transport.get_protocol()))
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        CALLS.append(("data_received", (bytes(data), self._transport.get_protocol())))
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        CALLS.append(("connection_lost", None))
        super().connection_lost(exc)

    def shutdown(self) -> None:
        CALLS.append(("shutdown", None))
        super().shutdown()


@pytest.fixture
async def inside(
    tmp_path: Path, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Inside]:
    CALLS.clear()
    seeded.copy_to(tmp_path)
    monkeypatch.setattr(app, "Connection", Recording)
    async with serving_inside(tmp_path / "data", monkeypatch) as made:
        yield made


def test_minor_version_is_the_one_that_was_read() -> None:
    assert version("uvicorn").split(".")[:2] == ["0", "54"]


async def test_class_is_constructed_and_fed_as_we_read_it(inside: Inside) -> None:
    peer = await Peer.dial(inside.port)
    with closing(peer):
        await peer.send(b"G")  # in pieces it is no request that our door knows
        await until(lambda: _are_all(inside, HttpConnection), "the connection is uvicorn's")
        await peer.upgrade(inside.port, headers=[("X-Case", "Kept")], but_for=b"G")
        await peer.say(type="hello", version=1)
        await peer.hear("welcome")
        (init, (positional, keywords)), made, request, hello = CALLS
        assert init == "init"
        assert positional == ()
        assert set(keywords) == {"config", "server_state", "app_state"}
        assert keywords["config"] is inside.server.config
        assert keywords["server_state"] is inside.server.server_state
        assert made[0] == request[0].replace("data_received", "connection_made")
        assert isinstance(made[1], HttpToolsProtocol), "set_protocol comes later"

        text, during = request[1]
        assert isinstance(during, HttpToolsProtocol), "set_protocol comes later"
        assert text.startswith(b"GET /ws HTTP/1.1\r\n")
        assert text.endswith(b"\r\n\r\n")
        assert b"\r\nx-case: Kept\r\n" in text
        assert text.count(b"\r\nhost: ") == 1

        data, protocol = hello[1]
        assert data == command(type="hello", version=1)
        assert isinstance(protocol, Recording), "the transport is ours now"
        assert inside.connections == {protocol}
    await until(lambda: not inside.connections, "the connection is forgotten")
    assert CALLS[-1][0] == "connection_lost"


def _are_all(inside: Inside, kind: type) -> bool:
    return {type(connection) for connection in inside.connections} == {kind}


async def test_refused_upgrades_leave_nothing_behind(inside: Inside) -> None:
    for headers in (
        [("Origin", "https://evil.example")],
        [("Sec-WebSocket-Version", "12")],
        [(f"X-{number}", "x" * 40) for number in range(800)],  # more than we read
        [("X-Long", "x" * 40_000)],
    ):
        with pytest.raises((Refused, Ended)):
            await Peer.open(inside.port, headers=headers)
    await until(lambda: not inside.connections, "refused connections are forgotten")
    assert len(inside.gateway) == 0
    assert not inside.gateway.addresses._counts


async def test_exit_calls_shutdown_of_every_connection_and_waits_for_them(inside: Inside) -> None:
    peers = [await Peer.speaking(inside.port) for _ in range(3)]
    with closing(*peers):
        inside.server.should_exit = True
        for peer in peers:
            notice = await peer.hear("notice")
            assert notice["code"] == "draining"
            assert (await peer.ended()).code == 1012
    await until(lambda: not inside.connections, "all have left")
    assert [name for name, _ in CALLS].count("shutdown") == 3


def test_uvicorn_still_has_what_our_server_overrides() -> None:
    assert list(inspect.signature(uvicorn.Server.shutdown).parameters) == ["self", "sockets"]
    assert list(inspect.signature(uvicorn.Server.startup).parameters) == ["self", "sockets"]
    assert list(inspect.signature(uvicorn.Server.handle_exit).parameters) == [
        "self",
        "sig",
        "frame",
    ]
    source = inspect.getsource(uvicorn.Server.serve)
    assert "with self.capture_signals()" in source
    source = inspect.getsource(uvicorn.Server.startup)
    assert "config=config," in source
    assert "server_state=self.server_state," in source
    assert "app_state=self.lifespan.state," in source


async def test_uvicorn_still_calls_what_our_http_connection_overrides(inside: Inside) -> None:
    made = inside.server._http(None)  # type: ignore[arg-type]
    assert isinstance(made, HttpConnection)
    assert isinstance(made, HttpToolsProtocol)
    for name in (
        "connection_made",
        "data_received",
        "connection_lost",
        "pause_writing",
        "resume_writing",
        "on_message_begin",
        "on_message_complete",
        "handle_websocket_upgrade",
    ):
        assert name in vars(HttpConnection)
        assert name in vars(HttpToolsProtocol)
