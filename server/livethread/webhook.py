"""Signatures of requests as Standard Webhooks (standardwebhooks.com) has them."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from urllib.parse import urlsplit

MIN_SECRET_BYTES = 24


def new_secret() -> str:
    """``whsec_…``: 256 random bits."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def check_url(url: str) -> None:
    """Return if that can be asked; raises ``ValueError``."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it is not like https://judge.example/comments")


def key_of_secret(secret: str) -> bytes:
    """The key in ``whsec_…``. Raises ``ValueError`` for what is none, or could be guessed."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("it is not base64") from error
    if len(key) < MIN_SECRET_BYTES:
        raise ValueError(f"it has {len(key)} bytes, of {MIN_SECRET_BYTES} at least")
    return key


def signed(key: bytes, id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers of a JSON request, signed by HMAC-SHA256; ``at_s`` in seconds since 1970."""
    mac = hmac.digest(key, f"{id}.{at_s}.".encode() + body, "sha256")
    return {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
