"""What people type: the rules for bodies, names and the other strings that cross the wire.

The functions are pure and take time linear in their input. They return the text cleaned, or raise
a ValueError whose message never repeats the input, so that it may be shown to anybody.

- What no reader needs and machines choke on is refused: lone surrogates, NUL and the other
  controls except newline and tab, non-characters (XML forbids two of them, feeds are XML).
- What deceives or breaks the page is dropped: overrides of direction (they make ``exe.txt`` read
  ``txt.exe`` and no orthography needs them; bidi marks, embeddings and isolates stay in bodies,
  where Arabic and Hebrew do), a combining mark past the fourth on its base (Unicode's
  stream-safe bound is 30, real words need up to four) or without any base.
- Lengths are counted in code points; a browser's ``length`` counts UTF-16 units.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from livethread.protocol.lookalikes import skeleton

__all__ = [
    "Body",
    "DisplayName",
    "Nonce",
    "Reason",
    "Ref",
    "RoomName",
    "check_room",
    "clean_body",
    "clean_name",
    "clean_reason",
    "scrub",
    "skeleton",
]

MAX_BODY_CHARS: Final = 20_000  # a server's setting is lower: 5,000 unless told otherwise
MAX_NAME_CHARS: Final = 40
MAX_REASON_CHARS: Final = 500
MAX_ROOM_CHARS: Final = 200
MAX_MARKS: Final = 4
RESERVED_SEGMENTS: Final = frozenset({"changes", "comments", "events", "reactions"})

_LINE_END = re.compile("\r\n?|[\x85\u2028\u2029]")
_REFUSED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
_OVERRIDES = re.compile("[\u202d\u202e]")
_ROOM_REFUSED = re.compile("[\\s\\\\?#\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
# Letters and digits are no marks: a quick way to see that there is nothing to count. Python's \w
# holds neither Mn nor Me.
_MAYBE_EXCESS = re.compile(rf"[^\w\x00-\x7f]{{{MAX_MARKS + 1}}}|(?:\A|\s)[^\w\x00-\x7f]")
_STYLES: Final = frozenset("\ufe0e\ufe0f")  # text or emoji presentation
_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # Hangul fillers, Braille blank


def clean_body(text: str) -> str:
    """Returns a body as it is stored: NFC, trimmed, lines ended by newlines; idempotent.

    Raises ValueError if the text is refused, or if nothing in it can be seen.
    """
    if not _is_ordinary(text):
        text = _LINE_END.sub("\n", text)
        if _REFUSED.search(text):
            raise ValueError("The text has characters that can't be shown.")
    text = scrub(text).strip()
    if not any(map(_is_visible, text)):
        raise ValueError("The text is empty.")
    if len(text) > MAX_BODY_CHARS:
        raise ValueError(f"The text is longer than {MAX_BODY_CHARS} characters.")
    return text


def scrub(text: str) -> str:
    """Returns any text made harmless, dropping what :func:`clean_body` would refuse; idempotent.

    For text that nobody is there to correct: imports, and what Markdown's entities decode to.
    """
    if not _is_ordinary(text):
        text = _LINE_END.sub("\n", text)
        text = _OVERRIDES.sub("", _REFUSED.sub("", text))
    if text.isascii():
        return text
    return _limit_marks(unicodedata.normalize("NFC", text))


def clean_name(text: str) -> str:
    """Returns a display name: one line of NFC without invisible characters; idempotent.

    Dropped are bidi controls, zero-width and other format characters (ZWJ and variation selectors
    stay between emoji), blank letters and private-use ones (icon fonts draw badges with them).
    White space collapses. A page must still isolate a name (``<bdi>``): right-to-left letters
    are legitimate. Raises ValueError if 1 to 40 characters aren't what is left.
    """
    text = _LINE_END.sub("\n", text)
    if _REFUSED.search(text):
        raise ValueError("The name has characters that can't be shown.")
    text = _limit_marks(unicodedata.normalize("NFC", _drop_invisible(text)))
    text = " ".join(text.split())
    if not any(map(_is_visible, text)):
        raise ValueError("The name is empty.")
    if len(text) > MAX_NAME_CHARS:
        raise ValueError(f"The name is longer than {MAX_NAME_CHARS} characters.")
    return text


def check_room(name: str) -> str:
    r"""Returns a room's name unchanged, or raises ValueError.

    Nothing is normalised, so that the name a client asks for is the name in every frame it gets.
    A name is a path under ``/api/v1/rooms/``: what ends a path (``?``, ``#``), what browsers and
    proxies rewrite in one (``\``, empty and dot segments) and a last segment that HTTP reads as
    a room's sub-resource (``comments``, ``changes``, ``events``, ``reactions``) are refused.
    """
    if not 1 <= len(name) <= MAX_ROOM_CHARS:
        raise ValueError(f"A room's name has 1 to {MAX_ROOM_CHARS} characters.")
    if _REFUSED.search(name) or _ROOM_REFUSED.search(name):
        raise ValueError("A room's name has no spaces, controls, backslash, '?' or '#'.")
    if not unicodedata.is_normalized("NFC", name):
        raise ValueError("A room's name is in Unicode's form NFC.")
    segments = name.split("/")
    if not {"", ".", ".."}.isdisjoint(segments):
        raise ValueError("A room's name has no empty, '.' or '..' segment, and no '/' at its ends.")
    if segments[-1] in RESERVED_SEGMENTS:
        raise ValueError(f"A room's name can't end in '{segments[-1]}'.")
    return name


def clean_reason(text: str) -> str:
    """Returns a reason given to or by moderators, cleaned as bodies are; at most 500 characters."""
    text = clean_body(text)
    if len(text) > MAX_REASON_CHARS:
        raise ValueError(f"The reason is longer than {MAX_REASON_CHARS} characters.")
    return text


Body = Annotated[str, StringConstraints(max_length=MAX_BODY_CHARS), AfterValidator(clean_body)]
DisplayName = Annotated[
    str,
    AfterValidator(clean_name),
    Field(json_schema_extra={"minLength": 1, "maxLength": MAX_NAME_CHARS}),
]
RoomName = Annotated[
    str,
    AfterValidator(check_room),
    Field(json_schema_extra={"minLength": 1, "maxLength": MAX_ROOM_CHARS}),
]
Nonce = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Ref = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,64}$")]
Reason = Annotated[
    str, StringConstraints(max_length=MAX_REASON_CHARS), AfterValidator(clean_reason)
]


def _is_ordinary(text: str) -> bool:
    """Whether there is nothing to refuse or drop; a quick look, which needn't see that it's so."""
    return text.replace("\n", " ").replace("\t", " ").isprintable()


def _is_visible(char: str) -> bool:
    if char.isspace() or char in _BLANK_LETTERS:
        return False
    return unicodedata.category(char) not in {"Cf", "Mn", "Me"}


def _limit_marks(text: str) -> str:
    """Drops a mark that is its base's fifth, or has no base: the first, or after white space.

    Format characters don't end a run: a joiner between marks still stacks them.
    """
    if not _MAYBE_EXCESS.search(text):
        return text
    kept = []
    marks = MAX_MARKS
    for char in text:
        category = unicodedata.category(char)
        if category in {"Mn", "Me"}:
            marks += 1
            if marks > MAX_MARKS:
                continue
        elif char.isspace():
            marks = MAX_MARKS
        elif category != "Cf":
            marks = 0
        kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept))  # neighbours may compose now


def _drop_invisible(text: str) -> str:
    kept: list[str] = []
    for char, after in pairwise(text + " "):
        before = kept[-1] if kept else ""
        if char == "\u200d":  # ZWJ
            keeps = (before in _STYLES or _is_emoji(before)) and _is_emoji(after)
        elif char in _STYLES:
            keeps = _is_emoji(before)
        else:
            keeps = char not in _BLANK_LETTERS and unicodedata.category(char) not in {"Cf", "Co"}
        if keeps:
            kept.append(char)
    return "".join(kept)


def _is_emoji(char: str) -> bool:
    """Whether the character may stand beside a ZWJ or a variation selector in an emoji sequence.

    The block is compared as a whole: Python 3.11's tables end with Unicode 14.
    """
    if "\U0001f000" <= char <= "\U0001faff" or char in {"\u2194", "\u2195"}:
        return True
    return char != "" and unicodedata.category(char) == "So"
