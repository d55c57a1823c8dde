"""The command line without a server: flags, help, errors of one line, lazy imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from livethread.cli import COMMANDS, main
from livethread.cli.flags import flag_name, load_settings, unknown_variables
from livethread.cli.serve import serve
from livethread.settings import Settings
from tests.serverprocess import environment


def invoke(*arguments: str, **env: str) -> Any:
    return CliRunner(env=env).invoke(main, arguments)


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_a_flag_explained_by_help(name: str) -> None:
    text = " ".join(invoke("serve", "--help").output.split())
    assert flag_name(name) in text
    assert f"LIVETHREAD_{name.upper()}" in text
    description = Settings.model_fields[name].description
    assert description is not None
    assert " ".join(description.split()) in text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_the_group_is_the_command_s_own(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.get_short_help_str(200) == COMMANDS[name].help
    assert COMMANDS[name].help in invoke("--help").output


def given(*arguments: str) -> Settings:
    """The settings that ``serve`` would run with."""
    context = serve.make_context("serve", list(arguments))
    return load_settings(context.params.pop("config"), context.params)


def test_flags_of_every_kind_reach_the_settings() -> None:
    settings = given(
        *("--port", "9000", "--no-guests", "--compression", "--post-rate", "0.5"),
        *("--origins", "https://a.example", "--origins", "https://b.example"),
        *("--reconnect-window-ms", "1", "2", "--log-level", "debug", "--data-dir", "/x"),
    )
    assert settings.port == 9000
    assert (settings.guests, settings.compression) == (False, True)
    assert settings.post_rate == 0.5
    assert settings.origins == ["https://a.example", "https://b.example"]
    assert settings.reconnect_window_ms == (1, 2)
    assert (settings.log_level, settings.data_dir) == ("debug", Path("/x"))


def test_what_is_not_given_has_its_default() -> None:
    assert given() == Settings()


def test_a_flag_beats_the_environment_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.toml"
    file.write_text('port = 1\nhost = "file"\nlog_level = "error"\norigins = ["https://f.example"]')
    monkeypatch.setenv("LIVETHREAD_PORT", "2")
    monkeypatch.setenv("LIVETHREAD_HOST", "environment")
    settings = given("--config", str(file), "--port", "3")
    assert (settings.port, settings.host, settings.log_level) == (3, "environment", "error")
    assert settings.origins == ["https://f.example"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "99999"], "--port: "),
        (["--port", "x"], "'x' is not a valid integer"),
        (["--database-url", "mysql://x"], "--database-url: only sqlite"),
        (["--log-level", "loud"], "'loud' is not one of"),
        (["--origins", "a.example"], "--origins: 'a.example' is not an origin"),
        (["--config", "/nowhere.toml"], "/nowhere.toml: there is no such file"),
        (["--config", "/tmp"], "is a directory"),
        (
            ["--hook-url", "https://judge.example"],
            "Error: hook_secret: it has 0 bytes, of 24 at least.",
        ),
    ],
)
def test_a_wrong_flag_is_named(arguments: list[str], says: str) -> None:
    result = invoke("serve", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = ", "broken.toml"),
        ('port = "many"', "port (LIVETHREAD_PORT or the file)"),
        ("prot = 1", "prot: there is no such setting; is it port?"),
        ("zzz = 1", "zzz: there is no such setting."),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(text)
    result = invoke("serve", "--config", str(file))
    assert result.exit_code == 2
    assert says in result.stderr


def test_variables_that_are_no_settings_are_found_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.upper().startswith("LIVETHREAD_")]:
        monkeypatch.delenv(name)
    for name in ("PROT", "zzz", "PORT", "host", "TOKEN", "SERVER"):
        monkeypatch.setenv(f"LIVETHREAD_{name}", "1")
    found = list(unknown_variables())
    assert found == [("LIVETHREAD_PROT", "LIVETHREAD_PORT"), ("LIVETHREAD_zzz", None)]


def test_a_list_in_the_environment_is_json() -> None:
    result = invoke("serve", LIVETHREAD_ORIGINS="https://a.example")
    assert result.exit_code == 2
    assert "LIVETHREAD_ORIGINS: write a list as JSON" in result.stderr


def test_the_version() -> None:
    assert invoke("--version").output.startswith("livethread, version ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["post", "r", "x", "--server", "nonsense"], "not a server's address"),
        (["post", "r", "x", "--name", "A", "--token", "t"], "not both"),
        (["post", "r"], "Missing argument 'TEXT'"),
        (["tail"], "Missing argument 'ROOM...'"),
        (["tail", "a", "b", "--since", "x.1"], "--since ROOM=CURSOR"),
        (["tail", "a", "--since", "b=x.1"], "'b', which is not followed"),
        (["tail", "a", "--since", "nonsense"], "--since 'nonsense': a cursor is written EPOCH.SEQ"),
        (["bot", "create", "\u200b"], "The name is empty"),
        (["bot", "create", "X", "--scope", "root"], "'root' is not one of"),
    ],
)
def test_bad_input_is_one_clear_line(arguments: list[str], says: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code in (1, 2)
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert "To go on from here" not in result.stderr


@pytest.mark.parametrize(
    "command",
    [["post", "r", "x"], ["tail", "r", "--since", "x.1"], ["replay", "r"]],
    ids=lambda c: str(c[0]),
)
def test_a_missing_server_is_one_clear_line(command: list[str]) -> None:
    result = invoke(*command, "--server", "http://127.0.0.1:1")
    assert (result.exit_code, result.stdout) == (1, "")
    line = "Error: http://127.0.0.1:1 can't be reached (connection refused).\n"
    assert result.stderr == line


def test_help_and_post_load_neither_fastapi_nor_sqlalchemy() -> None:
    """They would make each call of them a second longer."""
    loaded = python(
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from livethread.cli import main\n"
        "CliRunner().invoke(main, ['--help'])\n"
        "CliRunner().invoke(main, ['post', 'r', 'x', '--server', 'http://127.0.0.1:1'])\n"
        "print('livethread_client' in sys.modules)\n"
        "print(sorted({'fastapi', 'sqlalchemy', 'uvicorn', 'starlette'} & set(sys.modules)))\n"
    )
    assert loaded.splitlines() == ["True", "[]"]
