from __future__ import annotations

import unicodedata

from livethread.moderation.words import plain

SEEN = [chr(code) for code in range(0x3000) if unicodedata.category(chr(code)) != "Cf"]


def test_text_of_ascii_alone_becomes_what_it_becomes_beside_others() -> None:
    text = "".join(map(chr, range(128)))
    assert plain(text) == plain(text + "\u200b") == text.lower()


def test_every_letter_loses_its_case_its_accents_and_what_can_not_be_seen_in_it() -> None:
    for char in SEEN:
        found = plain(f"a{char}\u0301\u00ad\u2060z")
        assert not any(map(unicodedata.combining, found))
        assert found == plain(found)
    assert plain("Ǻe\u0301\u200dÇ ﬁn") == "aec fin"
