"""Each construct of Markdown that a discussion knows, and what becomes of the others."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from livethread.protocol.rich import Rich
from livethread.protocol.text import clean_body
from livethread.render.markdown import parse, render
from livethread.render.plain import paragraphs

RICH = TypeAdapter[Any](Rich)

Tree = list[dict[str, Any]]


def p(*inline: Any) -> dict[str, Any]:
    return {"t": "p", "c": list(inline)}


def em(*inline: Any) -> dict[str, Any]:
    return {"t": "em", "c": list(inline)}


def strong(*inline: Any) -> dict[str, Any]:
    return {"t": "strong", "c": list(inline)}


def code(text: str) -> dict[str, Any]:
    return {"t": "code", "text": text}


def pre(text: str, **lang: str) -> dict[str, Any]:
    return {"t": "pre", "text": text, **lang}


def quote(*blocks: Any) -> dict[str, Any]:
    return {"t": "quote", "c": list(blocks)}


def li(*blocks: Any) -> dict[str, Any]:
    return {"t": "li", "c": list(blocks)}


def a(href: str, *inline: Any) -> dict[str, Any]:
    return {"t": "a", "href": href, "c": list(inline or [href])}


BR = {"t": "br"}
URL = "https://example.org/"

CONSTRUCTS: dict[str, tuple[str, Tree]] = {
    "emphasis": ("a *b* _c_", [p("a ", em("b"), " ", em("c"))]),
    "strong": ("**a *b***", [p(strong("a ", em("b")))]),
    "strikethrough": ("~~a~~ b", [p({"t": "del", "c": ["a"]}, " b")]),
    "code in a line": ("`<b>*x*</b>`", [p(code("<b>*x*</b>"))]),
    "fenced code": ("```py\nx = 1\n\ny\n```", [pre("x = 1\n\ny", lang="py")]),
    "code with words after its language": ("~~~c++ x y\na\n~~~", [pre("a", lang="c++")]),
    "code with an odd language": ('```"><b\na\n```', [pre("a")]),
    "indented code": ("a\n\n    b\n     c", [p("a"), pre("b\n c")]),
    "code never closed": ("```\na", [pre("a")]),
    "quote": ("> a\nb\n>\n> c", [quote(p("a\nb"), p("c"))]),
    "quotes in quotes": ("> > a", [quote(quote(p("a")))]),
    "list": ("- a\n- *b*", [{"t": "ul", "c": [li(p("a")), li(p(em("b")))]}]),
    "loose list": ("- a\n\n- b", [{"t": "ul", "c": [li(p("a")), li(p("b"))]}]),
    "item of blocks": (
        "- a\n  - b\n  > c",
        [{"t": "ul", "c": [li(p("a"), {"t": "ul", "c": [li(p("b"))]}, quote(p("c")))]}],
    ),
    "empty item": ("- a\n-\n- c", [{"t": "ul", "c": [li(p("a")), li(), li(p("c"))]}]),
    "numbered list": ("1. a\n2. b", [{"t": "ol", "c": [li(p("a")), li(p("b"))]}]),
    "numbered list from 0": ("0) a", [{"t": "ol", "start": 0, "c": [li(p("a"))]}]),
    "numbered list from 7": ("7. a", [{"t": "ol", "start": 7, "c": [li(p("a"))]}]),
    "link": (f"[a *b*]({URL})", [p(a(URL, "a ", em("b")))]),
    "link with a title": (f'[a]({URL} "t")', [p(a(URL, "a"))]),
    "link in angles": (f"<{URL}>", [p(a(URL))]),
    "mail in angles": ("<me@example.org>", [p(a("mailto:me@example.org", "me@example.org"))]),
    "reference link": (f"[a][b] [b]\n\n[b]: {URL}", [p(a(URL, "a"), " ", a(URL, "b"))]),
    "link without text": (f"[]({URL})", [p(a(URL))]),
    "link to nowhere allowed": ("[a *b*](javascript:x) c", [p("a ", em("b"), " c")]),
    "bare link": (f"see {URL}.", [p("see ", a(URL), ".")]),
    "bare link in emphasis": (f"*{URL}*", [p(em(a(URL)))]),
    "bare link in code": (f"`{URL}`", [p(code(URL))]),
    "bare link in code block": (f"```\n{URL}\n```", [pre(URL)]),
    "bare link in a link": (f"[{URL}x]({URL})", [p(a(URL, f"{URL}x"))]),
    "underscores in a bare link": (
        "https://x.y/__init__.py _a_",
        [p(a("https://x.y/__init__.py"), " ", em("a"))],
    ),
    "underscores in a link": (
        "[https://x.y/_a_b](https://x.y/_a_b)",
        [p(a("https://x.y/_a_b", "https://x.y/_a_b"))],
    ),
    "underscores of an address in code": ("`https://x.y/_a_b`", [p(code("https://x.y/_a_b"))]),
    "image": (f"![a *b*]({URL})", [p(a(URL, "a ", em("b")))]),
    "image without text": (f"![]({URL})", [p(a(URL))]),
    "image in a link": (f"[![a](http://x.y)]({URL})", [p(a(URL, "a"))]),
    "link in an image": (f"![a [b](http://x.y)]({URL})", [p(a(URL, "a b"))]),
    "heading": ("# a *b* #", [p(strong("a ", em("b")))]),
    "underlined heading": ("a\n---\nb", [p(strong("a")), p("b")]),
    "rule": ("a\n\n---\nb", [p("a"), p("* * *"), p("b")]),
    "HTML": ("a <b>*x*</b><!-- y -->", [p("a <b>", em("x"), "</b><!-- y -->")]),
    "block of HTML": ("<div>\n *a*\n</div>\n\n*b*", [p("<div>\n *a*\n</div>"), p(em("b"))]),
    "addresses in HTML": (f'<a href="{URL}">x</a> *b*', [p(f'<a href="{URL}">x</a> ', em("b"))]),
    "table": ("|a|*b*|\n|-|-|\n|c|d|", [p("|a|", em("b"), "|\n|-|-|\n|c|d|")]),
    "footnote": ("*a*[^1]\n\n[^1]: b c", [p(em("a"), "[^1]"), p("[^1]: b c")]),
    "task": ("- [x] a", [{"t": "ul", "c": [li(p("[x] a"))]}]),
    "line breaks": ("*a*\nb  \nc\\\nd", [p(em("a"), "\nb", BR, "c", BR, "d")]),
    "backslash": (r"\*a\*", [p("*a*")]),
    "entity": ("&lt;b&gt; &copy;", [p("<b> ©")]),
    "entities of what bodies refuse": (
        "a&#0;&#8;&#27;&#8238;&#xfffe;&#xd800;b",
        [p("a\ufffd\ufffdb")],  # CommonMark's replacement of NUL and surrogates
    ),
    "marks that lose their base": ("*a*\u0301 b", [p(em("a"), " b")]),
}


@pytest.mark.parametrize(("body", "tree"), CONSTRUCTS.values(), ids=CONSTRUCTS)
def test_construct_becomes_its_tokens(body: str, tree: Tree) -> None:
    assert render(body) == tree
    RICH.validate_python(tree)


@pytest.mark.parametrize(
    "body",
    [
        "a",
        "a\nb\n\n  c  \nd",
        "a\n    b",
        "snake_case and 2 * 3 * 4 > 5 < 6 & [7] - 8",
        "1.5 litres\n2,5\n#tag\n-5\n+1",
        "it's ~5 or `so",
        "https:// www. nothing",
        "a  \nb",
        "日本語\n\nعربي",
        "(a) [b] {c}",
    ],
)
def test_plain_text_needs_no_tree(body: str) -> None:
    assert render(body) is None


@pytest.mark.parametrize("body", ["[a]: https://example.org", ">", "```\n```", "#", "&#x202e;"])
def test_what_would_leave_nothing_to_see_is_shown_as_typed(body: str) -> None:
    assert render(body) is None


def depth(tokens: list[Any]) -> int:
    return max((1 + depth(t.get("c", [])) for t in tokens if isinstance(t, dict)), default=0)


@pytest.mark.parametrize(
    "body",
    [
        "> " * 20 + "a\n\n*b*",
        "- " * 20 + "a\n\nb",
        "1. " * 10 + "a\n" + " " * 30 + "- b\n\nb",
        "> - " * 10 + "*a **b ~~c [d](https://x.y) https://x.y `e`~~***",
        "*a **b " * 20 + "`c`" + "** *" * 20,
        "*a " * 30 + "b" + "*" * 30,
    ],
)
def test_deep_nesting_is_flattened_and_loses_no_text(body: str) -> None:
    tree = render(body)
    assert tree is not None
    assert depth(tree) <= 12
    RICH.validate_python(tree)
    assert all(letter in json.dumps(tree) for letter in set(body) & set("abcde"))


pieces = st.one_of(
    st.sampled_from(
        [*"*_~`<>[]()!#&\\-+=.:/@\n\n\n |\t123ab", "**", "~~", "```\n", "\n\n", "    "]
    ),
    st.sampled_from(["- ", "> ", "1. ", "](", "![", "<b>", "-->", "&#x301;", "&lt;", "\n[a]: "]),
    st.sampled_from(["https://x.y/_a_", "www.x.y", "javascript:", "mailto:a@b.c", "[a](http://b)"]),
    st.text(max_size=3),
)
markdown = st.one_of(st.text(), st.lists(pieces, max_size=40).map("".join))


@given(markdown)
@example("\ufdd0 https://x.y/_a_ **b**")
def test_any_text_makes_a_valid_tree_that_survives_json(body: str) -> None:
    tree = render(body)
    if tree is not None:
        RICH.validate_python(tree)
        assert json.loads(json.dumps(tree)) == tree
        assert RICH.dump_python(RICH.validate_python(tree), exclude_unset=True) == tree


@given(markdown)
def test_no_tree_means_that_the_body_says_the_same(text: str) -> None:
    try:
        body = clean_body(text)
    except ValueError:
        return
    if render(body) is None:
        tree = parse(body)
        shown = [
            "".join(token if isinstance(token, str) else "\n" for token in block["c"])
            for block in tree or []
            if block["t"] == "p"
        ]
        assert not tree or shown == paragraphs(body)


@given(markdown)
def test_strings_of_a_tree_are_joined_and_tokens_are_not_empty(body: str) -> None:
    def check(tokens: list[Any]) -> None:
        for one, other in pairwise([*tokens, None]):
            assert not (isinstance(one, str) and isinstance(other, str))
            assert one != ""
            if isinstance(one, dict) and "c" in one:
                assert one["c"] or one["t"] == "li"
                check(one["c"])

    check(render(body) or [])
