from __future__ import annotations

from pathlib import Path

import pytest

from livethread.settings import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trusted_proxies", ["nonsense"]),
        ("metrics_networks", ["10.0.0.0/33"]),
        ("origins", ["news.example"]),
        ("origins", ["https://news.example/path"]),
        ("database_url", "mysql://x"),
        ("port", 70_000),
        ("heartbeat_s", 0),
        ("no_such_setting", 1),
    ],
)
def test_a_wrong_setting_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Settings.load({name: value})


def test_a_flag_beats_the_environment_and_that_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "livethread.toml"
    file.write_text('port = 1\nhost = "file"\nlog_level = "error"\n')
    monkeypatch.setenv("LIVETHREAD_PORT", "2")
    monkeypatch.setenv("LIVETHREAD_HOST", "environment")
    settings = Settings.load({"port": 3}, file)
    assert (settings.port, settings.host, settings.log_level) == (3, "environment", "error")


def test_the_file_of_the_current_directory_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "livethread.toml").write_text("port = 4\n")
    monkeypatch.chdir(tmp_path)
    assert Settings.load().port == 4


def test_what_is_logged_of_them_is_what_was_changed_but_no_secret_and_no_address() -> None:
    private = {
        "secret": "canary" * 10,
        "host": "192.0.2.1",
        "trusted_proxies": ["192.0.2.0/24"],
        "metrics_networks": ["192.0.2.0/24"],
        "database_url": "sqlite:///elsewhere.db",
    }
    settings = Settings(**private, port=1, readers=4, stall_s=3)  # type: ignore[arg-type]
    assert settings.shown() == {
        "database": "elsewhere.db",
        "settings": {"port": 1, "stall_s": 3.0},
    }
