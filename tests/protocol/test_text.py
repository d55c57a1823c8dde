"""Row 22 of the acceptance list, and what bodies, names, rooms and the rest may hold."""

# ruff: noqa: RUF001 (characters that look like others are what these tests are about)

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from livethread.protocol.text import (
    MAX_BODY_CHARS,
    Body,
    DisplayName,
    Nonce,
    Reason,
    Ref,
    RoomName,
    check_room,
    clean_body,
    clean_name,
    scrub,
    skeleton,
)

ACUTE = "\u0301"
ZWJ = "\u200d"
FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
KISS = "\U0001f469\u200d\u2764\ufe0f\u200d\U0001f468"
SHAKING_HEAD = "\U0001f642\u200d\u2194\ufe0f"
SKIN = "\U0001f469\U0001f3fd\u200d\U0001f680"

# Text of what the rules are about: random Unicode would hardly ever meet them.
tricky = st.text(
    st.one_of(
        st.sampled_from("ab i\n\r\t\u00a0\x85\u2028" + ACUTE + "\u0327\u20dd\u034f\ufe0f\ufe0e"),
        st.sampled_from("\u200b\u200c" + ZWJ + "\u200e\u202d\u202e\u2066\ufeff\u3164\u00ad\ue000"),
        st.sampled_from("\U0001f469\U0001f3fd\u2764\u2194\u1100\u1161\u0cc6\u0cc2\u0958\U0001f1e9"),
        st.characters(),
    )
)

NAMES = {
    "bidi override": ("\u202enimdA", "nimdA"),
    "bidi isolate": ("Ann\u2066\u2069", "Ann"),
    "right-to-left mark": ("A\u200fnn", "Ann"),
    "zero-width space": ("Ad\u200bmin", "Admin"),
    "zero-width non-joiner": ("Ad\u200cmin", "Admin"),
    "joiner between letters": (f"Ad{ZWJ}min", "Admin"),
    "joiner at the end": (f"\U0001f469{ZWJ}", "\U0001f469"),
    "word joiner, BOM": ("A\u2060d\ufeffmin", "Admin"),
    "soft hyphen": ("Ad\u00admin", "Admin"),
    "variation selector on a letter": ("A\ufe0fdmin", "Admin"),
    "tag characters": ("Ann\U000e0061\U000e0062", "Ann"),
    "Hangul filler": ("Ann\u3164", "Ann"),
    "private use": ("Ann \uf8ff", "Ann"),
    "lines and tabs": ("Ann\r\n\tLee", "Ann Lee"),
    "line separator": ("Ann\u2028Lee", "Ann Lee"),
    "wide spaces": ("\u3000Ann\u00a0\u2003 Lee ", "Ann Lee"),
    "decomposed": ("Zoe\u0308", "Zo\u00eb"),
    "towers of marks": ("x" + "\u0338" * 9, "x" + "\u0338" * 4),
    "towers split by a joiner": (
        "x" + ("\u0338" * 3 + "\u034f") * 4,
        "x" + "\u0338" * 3 + "\u034f",
    ),
    "mark without a base": (ACUTE * 3 + "Ann", "Ann"),
    "family": (FAMILY, FAMILY),
    "kiss": (KISS, KISS),
    "emoji after Unicode 14": (SHAKING_HEAD, SHAKING_HEAD),
    "skin tone": (SKIN, SKIN),
    "Hebrew": ("\u05d3\u05d5\u05d3", "\u05d3\u05d5\u05d3"),
    "Devanagari": ("\u0928\u0940\u0932\u092e", "\u0928\u0940\u0932\u092e"),
}


@pytest.mark.parametrize(("typed", "shown"), NAMES.values(), ids=NAMES)
def test_name_is_shown_without_what_deceives(typed: str, shown: str) -> None:
    assert clean_name(typed) == shown


@pytest.mark.parametrize("name", ["", " \n", "\u200b\u200e", "\u3164", ACUTE, "\u2800", "\ue000"])
def test_name_that_nobody_can_see_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        clean_name(name)


@pytest.mark.parametrize("char", ["\0", "\x1b", "\x07", "\x0b", "\x7f", "\x9b", "\ud800", "\ufffe"])
def test_controls_surrogates_and_noncharacters_are_refused(char: str) -> None:
    for clean in (clean_name, clean_body, check_room):
        with pytest.raises(ValueError, match=r"can't be shown|controls"):
            clean(f"a{char}b")
    assert scrub(f"a{char}b") == "ab"


def test_names_length_is_counted_after_cleaning() -> None:
    assert clean_name("\u200b" * 100 + "a" * 40) == "a" * 40
    with pytest.raises(ValueError, match="40"):
        clean_name("a" * 41)


LIKE_ADMIN = [
    *(
        "ADMIN",
        "аdmin",
        "Αdmin",
        "ΑDΜΙΝ",
        "admіn",
        "аԁміn",
        "ａｄｍｉｎ",
        "𝓐𝓭𝓶𝓲𝓷",
        "Ⓐⓓⓜⓘⓝ",
        "🅐🅓🅜🅘🅝",
    ),
    *("🄰🄳🄼🄸🄽", "🅰🅳🅼🅸🅽", "🇦🇩🇲🇮🇳", "ᴀᴅᴍɪɴ", "ꓮꓓꓟꓲꓠ", "adm1n", "admln", "adm|n", "admın", "adrnin"),
    *(
        "a.d.m.i.n",
        "Ad min",
        "Admin ✓",
        "★Admin★",
        "_admin_",
        "Ádmîñ",
        "a\u0336d\u0336min",
        "Ad\u200bmin",
    ),
    *("đadmin"[1:], "ɑdmin", "аɗmin".replace("ɗ", "đ"), "ADMlN", "AᎠMIN", "Admiո"),
]


@pytest.mark.parametrize("name", LIKE_ADMIN)
def test_look_alikes_of_staff_collide(name: str) -> None:
    assert skeleton(name) == skeleton("Admin")


@pytest.mark.parametrize(
    ("name", "imitated"),
    [
        ("Моdеrаtоr", "moderator"),
        ("M0derat0r", "moderator"),
        ("ꜱᴛᴀꜰꜰ", "Staff"),
        ("vvill", "Will"),
        ("Bjørn", "bjorn"),
        ("ЅUPPОRТ", "support"),
        ("Тhе Еditоr", "the editor"),
        ("Straße", "STRASSE"),
        ("ﬁnn", "Finn"),
    ],
)
def test_other_look_alikes_collide(name: str, imitated: str) -> None:
    assert skeleton(name) == skeleton(imitated)


def test_different_names_do_not_collide() -> None:
    names = [
        "Admin",
        "Adam",
        "Ann",
        "Anna",
        "Нина",
        "Dmitri",
        "Дмитрий",
        "管理员",
        "管理人",
        "小明",
        "דוד",
        "🙂",
        "🙃",
        "user5",
        "user6",
        "नील",
        "नल",
        "\U0001fae8",
        "\U0001fae9",  # emoji that Python 3.11 doesn't know
    ]
    assert len({skeleton(name) for name in names}) == len(names)


@given(tricky)
def test_skeleton_is_stable_and_never_empty_for_a_name(text: str) -> None:
    try:
        name = clean_name(text)
    except ValueError:
        return
    key = skeleton(name)
    assert key
    assert skeleton(key) == key
    assert skeleton(name.upper().lower()) == skeleton(name.lower())


def test_body_is_normalised_and_trimmed() -> None:
    assert clean_body(" \n cafe\u0301\r\nb\rc\u2028d\x85e \n") == "caf\u00e9\nb\nc\nd\ne"
    assert clean_body("a\n\n\tb") == "a\n\n\tb"


def test_body_keeps_what_scripts_and_emoji_need() -> None:
    for text in (
        "\u0645\u06cc\u200c\u0631\u0648\u0645",  # Persian writes with a non-joiner
        "\u200f\u05e9\u05dc\u05d5\u05dd (abc)\u200f, \u2067\u05d0\u2069",
        FAMILY + KISS + SKIN,
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # England's flag
        "Vi\u1ec7t Nam, \u0e17\u0e35\u0e48, \u05d1\u05bc\u05b0\u05e8\u05b5\u05d0",
    ):
        assert clean_body(text) == unicodedata.normalize("NFC", text)


def test_body_loses_overrides_and_towers_of_marks() -> None:
    assert clean_body("\u202etxt.exe\u202c") == "txt.exe\u202c"
    assert clean_body("H" + "\u0338" * 50 + "i") == "H" + "\u0338" * 4 + "i"
    assert clean_body("H" + f"\u0338\u0338\u0338{ZWJ}" * 9).count("\u0338") == 4
    assert clean_body(f"a {ACUTE}b\n{ACUTE}c") == "a b\nc"


@pytest.mark.parametrize("body", ["", " \n\t", "\u200b", ZWJ, "\u3164\u2800", "\u202e", ACUTE])
def test_body_that_nobody_can_see_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        clean_body(body)


@given(tricky)
@example("\U0001f469\u200d\ufe0f")
@example("\u1100\u202e\u1161")
@example(f" {ACUTE}\u0327 a")
@example("\u0c95" + "\u0cc6" * 4 + "\u0338\u0cc2")  # what is left of the fifth mark composes
def test_cleaning_is_idempotent_and_always_encodes(text: str) -> None:
    for clean in (clean_body, clean_name, scrub):
        try:
            once = clean(text)
        except ValueError:
            continue
        assert clean(once) == once
        once.encode()
        assert unicodedata.is_normalized("NFC", once)
        assert not set(once) & set("\0\x1b\x7f\r\u2028\u202d\u202e\ud800\ufffe")


@given(tricky)
def test_scrub_leaves_clean_bodies_alone(text: str) -> None:
    try:
        body = clean_body(text)
    except ValueError:
        return
    assert scrub(body) == body


@given(tricky)
def test_no_base_carries_more_than_four_marks(text: str) -> None:
    marks = 4
    for char in scrub(text):
        category = unicodedata.category(char)
        if category in {"Mn", "Me"}:
            marks += 1
            assert marks <= 4
        elif char.isspace():
            marks = 4
        elif category != "Cf":
            marks = 0


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "2024/05/why",
        "café/日本語",
        "a.b",
        "می\u200cروم",
        "/".join("a" * 50),
        "comments/1",
        "a:b@c",
    ],
)
def test_room_name_is_kept_as_it_is(name: str) -> None:
    assert check_room(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "a" * 201, "/a", "a/", "a//b", ".", "..", "a/../b", "a/.", "a b", "a\u00a0b", "a\tb"),
        *("a?b", "a#b", "a\\b", "a\u202eb", "a\u200bb", "\ufeffa", "e\u0301", "a\n"),
        *("comments", "a/comments", "a/changes", "a/events", "a/reactions"),
    ],
)
def test_room_name_that_a_path_or_a_reader_would_mistake_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="room's name"):
        check_room(name)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Nonce, ["a" * 8, "Az09_-" * 8], ["a" * 7, "a" * 65, "a" * 8 + "\n", "a b c d e", "ä" * 8]),
        (Ref, ["1", "a b~"], ["", "a" * 65, "a\n", "é"]),
        (Reason, ["spam", " see\nrules "], ["", "a" * 501, "\0"]),
        (Body, ["a", "a" * MAX_BODY_CHARS], ["", "a" * (MAX_BODY_CHARS + 1), "\u0958" * 11_000]),
        (DisplayName, ["Ann"], ["", "a" * 41]),
        (RoomName, ["a/b"], ["a/", 5]),
    ],
)
def test_types_hold_in_strict_models(kind: type[str], good: list[str], bad: list[object]) -> None:
    adapter = TypeAdapter[str](kind)
    for value in good:
        adapter.validate_python(value, strict=True)
    for wrong in [*bad, None, 1, True, ["a"], b"aaaaaaaa"]:
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong, strict=True)


def test_messages_never_repeat_what_was_typed() -> None:
    secret = "xyzzy"
    for clean in (clean_body, clean_name, check_room):
        for text in (f"{secret}\0", f"{secret}\ud800", secret * 9000):
            with pytest.raises(ValueError) as caught:  # noqa: PT011 (the message is the subject)
                clean(text)
            assert secret not in str(caught.value)
