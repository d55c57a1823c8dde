"""The server speaks TLS itself, with a certificate that is made here."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.serverprocess import UNLIMITED, serving
from tests.system.data import Seeded
from tests.system.peer import Peer, closing

OPENSSL = shutil.which("openssl")


@pytest.mark.skipif(OPENSSL is None, reason="makes its certificate with the openssl command")
async def test_websocket_over_tls(tmp_path: Path, seeded: Seeded) -> None:
    seeded.copy_to(tmp_path)
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    _make(cert, key)
    with serving(tmp_path, **UNLIMITED, tls_cert=cert, tls_key=key) as server:
        assert server.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(cert))
        body = "x" * 4_000
        async with connect(
            f"wss://127.0.0.1:{server.port}/ws",
            ssl=trusting,
            origin=f"https://127.0.0.1:{server.port}",  # type: ignore[arg-type]
        ) as client:
            hello = {"type": "hello", "version": 1, "token": seeded.all_token}
            for sent in (hello, {"type": "join", "room": "tls"}):
                await client.send(json.dumps(sent))
                await client.recv()
            for number in range(200):
                post = {"type": "post", "room": "tls", "nonce": f"tls-{number:06}", "body": body}
                await client.send(json.dumps(post))
            seq = 0
            while seq < 200:
                message = json.loads(await client.recv())
                assert message["type"] in ("ack", "changes", "presence")
                if message["type"] == "changes":
                    assert message["from"] == seq
                    seq = message["to"]
        assert client.close_code == 1000
        assert server.terminate() == 0
        assert "Traceback" not in server.log.read_text()


@pytest.mark.skipif(OPENSSL is None, reason="makes its certificate with the openssl command")
async def test_silence_before_tls_is_closed_in_time(tmp_path: Path) -> None:
    """Before the handshake nothing of ours sees the connection; asyncio alone waits a minute."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    _make(cert, key)
    with serving(tmp_path, tls_cert=cert, tls_key=key, request_deadline_s=0.3) as server:
        silent = await Peer.dial(server.port)
        half = await Peer.dial(server.port)
        with closing(silent, half):
            await half.send(bytes.fromhex("1603010200010001fc0303"))  # a ClientHello begins
            for peer in (silent, half):
                with suppress(ConnectionError):
                    assert not await peer.take(1)  # within PATIENCE_S


def _make(cert: Path, key: Path) -> None:
    assert OPENSSL is not None
    subprocess.run(
        [
            *(OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-noenc", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
