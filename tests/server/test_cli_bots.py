"""Bots made, listed and revoked on a database that nobody serves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from livethread.app import open_store
from livethread.auth.authenticator import Authenticator
from livethread.auth.directory import Directory
from livethread.auth.fetching import fetch
from livethread.auth.issuers import Issuers
from livethread.auth.keys import KeySets
from livethread.auth.names import Names
from livethread.auth.origin import OwnOrigin
from livethread.auth.signing import Signer
from livethread.cli import main
from livethread.protocol.errors import Unauthorized
from livethread.settings import Settings
from livethread.site import DEFAULT, Site


def bot(data_dir: Path, *arguments: str) -> Any:
    return CliRunner().invoke(main, ["bot", *arguments, "--data-dir", str(data_dir)])


def signs_in(data_dir: Path, token: str) -> str | None:
    """The identity a server would give the token."""

    async def ask() -> str | None:
        store = await open_store(Settings(data_dir=data_dir))
        try:
            directory = Directory(store, Site(DEFAULT), OwnOrigin(), lambda: 0)
            await directory.refresh()
            signer = Signer(b"x" * 32, lambda: 0)
            authenticator = Authenticator(
                store,
                directory,
                signer,
                Issuers(store, KeySets(fetch, lambda: 0), signer, lambda: 0),
                names=Names(store),
                guest_token_days=1,
            )
            identity = await authenticator.by_token(None, token)
        except Unauthorized:
            return None
        finally:
            await store.close()
        return f"{identity.name} {sorted(identity.scopes)} {identity.rooms}"

    return asyncio.run(ask())


def test_a_new_bot_signs_in_until_it_is_revoked(tmp_path: Path) -> None:
    made = bot(tmp_path, "create", "Echo", "--rooms", "news/*")
    assert made.exit_code == 0, made.stderr
    token = made.stdout.strip()
    assert signs_in(tmp_path, token) == "Echo ['post', 'read'] news/*"
    assert bot(tmp_path, "revoke", "Echo").exit_code == 0
    assert signs_in(tmp_path, token) is None


def test_the_token_is_printed_once_and_kept_nowhere(tmp_path: Path) -> None:
    token = bot(tmp_path, "create", "Echo").stdout.strip()
    secret = token.rpartition("_")[2].encode()
    kept = [file for file in tmp_path.iterdir() if secret in file.read_bytes()]
    assert kept == []
    assert token not in bot(tmp_path, "list").output


def test_the_list_says_what_each_may_do(tmp_path: Path) -> None:
    assert "no bots" in bot(tmp_path, "list").stderr
    bot(tmp_path, "create", "Echo")
    bot(tmp_path, "create", "Mod", "--scope", "read", "--scope", "moderate")
    bot(tmp_path, "revoke", "Echo")
    lines = [line.split("\t")[:3] for line in bot(tmp_path, "list").stdout.splitlines()]
    assert lines == [["Echo", "revoked", "*"], ["Mod", "moderate,read", "*"]]


def test_a_name_is_given_once_even_after_revoking(tmp_path: Path) -> None:
    bot(tmp_path, "create", "Echo")
    bot(tmp_path, "revoke", "Echo")
    again = bot(tmp_path, "create", "Echo")
    assert again.exit_code == 1
    assert "There was a bot called 'Echo'" in again.stderr


def test_revoking_a_stranger_is_an_error(tmp_path: Path) -> None:
    result = bot(tmp_path, "revoke", "Nobody")
    assert (result.exit_code, result.stderr) == (1, "Error: There is no bot called 'Nobody'.\n")


def test_a_damaged_database_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "livethread.db"
    path.write_bytes(b"this is no database" * 100)
    result = bot(tmp_path, "list")
    assert result.exit_code == 1
    assert str(path) in result.stderr
    assert "Traceback" not in result.stderr


def test_a_directory_that_can_t_be_made_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = bot(tmp_path / "file" / "data", "list")
    assert result.exit_code == 1
    assert "can't create the data directory" in result.stderr
