"""Frames deflated once for all who negotiated it: any client can inflate them."""

from __future__ import annotations

import asyncio
import json
import zlib
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from tests.system.conftest import Shared
from tests.system.peer import TEXT, Frame, Peer, closing, fill

OFFERS = {
    "as browsers do": "permessage-deflate; client_max_window_bits",
    "bare": "permessage-deflate",
    "without takeover": "permessage-deflate; server_no_context_takeover",
    "15 bits": "permessage-deflate; server_max_window_bits=15",
    "a smaller window": "permessage-deflate; server_max_window_bits=9",
    "two offers": "permessage-deflate; server_max_window_bits=10, permessage-deflate",
    "something unknown": "x-webkit-deflate-frame, permessage-deflate",
}


def inflated(found: Frame, window_bits: int) -> dict[str, Any]:
    """As a client does that keeps its window over all messages."""
    data = found.data
    if found.rsv1:
        data = zlib.decompressobj(wbits=-window_bits).decompress(data + b"\0\0\xff\xff")
    message: dict[str, Any] = json.loads(data)
    return message


@pytest.mark.parametrize("offer", OFFERS.values(), ids=list(OFFERS))
async def test_frames_inflate_within_the_window_that_was_agreed(server: Shared, offer: str) -> None:
    room = f"offer-{list(OFFERS.values()).index(offer)}"
    await fill(server.port, server.all_token, room, 20, body_chars=2_000)
    peer = await Peer.open(server.port, headers=[("Sec-WebSocket-Extensions", offer)])
    with closing(peer):
        bits = 15
        for parameter in peer.extensions.split(";"):
            name, _, value = parameter.strip().partition("=")
            if name == "server_max_window_bits":
                bits = int(value)
        await peer.say(type="hello", version=1)
        await peer.say(type="join", room=room)
        posting = asyncio.create_task(
            fill(server.port, server.post_token, room, 20, body_chars=2_000)
        )
        seq, is_deflated = 0, False
        while seq < 40:
            found = await peer.frame()
            assert found.opcode == TEXT
            is_deflated |= found.rsv1
            message = inflated(found, bits)
            if message["type"] == "joined":
                seq = int(message["cursor"].partition(".")[2])
            elif message["type"] == "changes":
                assert message["from"] == seq
                seq = message["to"]
        await posting
        assert is_deflated == ("permessage-deflate" in peer.extensions and bits == 15)


@pytest.mark.parametrize("offer", ["permessage-deflate; no_such_parameter", "x-other", ""])
async def test_other_offers_get_plain_frames(server: Shared, offer: str) -> None:
    peer = await Peer.open(
        server.port, headers=[("Sec-WebSocket-Extensions", offer)] if offer else []
    )
    with closing(peer):
        assert peer.extensions == ""
        await peer.say(type="hello", version=1)
        await peer.hear("welcome")  # fails on a compressed frame


async def test_deflated_and_plain_readers_see_the_same(server: Shared) -> None:
    factories = [ClientPerMessageDeflateFactory(client_max_window_bits=True)]
    origin: Any = f"http://127.0.0.1:{server.port}"

    def reader(**options: Any) -> connect:
        return connect(
            f"ws://127.0.0.1:{server.port}/ws", origin=origin, compression=None, **options
        )

    async with reader(extensions=factories) as deflated, reader() as plain:
        assert deflated.protocol.extensions
        assert not plain.protocol.extensions
        for client in (deflated, plain):
            await client.send(json.dumps({"type": "hello", "version": 1}))
            await client.send(json.dumps({"type": "join", "room": "both"}))
            await _heard(client, "joined")
        await fill(server.port, server.all_token, "both", 50, body_chars=1_000)
        seen = [await _changes(client, 50) for client in (deflated, plain)]
    assert seen[0] == seen[1]
    assert len(seen[0]) == 50


async def _heard(client: ClientConnection, wanted: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            message: dict[str, Any] = json.loads(await client.recv())
            if message["type"] == wanted:
                return message


async def _changes(client: ClientConnection, until: int) -> list[Any]:
    changes: list[Any] = []
    while len(changes) < until:
        changes += (await _heard(client, "changes"))["changes"]
    return changes
