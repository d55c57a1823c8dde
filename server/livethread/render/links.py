"""Which addresses may be links, and where they are in plain text; all in linear time."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

MAX_URL_CHARS: Final = 2_000

# Browsers drop some of these inside a URL, read a backslash as a slash, and show others as nothing.
# ZWJ and ZWNJ stay: Persian addresses have them.
_REFUSED = re.compile(
    "[\x00-\x20\x7f-\xa0\\\\\u061c\u1680\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f"
    "\u3000\ufeff\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_WEB = re.compile(r"(https?)://([^/?#]+)(.*)", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"(?:\w[\w.\-\u200c\u200d]*+|\[[0-9a-f:.]++\])(?::\d{0,5})?", re.IGNORECASE)
_MAIL = re.compile(r"mailto:([\w.!#$&'*+/=^`{|}~-]+@[\w.-]+)", re.IGNORECASE)
# Ends at white space, at what URLs have to escape, and at the punctuation of Chinese and Japanese.
_BARE = re.compile(
    r"(?<!\w)(?:https?://|www\.)[^\s<>\"`\u3000-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40"
    r"\uff5b-\uff65]+",
    re.IGNORECASE,
)
_TRAILING: Final = frozenset("?!.,:;*_~'’”»…")
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}.items()


def safe_url(url: str) -> str | None:
    """Returns the address as it may stand in a link, its scheme in small letters, or None.

    Only `http:` and `https:` with a host, and `mailto:` with one address and no fields. Refused
    are user names (``https://bank.example@evil.example``), what isn't absolute, white space and
    controls anywhere, backslashes, and hosts that NFKC would change: a full-width or ligature
    character in one becomes another host, or a slash, on the way to the DNS.
    """
    if len(url) > MAX_URL_CHARS or _REFUSED.search(url):
        return None
    if mail := _MAIL.fullmatch(url):
        return f"mailto:{mail[1]}"
    web = _WEB.fullmatch(url)
    if web is None:
        return None
    scheme, host, rest = web.groups()
    if not _HOST.fullmatch(host) or not unicodedata.is_normalized("NFKC", host):
        return None
    return f"{scheme.lower()}://{host}{rest}"


def link_bare(text: str) -> list[Any]:
    """Returns the text as inline tokens, with addresses that stand in it as links.

    An address begins with ``http://``, ``https://`` or ``www.`` (read as ``https://www.``), not
    within a word. Punctuation at its end belongs to the sentence, and so does a closing bracket
    that nothing in the address opens, as on GitHub (GFM 6.9).
    """
    tokens: list[Any] = []
    done = 0
    for match in _BARE.finditer(text):
        shown = _without_trailing(match[0])
        href = safe_url(shown if shown[:4].lower() == "http" else f"https://{shown}")
        if href is None:
            continue
        tokens += [text[done : match.start()], {"t": "a", "href": href, "c": [shown]}]
        done = match.start() + len(shown)
    tokens.append(text[done:])
    return [token for token in tokens if token != ""]


def _without_trailing(url: str) -> str:
    unopened = {close: url.count(close) - url.count(opener) for close, opener in _PAIRS}
    end = len(url)
    while end:
        last = url[end - 1]
        if unopened.get(last, 0) > 0:
            unopened[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return url[:end]
