"""Issuers on a database that nobody serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey

from livethread.cli import main

NAME = "https://login.example"
EC = ECKey.generate_key("P-256")


def run(data_dir: Path, *arguments: str) -> Any:
    return CliRunner().invoke(main, [*arguments, "--data-dir", str(data_dir)])


def listed(data_dir: Path) -> list[list[str]]:
    lines = run(data_dir, "issuer", "list").stdout.splitlines()
    return [line.split("\t") for line in lines]


def test_a_secret_is_made_printed_once_and_rolled_over(tmp_path: Path) -> None:
    added = run(tmp_path, "issuer", "add", NAME, "--algorithm", "HS256")
    assert added.exit_code == 0, added.stderr
    first = added.stdout.strip()
    assert len(first) == 64
    assert listed(tmp_path) == [["default", NAME, "HS256", "livethread", "1 key"]]
    assert first not in run(tmp_path, "issuer", "list").output
    seconds = [run(tmp_path, "issuer", "rotate", NAME).stdout.strip() for _ in range(2)]
    assert len({first, *seconds}) == 3
    assert listed(tmp_path)[0][-1] == "2 keys"
    assert run(tmp_path, "issuer", "remove", NAME).exit_code == 0
    assert listed(tmp_path) == []


def test_of_a_private_key_only_the_public_half_is_kept(tmp_path: Path) -> None:
    for name, data in (
        ("pem", EC.as_pem(private=True)),
        ("jwk", json.dumps(EC.as_dict(private=True)).encode()),
    ):
        file = tmp_path / name
        file.write_bytes(data)
        added = run(
            tmp_path, "issuer", "add", name, "--algorithm", "ES256", "--key-file", str(file)
        )
        assert added.exit_code == 0, added.stderr
    private = str(EC.as_dict(private=True)["d"]).encode()
    kept = [f for f in tmp_path.glob("livethread.db*") if private in f.read_bytes()]
    assert kept == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["add", "livethread", "--algorithm", "HS256"], "can't be an issuer's name"),
        (["add", "mailto:", "--algorithm", "HS256"], "can't be an issuer's name"),
        (["add", NAME, "--algorithm", "none"], "'none' is not one of"),
        (["add", NAME, "--algorithm", "HS512"], "'HS512' is not one of"),
        (["add", NAME], "--algorithm"),
        (["add", NAME, "--algorithm", "ES256"], "Give its public key"),
        (["add", NAME, "--algorithm", "ES256", "--key-file", "{short}"], "no key for ES256"),
        (["add", NAME, "--algorithm", "HS256", "--key-file", "{short}"], "could be guessed"),
        (["add", NAME, "--algorithm", "RS256", "--jwks-url", "http://a.example/"], "https only"),
        (["add", NAME, "--algorithm", "RS256", "--jwks-url", "file:///etc/x"], "https only"),
        (["add", NAME, "--algorithm", "HS256", "--jwks-url", "https://a.example/"], "secret"),
        (["add", NAME, "--algorithm", "HS256", "--site", "nowhere"], "no site 'nowhere'"),
        (["add", "there", "--algorithm", "HS256"], "believes 'there' already"),
        (["rotate", "nowhere"], "no issuer 'nowhere'"),
        (["remove", "nowhere"], "no issuer 'nowhere'"),
    ],
)
def test_what_can_not_be_is_said_in_a_line(
    tmp_path: Path, arguments: list[str], problem: str
) -> None:
    short = tmp_path / "short"
    short.write_text("secret")
    run(tmp_path, "issuer", "add", "there", "--algorithm", "HS256")
    given = [word.format(short=short) for word in arguments]
    refused = run(tmp_path, "issuer", *given)
    assert refused.exit_code != 0
    assert problem in refused.stderr
    assert [row[1] for row in listed(tmp_path)] == ["there"]


def test_a_key_set_is_named_by_its_address(tmp_path: Path) -> None:
    url = "https://login.example/keys"
    added = run(tmp_path, "issuer", "add", NAME, "--algorithm", "RS256", "--jwks-url", url)
    assert added.exit_code == 0, added.stderr
    assert listed(tmp_path)[0][-1] == url
    assert "has its keys at" in run(tmp_path, "issuer", "rotate", NAME).stderr
