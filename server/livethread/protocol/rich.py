"""The token tree: a body's Markdown as the server understood it. No HTML crosses the wire.

A body that is nothing more than plain paragraphs has no tree. Tokens say what a text *is*; how it
looks is up to whoever shows it, with elements it makes itself. A line break inside a string is a
line break of the text. Links are `http:`, `https:` or `mailto:`, and whoever shows one adds
``rel="nofollow ugc noopener noreferrer"``.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MAX_DEPTH: Final = 12  # tokens inside one another; the server flattens what is deeper


class Token(BaseModel):
    """A node of the tree; ``t`` says which. Unknown fields are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Emphasis(Token):
    """Emphasised text."""

    t: Literal["em"]
    c: list[Inline]


class Strong(Token):
    """Strongly emphasised text; headings are paragraphs of it."""

    t: Literal["strong"]
    c: list[Inline]


class Deleted(Token):
    """Text struck through."""

    t: Literal["del"]
    c: list[Inline]


class Code(Token):
    """Code within a line, kept as typed."""

    t: Literal["code"]
    text: str


class Link(Token):
    """A link; it never holds another."""

    t: Literal["a"]
    href: Annotated[str, Field(max_length=2_000, pattern=r"^(?:https?://|mailto:)[^\s\\]+$")]
    c: list[Inline]


class Break(Token):
    """A line break asked for in Markdown's way."""

    t: Literal["br"]


class Paragraph(Token):
    """A paragraph."""

    t: Literal["p"]
    c: list[Inline]


class Preformatted(Token):
    """A block of code or the like: white space counts, nothing in it is markup."""

    t: Literal["pre"]
    text: str
    lang: Annotated[str, Field(pattern=r"^[A-Za-z0-9+#._-]{1,32}$")] | None = None


class Quote(Token):
    """A quotation of whole blocks."""

    t: Literal["quote"]
    c: list[Block]


class Item(Token):
    """An item of a list."""

    t: Literal["li"]
    c: list[Block]


class BulletList(Token):
    """A list whose order means nothing."""

    t: Literal["ul"]
    c: list[Item]


class OrderedList(Token):
    """A numbered list; its first number is ``start``."""

    t: Literal["ol"]
    start: Annotated[int, Field(ge=0, le=999_999_999)] = 1
    c: list[Item]


def check_depth(tree: object) -> object:
    """Returns the raw tree unchanged, or raises ValueError if it is deeper than MAX_DEPTH.

    It goes level by level, so that no input can exhaust the stack.
    """
    level = tree if isinstance(tree, list) else []
    for _ in range(MAX_DEPTH + 1):
        level = [token for token in level if isinstance(token, dict)]
        if not level:
            return tree
        level = [child for token in level if isinstance(c := token.get("c"), list) for child in c]
    raise ValueError(f"the tree is deeper than {MAX_DEPTH}")


Inline = (
    str | Annotated[Emphasis | Strong | Deleted | Code | Link | Break, Field(discriminator="t")]
)
Block = Annotated[
    Paragraph | Preformatted | Quote | BulletList | OrderedList, Field(discriminator="t")
]
Rich = Annotated[list[Block], BeforeValidator(check_depth)]

for _model in (Emphasis, Strong, Deleted, Link, Paragraph, Quote, Item, BulletList, OrderedList):
    _model.model_rebuild()
