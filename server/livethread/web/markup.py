"""HTML that can't be broken out of: every text and attribute is escaped where it goes in."""

from __future__ import annotations

from html import escape


class Html(str):
    """Markup that is safe as it stands; any other ``str`` is text."""

    __slots__ = ()


_VOID = frozenset({"link", "meta", "br", "hr", "input"})


def element(tag: str, *children: str | None, **attributes: str | int | bool | None) -> Html:
    """One element. ``class_`` and ``aria_label`` stand for ``class`` and ``aria-label``.

    A child that is not :class:`Html` is escaped, None is left out; so is an attribute that is None
    or False, and True is one without a value.
    """
    opened = f"<{tag}{''.join(_attribute(*item) for item in attributes.items())}>"
    if tag in _VOID:
        return Html(opened)
    return Html(f"{opened}{fragment(*children)}</{tag}>")


def fragment(*children: str | None) -> Html:
    """Children without an element around them."""
    return Html("".join(_child(child) for child in children if child is not None))


def _child(child: str) -> str:
    return child if isinstance(child, Html) else escape(child)


def _attribute(name: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
