"""Other people's text on a terminal: nothing in it may move the cursor, ring or deceive."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

_JOINERS = frozenset("\u200c\u200d")
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def one_line(text: str) -> str:
    """Controls, bidi overrides and the like as escapes; line ends, too."""
    return "".join(char if _is_harmless(char) else _escape(char) for char in text)


def lines(text: str) -> list[str]:
    """The same, line by line; tabs become spaces."""
    return [one_line(line) for line in text.expandtabs(4).split("\n")]


def json_line(value: Any) -> str:
    """ASCII only: neither a terminal nor a line-based tool can take offence."""
    return json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f")


def _is_harmless(char: str) -> bool:
    if " " <= char <= "~" or char in _JOINERS:
        return True
    return unicodedata.category(char) not in _REFUSED


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode()
