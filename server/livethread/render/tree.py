"""Builds the token tree, with its nesting bounded, from a flat run of openings and closings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from livethread.protocol.rich import MAX_DEPTH

MAX_BLOCK_DEPTH: Final = MAX_DEPTH - 4  # leaves room for a paragraph and what is in its line


@dataclass(slots=True)
class _Frame:
    """A token that is still open. Without a token it's flattened: its content is its parent's."""

    holds: str  # "blocks", "line" or "text"
    children: list[Any]
    token: dict[str, Any] | None = None
    is_implied: bool = False


@dataclass(slots=True)
class Tree:
    """The tree as far as it is read; every method is O(1), but for joining what a token holds.

    Text directly within a quote or an item gets a paragraph of its own, so that blocks hold blocks.
    Tokens that would be empty are left out, except items, which count.
    """

    blocks: list[dict[str, Any]] = field(default_factory=list)
    _stack: list[_Frame] = field(default_factory=list)
    _depth: int = 0

    def __post_init__(self) -> None:
        self._stack.append(_Frame("blocks", self.blocks))

    @property
    def is_in_text(self) -> bool:
        """Whether a block of text is open."""
        return self._stack[-1].holds == "text"

    def open_blocks(self, token: dict[str, Any], levels: int = 1) -> None:
        """Opens a quote, list or item; a list passes 2 levels, to count for its items, too."""
        self._close_implied()
        is_flat = self._depth + levels > MAX_BLOCK_DEPTH
        if token["t"] == "li":  # lives and falls with its list
            is_flat = self._stack[-1].token is None
        self._push("blocks", None if is_flat else token)

    def open_line(self, token: dict[str, Any]) -> None:
        """Opens a paragraph, which holds a line's tokens and text."""
        self._close_implied()
        self._push("line", token)

    def open_text(self, token: dict[str, Any]) -> None:
        """Opens a block whose whole content is text."""
        self._close_implied()
        self._push("text", token)

    def open_inline(self, token: dict[str, Any] | None) -> None:
        """Opens a token within a line; None if only its content shall stay."""
        self._imply_line()
        self._push("line", token if self._depth < MAX_DEPTH - 1 else None)  # `add` needs the last

    def add(self, *inline: Any) -> None:
        """Adds whole tokens and text to the line, or text to a block of text."""
        self._imply_line()
        self._stack[-1].children += inline

    def close(self) -> None:
        """Closes what was opened last."""
        self._close_implied()
        self._pop()

    def finish(self) -> list[dict[str, Any]]:
        """Returns the tree."""
        self._close_implied()
        return self.blocks

    def _imply_line(self) -> None:
        if self._stack[-1].holds == "blocks":
            self._push("line", {"t": "p"})
            self._stack[-1].is_implied = True

    def _close_implied(self) -> None:
        if self._stack[-1].is_implied:
            self._pop()

    def _push(self, holds: str, token: dict[str, Any] | None) -> None:
        if token is None:
            self._stack.append(_Frame(holds, self._stack[-1].children))
        else:
            self._stack.append(_Frame(holds, [], token))
            self._depth += 1

    def _pop(self) -> None:
        frame = self._stack.pop()
        token = frame.token
        if token is None:
            return
        self._depth -= 1
        if frame.holds == "text":
            token["text"] = "".join(frame.children).removesuffix("\n")
        elif frame.holds == "line":
            token["c"] = _joined(frame.children, is_whole=token["t"] == "p")
            if token["t"] == "a" and not token["c"]:
                token["c"] = [token["href"]]
        else:
            token["c"] = frame.children
        if token.get("c") or token.get("text") or token["t"] == "li":
            self._stack[-1].children.append(token)


def _joined(inline: list[Any], *, is_whole: bool) -> list[Any]:
    """Returns the tokens with neighbouring strings made one; a whole line loses its last break."""
    joined: list[Any] = []
    run: list[str] = []
    for token in inline:
        if isinstance(token, str):
            run.append(token)
            continue
        if run:
            joined.append("".join(run))
            run = []
        joined.append(token)
    last = "".join(run)
    if is_whole:
        last = last.removesuffix("\n")
    if last:
        joined.append(last)
    return joined
