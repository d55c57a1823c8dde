"""Writes docs/settings.md from the Settings model; a test fails when it is stale."""

from __future__ import annotations

from pathlib import Path

from pydantic_core import to_json

from livethread.settings import Settings

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"

HEAD = """\
# Settings

Made from the program by `tools/generate_settings.py`; don't edit it by hand.

Each setting is a flag of `livethread serve` (`--max-body-chars 2000`), an environment variable
(`LIVETHREAD_MAX_BODY_CHARS=2000`) and a key of the TOML file (`max_body_chars = 2000` in
`livethread.toml`, or the file named by `--config`). A flag beats the environment, the environment
beats the file. A flag or a key that is no setting is refused; an environment variable that is none
is named in the log at start (`no_such_setting`). Lists are repeated flags, and JSON in the
environment:
`LIVETHREAD_ORIGINS='["https://news.example"]'`.

Names end in their unit: `_s` seconds, `_ms` milliseconds, `_bytes`, `_mb`, `_chars`, `_days`;
rates are per second. For rates and for sockets per address or identity, `0` means no limit. What is
counted by address is counted by network, /64, for IPv6.

| setting | default | what it does |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = str(default) if isinstance(default, str | Path) else to_json(default).decode()
        value = f"`{shown}`" if shown not in ("", "null", "[]") else "none"
        rows.append(f"| `{name}` | {value} | {field.description} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
