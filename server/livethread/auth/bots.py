"""Bots' tokens: random, kept only as a digest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from livethread.auth.identity import Identity
from livethread.model import BotToken, Role

PREFIX = "ltb_"


def new_bot(
    name: str, scopes: frozenset[str], rooms: str, now_ms: int, site: str = "default"
) -> tuple[BotToken, str]:
    """A bot and its token, which is not kept anywhere: 256 random bits need no slow hash."""
    id = secrets.token_hex(4)
    token = _new_token(id)
    return BotToken(id, name, digest(token), scopes, rooms, now_ms, site=site), token


def another_token(id: str) -> tuple[str, str]:
    """A token for the bot of that id, and its digest: kept, it ends the token there was."""
    token = _new_token(id)
    return token, digest(token)


def id_in(token: str) -> str | None:
    """The id of the bot whose token this may be."""
    id, _, secret = token.removeprefix(PREFIX).partition("_")
    return id if secret else None


def identity_of(bot: BotToken, token: str) -> Identity | None:
    """Who speaks with that token; None if it isn't the bot's, or no more."""
    given = digest(token)
    if bot.is_revoked or not hmac.compare_digest(bot.digest, given):
        return None
    return Identity(
        f"b:{bot.id}",
        bot.name,
        Role.BOT,
        scopes=bot.scopes,
        rooms=bot.rooms,
        site=bot.site,
        credential=given,
    )


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _new_token(id: str) -> str:
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return f"{PREFIX}{id}_{secret}"
