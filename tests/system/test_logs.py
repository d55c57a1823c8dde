"""Logs at their most talkative: no token, no body, no name, no address, no control character."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from pathlib import Path

from tests.serverprocess import serving
from tests.system.data import Seeded
from tests.system.peer import PING, Ended, Peer, Refused, closing, frame, upgrade

CANARY = "Kanarienvogel"


async def test_nothing_private_is_logged(tmp_path: Path, seeded: Seeded) -> None:
    seeded.copy_to(tmp_path)
    with serving(tmp_path, log_level="debug", max_in_flight=4, flood_commands=50) as server:
        port = server.port
        guest = await Peer.open(port, headers=[("User-Agent", CANARY), ("Cookie", CANARY)])
        bot = await Peer.speaking(port, token=seeded.all_token)
        with closing(guest, bot):
            await guest.say(type="hello", version=1, guest={"name": CANARY}, client=CANARY)
            guest_token = (await guest.hear("welcome"))["guest_token"]
            for peer in (guest, bot):
                for number in range(30):
                    await peer.say(
                        type="post", room=CANARY.lower(), nonce=f"{CANARY}-{number}", body=CANARY
                    )
                await peer.hear("ack")
                await peer.say(type="report", room="r", comment=1, reason="spam", text=CANARY)
                await peer.say(type="post", room="r", nonce=CANARY, body=CANARY, parent=99)
                await peer.send(frame(f'{{"type":"{CANARY}"'.encode()))
                await peer.ping()
        await _misbehave(port)
        server.terminate()
        log = server.log.read_text()
    secret = (server.data_dir / "secret.key").read_text()
    for private in (CANARY, seeded.all_token, guest_token, secret, guest_token.split(".")[2]):
        assert private.lower() not in log.lower()
    assert not re.search(r"ltb_|eyJ", log)
    events = [json.loads(line) for line in log.splitlines()]
    told = [event["event"] for event in events]
    for once in ("listening", "draining", "stopped"):
        assert told.count(once) == 1
    shown = events[told.index("listening")]
    assert shown["settings"]["max_in_flight"] == 4
    assert shown["database"].endswith("livethread.db")
    assert {"closed", "connections_refused"} <= set(told)
    for line, event in zip(log.splitlines(), events, strict=True):
        if event["event"] != "listening":
            assert "127.0.0.1" not in line
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", log)
    assert "Traceback" not in log


async def _misbehave(port: int) -> None:
    """All that makes a server complain."""
    for headers in (
        [("Origin", f"https://{CANARY}.example")],
        [("Sec-WebSocket-Protocol", CANARY), ("Origin", "null")],
        [("Sec-WebSocket-Key", CANARY)],
        [("X-Forwarded-For", f"198.51.100.7, {CANARY}"), ("Origin", "x")],
    ):
        with suppress(Refused, Ended):
            (await Peer.open(port, origin=None, headers=headers)).close()
    for sent in (
        upgrade(port, path=f"/{CANARY}"),
        f"{CANARY} / HTTP/1.1\r\n\r\n".encode(),
        f"GET /{CANARY}?token={CANARY} HTTP/1.1\r\nHost: {CANARY}\r\n\r\n".encode(),
        f"GET / HTTP/1.1\r\nHost: x\r\n{CANARY}\x1b[31m: x\r\n\r\n".encode(),
        b"\x16\x03\x01\x00\xa5" + CANARY.encode(),
    ):
        peer = await Peer.dial(port)
        with closing(peer):
            await peer.send(sent)
            await peer.take(65536)
    for broken in (frame(CANARY.encode(), 15), frame(b"\xff" + CANARY.encode()), frame(b"", 2)):
        peer = await Peer.speaking(port)
        with closing(peer):
            await peer.send(broken)
            await peer.ended()
    peer = await Peer.open(port)
    with closing(peer):
        await peer.say(type="hello", version=1, token=CANARY)
        await peer.ended()
    peer = await Peer.speaking(port)
    with closing(peer):
        await peer.send(frame(CANARY.encode(), PING) * 300)
        await peer.ended()
    await asyncio.sleep(0)
