"""The token tree as HTML, for pages and feeds that a server makes.

The elements are this file's own, and every text and address is escaped on its way in: HTML is never
taken from anybody, so there is none to sanitise. The only attributes are ``href`` and ``rel`` of a
link and ``start`` of a list. The browser's client does the same with ``createElement``.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from livethread.render.links import safe_url
from livethread.render.plain import paragraphs

REL: Final = "nofollow ugc noopener noreferrer"

_SAME_NAME: Final = frozenset({"p", "ul", "ol", "li", "em", "strong", "del"})


def to_html(rich: Sequence[Any] | None, body: str) -> str:
    """Returns the HTML of a body, made from its token tree if it has one.

    A line break becomes ``<br>``, a plain body paragraphs. A token of an unknown type is shown as
    its content, an address that may be no link as its text.
    """
    if rich is None:
        return "".join(f"<p>{_text(paragraph)}</p>" for paragraph in paragraphs(body))
    return "".join(map(_token, rich))


def _token(token: Any) -> str:
    if isinstance(token, str):
        return _text(token)
    kind = token["t"]
    if kind == "br":
        return "<br>"
    if kind == "code":
        return f"<code>{escape(token['text'])}</code>"
    if kind == "pre":
        return f"<pre><code>{escape(token['text'])}</code></pre>"
    content = "".join(map(_token, token.get("c", ())))
    if kind == "a":
        href = safe_url(token["href"])
        return content if href is None else f'<a href="{escape(href)}" rel="{REL}">{content}</a>'
    if kind == "quote":
        return f"<blockquote>{content}</blockquote>"
    if kind == "ol" and "start" in token:
        return f'<ol start="{int(token["start"])}">{content}</ol>'
    return f"<{kind}>{content}</{kind}>" if kind in _SAME_NAME else content


def _text(text: str) -> str:
    return escape(text).replace("\n", "<br>")
