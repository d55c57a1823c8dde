from __future__ import annotations

from livethread.web.markup import Html, element, fragment


def test_text_and_attributes_are_escaped_and_markup_is_not() -> None:
    made = element("a", "<b>", Html("<i>"), None, href='"&', aria_label="'x'")
    assert made == '<a href="&quot;&amp;" aria-label="&#x27;x&#x27;">&lt;b&gt;<i></a>'


def test_absent_and_bare_attributes() -> None:
    assert element("p", class_=None, hidden=False, id=0) == '<p id="0"></p>'
    assert element("br", hidden=True) == "<br hidden>"


def test_joining_markup_with_text_gives_text_again() -> None:
    assert not isinstance(element("b") + "<i>", Html)
    assert fragment(element("b") + "<i>") == "&lt;b&gt;&lt;/b&gt;&lt;i&gt;"
