"""A body in a line of plain text: for titles, previews and notifications."""

from __future__ import annotations

import unicodedata
from typing import Any

from livethread.render.markdown import render


def excerpt(body: str, max_chars: int) -> str:
    """Returns the body's text without markup in one line of at most max_chars (2 or more).

    Longer text is cut between words where one ends in the last half, else between characters that
    belong together, and ends in an ellipsis, which counts. It is plain text: escape it in HTML.
    """
    rich = render(body)
    words = (body if rich is None else " ".join(_texts(rich))).split()
    text = " ".join(words)
    if len(text) <= max_chars:
        return text
    end = max_chars - 1
    space = text.rfind(" ", end // 2, end + 1)
    if space > 0:
        end = space
    else:
        while end > 1 and _joins(text[end], text[end - 1]):
            end -= 1
    return f"{text[:end]}…"


def _texts(tokens: list[Any]) -> list[str]:
    """Returns one text a block; a line's tokens are not parted, blocks are."""
    texts: list[str] = []
    for token in tokens:
        if token["t"] == "p":
            texts.append("".join(map(_inline, token["c"])))
        elif token["t"] == "pre":
            texts.append(token["text"])
        else:
            texts += _texts(token["c"])
    return texts


def _inline(token: Any) -> str:
    if isinstance(token, str):
        return token
    if token["t"] == "br":
        return "\n"
    return token["text"] if token["t"] == "code" else "".join(map(_inline, token["c"]))


def _joins(char: str, before: str) -> bool:
    return unicodedata.category(char) in {"Mn", "Mc", "Me", "Cf"} or before == "\u200d"
