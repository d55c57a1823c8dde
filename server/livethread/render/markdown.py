"""Markdown to the token tree: CommonMark and strikethrough, less what a discussion can't use.

Headings become strong paragraphs, images become links, rules three asterisks, and HTML the text it
was typed as. Tables, footnotes and task lists stay text. Line breaks stay line breaks.

pyromark (Rust, pulldown-cmark) reads a typical comment in 5 µs and is linear but for one thing:
every line walks through all blocks open around it, so many marks of quotes or lists before many
lines cost their product (measured: 75 ms for 20,000 characters, 1.9 s for 80,000). Bodies with
more than MAX_MARKERS of them on a line are therefore not read at all. What is built is bounded as
well, in tokens and in characters of addresses (a reference of 2,000 characters can be used 700
times in a body of 5,000). A body over a bound is shown as typed.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Final

import pyromark

from livethread.protocol.text import scrub
from livethread.render.links import link_bare, safe_url
from livethread.render.plain import paragraphs
from livethread.render.tree import Tree

MAX_EVENTS: Final = 4_000  # a token is two; 5,000 characters dense with markup have some 1,400
MAX_HREF_CHARS: Final = 20_000
MAX_MARKERS: Final = 32

# What could be markup, anywhere and at the start of a line. Looked for first: a plain comment of 80
# characters costs one microsecond so.
_MARKUP = re.compile(r"[*_`~\[\]<&\\]")
_LINE_MARKUP = re.compile(r"\n(?:[ \t]*+(?:[#>+=-]|\d{1,9}[.)])|(?: {4}| {0,3}\t)[ \t]*+\S)")
_TOO_NESTED = re.compile(
    rf"^[ \t]*+(?:(?:>|(?:[-+*]|\d{{1,9}}[.)])(?=[ \t]))[ \t]*+){{{MAX_MARKERS + 1}}}", re.MULTILINE
)
_LANG = re.compile(r"[A-Za-z0-9+#._-]{1,32}")
# Markdown would read https://host/__init__.py as strong: while it reads, this non-character, which
# clean_body refuses, stands for the underscores inside an address.
_UNDERSCORE: Final = "\ufdd0"
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]]*[^\s<>()\[\]_*~.,:;!?'\"]", re.IGNORECASE)
_INLINE: Final = MappingProxyType({"Emphasis": "em", "Strong": "strong", "Strikethrough": "del"})


def render(body: str) -> list[dict[str, Any]] | None:
    """Returns the token tree of a clean body, ready for JSON, or None if the body says it all.

    None means: show the body as it is, paragraph by paragraph (`livethread.render.plain`). It is
    the answer for plain text, for what leaves nothing to see, and over a bound. Takes time linear
    in the body; the tree is valid for `livethread.protocol.rich`.
    """
    if not _may_have_markup(body) or _TOO_NESTED.search(body):
        return None
    tree = parse(body)
    if not tree or _is_plain(tree, body):
        return None
    return tree


def parse(body: str) -> list[dict[str, Any]] | None:
    """Returns the tree of any body, plain or not, or None over a bound."""
    reader = _Reader(body)
    if reader.may_have_addresses and _UNDERSCORE not in body:
        body = _ADDRESS.sub(lambda address: address[0].replace("_", _UNDERSCORE), body)
    options = pyromark.Options.ENABLE_STRIKETHROUGH
    for count, event in enumerate(pyromark.events(body, options=options)):
        if count == MAX_EVENTS or reader.href_chars > MAX_HREF_CHARS:
            return None
        if isinstance(event, str):
            reader.read_break(event)
        else:
            for kind, value in event.items():  # exactly one
                reader.read(kind, value)
    return reader.tree.finish()


def _may_have_markup(body: str) -> bool:
    if _MARKUP.search(body) or _may_have_addresses(body):
        return True
    return _LINE_MARKUP.search(f"\n{body}") is not None


def _may_have_addresses(body: str) -> bool:
    return "://" in body or "www." in body.lower()


class _Reader:
    """Turns pyromark's events into calls on a tree."""

    def __init__(self, body: str) -> None:
        self.tree = Tree()
        self.href_chars = 0
        self.may_have_addresses = _may_have_addresses(body)
        self._links_open = 0
        # If not, entities may bring back what clean_body refused, and marks lose their base.
        self._is_clean = body.isascii() and "&" not in body

    def read_break(self, kind: str) -> None:
        if kind == "SoftBreak":
            self.tree.add("\n")
        elif kind == "HardBreak":
            self.tree.add({"t": "br"})
        else:  # a rule
            self.tree.open_line({"t": "p"})
            self.tree.add("* * *")
            self.tree.close()

    def read(self, kind: str, value: Any) -> None:
        if kind == "Text":
            text = self._text(value)
            if self.may_have_addresses and not self._links_open and not self.tree.is_in_text:
                self.tree.add(*link_bare(text))
            else:
                self.tree.add(text)
        elif kind == "Start":
            self._open(value)
        elif kind == "End":
            self._close(value)
        elif kind == "Code":
            self.tree.add({"t": "code", "text": self._text(value)})
        else:  # Html, InlineHtml
            self.tree.add(self._text(value))

    def _open(self, tag: Any) -> None:
        name, data = (tag, None) if isinstance(tag, str) else next(iter(tag.items()))
        if name in {"Paragraph", "HtmlBlock"}:
            self.tree.open_line({"t": "p"})
        elif name in _INLINE:
            self.tree.open_inline({"t": _INLINE[name]})
        elif name in {"Link", "Image"}:
            self._open_link(data)
        elif name == "Item":
            self.tree.open_blocks({"t": "li"})
        elif name == "List":
            self.tree.open_blocks(_list(data), levels=2)
        elif name == "BlockQuote":
            self.tree.open_blocks({"t": "quote"})
        elif name == "Heading":
            self.tree.open_line({"t": "p"})
            self.tree.open_inline({"t": "strong"})
        else:
            self.tree.open_text({"t": "pre", "text": "", **_lang(data)})

    def _close(self, tag: Any) -> None:
        if tag in ("Link", "Image"):  # a dict can't be asked of a set
            self._links_open -= 1
        elif isinstance(tag, dict) and "Heading" in tag:
            self.tree.close()
        self.tree.close()

    def _open_link(self, data: Any) -> None:
        """Opens a link, or only its text if it's in another or its address may be no link."""
        self._links_open += 1
        url = data["dest_url"].replace(_UNDERSCORE, "_")
        href = safe_url(f"mailto:{url}" if data["link_type"] == "Email" else url)
        if href is None or self._links_open > 1:
            self.tree.open_inline(None)
        else:
            self.href_chars += len(href)
            self.tree.open_inline({"t": "a", "href": href})

    def _text(self, text: str) -> str:
        if self.may_have_addresses:
            text = text.replace(_UNDERSCORE, "_")
        return text if self._is_clean else scrub(text)


def _list(start: int | None) -> dict[str, Any]:
    if start is None:
        return {"t": "ul"}
    return {"t": "ol"} if start == 1 else {"t": "ol", "start": start}


def _lang(kind: Any) -> dict[str, str]:
    words = kind["Fenced"].split(maxsplit=1) if isinstance(kind, dict) else []
    return {"lang": words[0]} if words and _LANG.fullmatch(words[0]) else {}


def _is_plain(tree: list[dict[str, Any]], body: str) -> bool:
    """Whether the tree says nothing that the body's own paragraphs don't."""
    texts = []
    for block in tree:
        if block["t"] != "p":
            return False
        line = ["\n" if token == {"t": "br"} else token for token in block["c"]]
        if not all(isinstance(token, str) for token in line):
            return False
        texts.append("".join(line))
    return texts == paragraphs(body)
