"""Names that look alike: a comparison key under which they collide.

The method is the skeleton of Unicode's UTS #39, section 4, shortened to what imitates Latin, as
staff names are compared. The table was taken from its confusables.txt: single letters and digits
that normalisation doesn't bring home by itself; added are small capitals and some letters with a
stroke, which style generators make. Two libraries were weighed: confusable-homoglyphs (last release
2024, looks every character up in 1 MB of JSON) and disarm (2 MB of Rust around transliteration).
"""

# ruff: noqa: RUF001 (characters that look like others are what this file is about)

from __future__ import annotations

import unicodedata
from types import MappingProxyType
from typing import Final

_LOOKALIKES: Final = MappingProxyType(
    {
        "a": "ɑαаᎪᗅᴀꓮ𐊠𖽀",
        "b": "ƄʙΒВЬвᏏᏴᑲᖯᗷꓐꞴ𐊂𐊡𐌁",
        "c": "сᏟᴄⲥꓚ𐊢𐌂𐐽𐔜𑣩𑣲",
        "d": "đԁᎠᏧᑯᗞᗪᴅꓒꓓ",
        "e": "ΕеҽᎬᴇⴹꓰꬲ𐊆𑢦𑢮",
        "f": "Ϝքᖴẝꓝꜰꞙꬵ𐊇𐊥𐔥𑣂",
        "g": "ƍɡɢԌցᏀᏳᶃꓖ",
        "h": "ħʜΗНнһհᎻᏂᕼⲎꓧ𐋏",
        "j": "ϳјᎫᒍᴊꓙꞲ",
        "k": "ΚκКкᏦᛕᴋⲔꓗ𐔘",
        "l": "ıłǀɩɪʟιіӏ۱ᎥᏞᒪᛁⲒⳐⵏꓡꓲꙇ𐊊𐌉𐌠𐐛𐔦𑢲𑣃𖼖𖼨",
        "m": "ΜϺМмᎷᗰᛖᴍⲘꓟ𐊰𐌑",
        "n": "ɴΝոռⲚꓠ𐔓",
        "o": "øοσоօ۵०০੦૦ଠ୦௦౦೦ഠ൦๐໐ဝ၀ჿዐᴏᴑⲟⵔ〇ꓳꬽ𐊒𐊫𐐬𐓪𐔖𑓐𑢵𑣈𑣗𑣠",
        "p": "ρрᏢᑭᴘⲣꓑ𐊕",
        "q": "ԛգզⵕꞯ",
        "r": "ƦʀгᎡᏒᖇᴦⲅꓣꭇꭈꮁ𐒴𖼵",
        "s": "ƽѕՏᏕᏚꓢꜱ𐊖𐑈𑣁𖼺",
        "t": "ŧΤτТтᎢᴛⲦꓔ𐊗𐊱𐌕𑢼𖼊",
        "u": "ʋυսሀᑌᴜꓴꞟꭎꭒ𐓶𑣘𖽂",
        "v": "νѵ۷Ꮩᐯᴠⴸꓦꛟ𐔝𑜆𑣀𖼈",
        "w": "ɯѡԝաᎳᏔᴡꓪ𑜊𑜎𑜏𑣦𑣯",
        "x": "ΧхᕁᕽᚷⲬⵝꓫꞳ𐊐𐊴𐌗𐌢𐔧𑣬",
        "y": "ɣʏΥγуүყᎩᎽᶌỿⲨꓬꭚ𐊲𑢤𑣜𖽃",
        "z": "ΖᏃᴢꓜ𐋵𑢩𑣄𑣥",
    }
)
_LETTER_EMOJI: Final = (0x1F150, 0x1F170, 0x1F1E6)  # negative circled, negative squared, flags
_AS_LATIN: Final = MappingProxyType(
    {ord(char): latin for latin, chars in _LOOKALIKES.items() for char in chars}
    | {first + i: chr(ord("a") + i) for first in _LETTER_EMOJI for i in range(26)}
    | {ord("0"): "o", ord("1"): "l", ord("|"): "l"}
)
_SILENT: Final = frozenset("\u034f\ufe0e\ufe0f")  # grapheme joiner, variation selectors


def skeleton(name: str) -> str:
    """Returns the key under which names that a reader may take for one another are equal.

    Case, accents, spaces, punctuation and symbols don't count, nor which script a letter is from
    if it looks Latin; ``i``, ``l`` and ``1`` are one, so are ``o`` and ``0``, ``m`` and ``rn``,
    ``w`` and ``vv``. A name of symbols alone keeps them. Idempotent. Never show a skeleton, and
    never store it without the name: the table may grow.
    """
    letters = _fold(name)
    words = "".join(char for char in letters if unicodedata.category(char)[0] in "LMN")
    return _merge(words) or letters or name


def _fold(name: str) -> str:
    """Brings every character to its plainest form, in small letters, without accents and spaces.

    Look-alikes are replaced before the cases are folded, as a capital may look like another letter
    than its small one (Greek \u039d and \u03bd), and again after, for what folding brought out.
    """
    text = name
    for _ in range(3):  # one more than any character was seen to need
        text = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in text if not _is_silent(char))
        text = text.translate(_AS_LATIN).casefold()
    return text


def _merge(text: str) -> str:
    return text.replace("i", "l").replace("rn", "m").replace("vv", "w")


def _is_silent(char: str) -> bool:
    """Whether the character adds nothing one would notice; Indic and Thai vowel signs do."""
    if unicodedata.combining(char) or char in _SILENT:
        return True
    return unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs", "Me", "Zl", "Zp", "Zs"}
