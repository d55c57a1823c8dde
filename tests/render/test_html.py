"""Row 4 for what the server renders: whatever is typed, only our own elements come out."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livethread.render.html import REL, to_html
from livethread.render.links import safe_url
from livethread.render.markdown import render

BARE = {"p", "br", "blockquote", "ul", "li", "pre", "code", "em", "strong", "del"}
ALLOWED: dict[str, set[str]] = {
    **{tag: set() for tag in BARE},
    "ol": {"start"},
    "a": {"href", "rel"},
}


class Auditor(HTMLParser):
    """Fails on any element, attribute or declaration that isn't ours, and on bad nesting."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        assert {name for name, _ in attrs} <= ALLOWED[tag], attrs
        if tag == "a":
            url = dict(attrs)["href"]
            assert url is not None
            assert safe_url(url) == url
            assert dict(attrs)["rel"] == REL
            assert "a" not in self.open
        if tag == "br":
            self.text += "\n"
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")


def audit(html: str) -> str:
    """Returns the text one would read."""
    auditor = Auditor()
    auditor.feed(html)
    auditor.close()
    assert not auditor.open
    return auditor.text


HTML = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example></sCrIpT>",
    "<script>alert(1)//",
    "</p><script>alert(1)</script><p>",
    "</code></pre><img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)>",
    '<img src="x` `<script>alert(1)</script>"` `>',
    "<IMG SRC=j&#X41vascript:alert('test2')>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)//",
    "<svg><script>alert&lpar;1&rpar;</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='&lt;script&gt;alert(1)&lt;/script&gt;'>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=x onclick=alert(1)>x</a>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href=//evil.example>",
    "<style>@import '//evil.example';</style>",
    "<base href=//evil.example/>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<textarea><script>alert(1)</script></textarea>",
    "<title><img src=x onerror=alert(1)></title>",
    "<!--><script>alert(1)</script>-->",
    "<!-- --!><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><x/>",
    "<!DOCTYPE html><x>",
    "<x onpointerover=alert(1)>x</x>",
    "<\x0bscript>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "&amp;lt;script&amp;gt;",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "javascript:alert(1)",
]
MARKDOWN = [
    "[x](javascript:alert(1))",
    "[x](JAVASCRIPT&#58;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    '[x](https://x.y/"onmouseover=alert(1))',
    '[x](<https://x.y/"><script>alert(1)</script>>)',
    '[x](https://x.y "t\\" onclick=alert(1)")',
    "[<script>alert(1)</script>](https://x.y)",
    "[x](https://x.y/'onclick='alert(1))",
    "[x](https://x.y/&quot;onclick=&quot;alert(1))",
    '!["onerror=alert(1)](https://x.y)',
    '![x](https://x.y/"onerror="alert(1))',
    "![x](javascript:alert(1))",
    '<https://x.y/"onclick=alert(1)>',
    "<javascript:alert(1)>",
    'https://x.y/"onclick="alert(1)',
    "https://x.y/<script>alert(1)</script>",
    "https://x.y/'><img/src=x>",
    'www.x.y/"onclick=alert(1)',
    '```"onclick=alert(1)\n<script>alert(1)</script>\n```',
    "```html</code></pre><script>\nx\n```",
    "`<script>alert(1)</script>`",
    "    <script>alert(1)</script>",
    "> <script>alert(1)</script>",
    "- <img src=x onerror=alert(1)>\n- </li></ul><script>",
    "# <svg onload=alert(1)>",
    "[x]: javascript:alert(1)\n\n[x] **y**",
    '[x]: https://x.y/"onclick=alert(1)\n\n[x] **y**',
    "*<b*onclick=x>*",
    "[a](https://x.y)[b](javascript:alert(1))<br>",
    "[![x](https://x.y/a)](javascript:alert(1))",
    "&lt;img src=x onerror=alert&lpar;1&rpar;&gt;*x*",
]


@pytest.mark.parametrize(
    "wrap", ["{}", "**a** {}", "> {}", "*{}*", "`a` <b>{}", "[{}](https://x.y)"]
)
@pytest.mark.parametrize("attack", HTML + MARKDOWN)
def test_nothing_typed_becomes_an_element_or_attribute(attack: str, wrap: str) -> None:
    body = wrap.format(attack)
    audit(to_html(render(body), body))


@pytest.mark.parametrize("attack", HTML)
def test_html_is_shown_as_it_was_typed(attack: str) -> None:
    shown = audit(to_html(render(attack), attack))
    typed = {re.sub(r"\W+", "", attack), re.sub(r"\W+", "", unescape(attack))}
    assert re.sub(r"\W+", "", shown) in typed  # entities within a tag stay as they are


def test_every_token_has_its_element() -> None:
    tree: list[dict[str, Any]] = [
        {
            "t": "p",
            "c": [
                "a<\nb",
                {"t": "em", "c": ["c"]},
                {"t": "strong", "c": ["d"]},
                {"t": "del", "c": ["e"]},
                {"t": "code", "text": "<f>"},
                {"t": "br"},
                {"t": "a", "href": "https://x.y/?a&b", "c": ["g"]},
            ],
        },
        {"t": "pre", "text": "<h>\n", "lang": "py"},
        {"t": "quote", "c": [{"t": "p", "c": ["i"]}]},
        {"t": "ul", "c": [{"t": "li", "c": [{"t": "p", "c": ["j"]}]}]},
        {"t": "ol", "start": 3, "c": [{"t": "li", "c": []}]},
    ]
    assert to_html(tree, "") == (
        "<p>a&lt;<br>b<em>c</em><strong>d</strong><del>e</del><code>&lt;f&gt;</code><br>"
        f'<a href="https://x.y/?a&amp;b" rel="{REL}">g</a></p>'
        "<pre><code>&lt;h&gt;\n</code></pre><blockquote><p>i</p></blockquote>"
        '<ul><li><p>j</p></li></ul><ol start="3"><li></li></ol>'
    )


def test_plain_body_becomes_paragraphs() -> None:
    assert to_html(None, " a <b>\n  c\n \n\nd & e") == "<p>a &lt;b&gt;<br>c</p><p>d &amp; e</p>"
    assert to_html(None, "") == ""


def test_tree_from_elsewhere_is_not_trusted() -> None:
    tree = [
        {"t": "script", "c": ["x"]},
        {"t": "p", "c": [{"t": "a", "href": "javascript:alert(1)", "c": ["<y>"]}]},
    ]
    assert to_html(tree, "") == "x<p>&lt;y&gt;</p>"


fragments = st.sampled_from([*HTML, *MARKDOWN, *"*_~`<>[]()\n -\"'&=/", "\n\n", "> ", "a", "1. "])


@given(st.text() | st.lists(fragments, max_size=12).map("".join))
def test_any_text_comes_out_as_our_own_elements(body: str) -> None:
    audit(to_html(render(body), body))
