"""How a body reads that has no markup: the same in every place that shows one."""

from __future__ import annotations

import re

_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")


def paragraphs(body: str) -> list[str]:
    """Returns a body's paragraphs: parted by blank lines, their lines trimmed and kept apart."""
    return [
        "\n".join(line.strip(" \t") for line in paragraph.split("\n"))
        for paragraph in _BLANK_LINES.split(body.strip())
        if paragraph
    ]
