"""Sites on a database that nobody serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from livethread.cli import main
from livethread.webhook import key_of_secret


def site(data_dir: Path, *arguments: str) -> Any:
    return CliRunner().invoke(main, ["site", *arguments, "--data-dir", str(data_dir)])


def listed(data_dir: Path) -> list[list[str]]:
    return [line.split("\t") for line in site(data_dir, "list").stdout.splitlines()]


def test_a_site_is_added_changed_and_removed(tmp_path: Path) -> None:
    assert listed(tmp_path) == [["default", "", "-", "as the server", "-"]]
    added = site(tmp_path, "add", "news", "--name", "News", "--origin", "https://News.example/")
    assert added.exit_code == 0, added.stderr
    assert 'site="news"' in added.stdout
    assert listed(tmp_path) == [["news", "News", "https://news.example", "as the server", "-"]]
    origins = ("--origin", "https://*.news.example", "--origin", "http://localhost:3000")
    assert site(tmp_path, "set", "news", *origins, "--no-guests").exit_code == 0
    both = "https://*.news.example,http://localhost:3000"
    assert listed(tmp_path) == [["news", "News", both, "no guests", "-"]]
    assert site(tmp_path, "remove", "news").exit_code == 0
    assert listed(tmp_path) == [["default", "", "-", "as the server", "-"]]


def test_the_default_site_may_be_changed_and_changed_back(tmp_path: Path) -> None:
    assert site(tmp_path, "set", "default", "--origin", "https://a.example").exit_code == 0
    assert listed(tmp_path) == [["default", "", "https://a.example", "as the server", "-"]]
    assert site(tmp_path, "remove", "default").exit_code == 0
    assert listed(tmp_path) == [["default", "", "-", "as the server", "-"]]


def test_a_hook_of_its_own_has_a_secret_that_is_made_for_it(tmp_path: Path) -> None:
    url = "https://judge.example/comments"
    site(tmp_path, "add", "news")
    secrets = [site(tmp_path, "set", "news", "--hook-url", url).stdout.split()[-1] for _ in "ab"]
    assert len({key_of_secret(secret) for secret in secrets}) == 2
    assert listed(tmp_path) == [["news", "news", "-", "as the server", url]]
    assert secrets[1] not in site(tmp_path, "list").stdout
    assert site(tmp_path, "set", "news", "--hook-url", "").stdout == "news is changed.\n"
    assert listed(tmp_path) == [["news", "news", "-", "as the server", "-"]]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["add", "News"], "can't be a key"),
        (["add", "default"], "can't be a key"),
        (["add", "a b"], "can't be a key"),
        (["add", "n" * 33], "can't be a key"),
        (["add", "news", "--origin", "news.example"], "is not an origin"),
        (["add", "there"], "There is a site 'there' already"),
        (["set", "nowhere", "--name", "x"], "There is no site 'nowhere'"),
        (["set", "there"], "Say what to change"),
        (["set", "there", "--hook-url", "ftp://x.example"], "it is not like https://"),
        (["remove", "nowhere"], "There is no site 'nowhere'"),
    ],
)
def test_what_can_not_be_is_said_in_a_line(
    tmp_path: Path, arguments: list[str], problem: str
) -> None:
    site(tmp_path, "add", "there")
    refused = site(tmp_path, *arguments)
    assert refused.exit_code != 0
    assert problem in refused.stderr
    assert listed(tmp_path) == [["there", "there", "-", "as the server", "-"]]
