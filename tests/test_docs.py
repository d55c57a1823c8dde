"""The docs say what the program does: settings, codes, commands, and links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import click
import pytest

from livethread.cli import main
from livethread.moderation.filters import Filters
from livethread.protocol.commands import Action
from livethread.protocol.errors import CloseCode, ErrorCode
from livethread.settings import Settings
from livethread.web import comments, events, moderation, rooms
from livethread.web.problems import STATUS
from tools.generate_settings import PAGE, page

ROOT = Path(__file__).parents[1]
API = (events, comments, moderation, rooms)
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def test_the_settings_page_is_what_the_program_says() -> None:
    assert PAGE.read_text() == page(), "run: .venv/bin/python tools/generate_settings.py"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_has_a_help_line_and_stands_in_the_docs(name: str) -> None:
    assert Settings.model_fields[name].description
    assert f"| `{name}` |" in PAGE.read_text()


@pytest.mark.parametrize("code", [*ErrorCode, *CloseCode])
def test_each_code_stands_in_the_protocol_page(code: ErrorCode | CloseCode) -> None:
    assert f"`{code.value}`" in (ROOT / "docs" / "protocol.md").read_text()


def test_each_status_stands_in_the_http_page_with_its_codes() -> None:
    text = (ROOT / "docs" / "http.md").read_text()
    for code, status in STATUS.items():
        assert re.search(rf"^\| {status.value} \|.*`{code.value}`", text, re.MULTILINE)


@pytest.mark.parametrize(
    "path",
    sorted({route.path for part in API for route in part.router.routes}),
)
def test_each_operation_stands_in_the_http_page(path: str) -> None:
    assert re.sub(r":\w+", "", path) in (ROOT / "docs" / "http.md").read_text()


def commands(group: click.Group, prefix: str = "livethread") -> list[str]:
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        full = f"{prefix} {name}"
        found += commands(command, full) if isinstance(command, click.Group) else [full]
    return found


def test_there_are_commands() -> None:
    assert "livethread bot create" in commands(main)


@pytest.mark.parametrize("command", commands(main))
def test_each_command_stands_in_the_docs(command: str) -> None:
    assert any(
        f"{command} " in text or f"{command}`" in text for text in map(Path.read_text, PAGES)
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_each_link_between_pages_leads_to_a_file(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"


@pytest.mark.parametrize("name", [*Filters.model_fields, *get_args(Action)])
def test_each_filter_and_action_stands_in_the_moderation_page(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "moderation.md").read_text()
