"""Addresses that try to be something else, and addresses as they stand in text."""

# ruff: noqa: RUF001 (characters that look like others are some of the tricks)

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livethread.render.links import link_bare, safe_url
from livethread.render.markdown import render


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "https://example.org/",
        "https://example.org:8443/a/b?c=d&e[]=f#g",
        "https://sub.example.org/a_(b)/%20;x,y",
        "https://münchen.example/straße",
        "https://例え.jp/",
        "https://fa.wikipedia.org/wiki/می\u200cروم",
        "http://localhost:8000/",
        "http://192.0.2.1/",
        "http://[2001:db8::1]:80/x",
        "https://example.org/@user",
        "https://example.org?x=http://other.example",
        "mailto:a.b+c@example.org",
    ],
)
def test_honest_addresses_stay_as_they_are(url: str) -> None:
    assert safe_url(url) == url


def test_scheme_is_written_small() -> None:
    assert safe_url("HTTPS://Example.org/A") == "https://Example.org/A"
    assert safe_url("MailTo:A@example.org") == "mailto:A@example.org"


TRICKS = {
    "script": "javascript:alert(1)",
    "script, mixed case": "JaVaScRiPt:alert(1)",
    "script and comment": "javascript://example.org/%0Aalert(1)",
    "script, tab within": "java\tscript:alert(1)",
    "script, newline within": "java\nscript:alert(1)",
    "script, control before": "\x01javascript:alert(1)",
    "script, space before": " javascript:alert(1)",
    "script, NUL within": "java\0script:alert(1)",
    "script, entity left over": "javascript&colon;alert(1)",
    "script, percent": "javascript%3Aalert(1)",
    "script, full-width colon": "javascript：alert(1)",
    "script, small s": "javaſcript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "data, base64": "data:text/html;base64,PHNjcmlwdD4=",
    "vbscript": "vbscript:msgbox(1)",
    "file": "file:///etc/passwd",
    "blob": "blob:https://example.org/x",
    "view-source": "view-source:https://example.org",
    "intent": "intent://x#Intent;scheme=https;end",
    "ftp": "ftp://example.org/",
    "tel": "tel:+123",
    "no scheme": "example.org/x",
    "path": "/admin/delete?x=1",
    "fragment": "#top",
    "empty": "",
    "protocol-relative": "//evil.example",
    "backslashes": "\\\\evil.example",
    "backslash after scheme": "https:\\\\evil.example",
    "backslash before user": "https://evil.example\\@good.example",
    "one slash": "https:/evil.example",
    "no slash": "https:evil.example",
    "three slashes": "https:///evil.example",
    "no host": "https://",
    "no host but a path": "https://?x",
    "only a port": "https://:80/",
    "dots for a host": "https://../x",
    "user": "https://bank.example@evil.example",
    "user and password": "https://a:b@evil.example/",
    "user of strange slashes": "https://bank.example／@evil.example",
    "full-width host": "https://ｅｖｉｌ.example",
    "account-of sign, which is a/c": "https://evil.example℀.good.example",
    "ideographic stop": "https://evil。example",
    "percent in host": "https://%65vil.example",
    "space in host": "https://good.example evil",
    "no-break space": "https://good.example\u00a0/x",
    "override": "https://example.org/\u202egpj.exe",
    "zero-width space": "https://exam\u200bple.org",
    "soft end of line": "https://example.org/\u2028x",
    "surrogate": "https://example.org/\ud800",
    "not a port": "https://example.org:x/",
    "broken IPv6": "http://[::1",
    "too long": "https://example.org/" + "a" * 2000,
    "mail with fields": "mailto:a@example.org?bcc=b@example.org",
    "mail with newline": "mailto:a@example.org%0ABcc:b@example.org",
    "mail to nobody": "mailto:",
    "mail to two": "mailto:a@example.org,b@example.org",
}


@pytest.mark.parametrize("url", TRICKS.values(), ids=TRICKS)
def test_tricks_are_no_links(url: str) -> None:
    assert safe_url(url) is None


@pytest.mark.parametrize(
    "body",
    [
        "[x](javascript:alert(1))",
        "[x](java&#115;cript:alert(1))",
        "[x](java&Tab;script:alert(1))",
        "[x](&#1;javascript:alert(1))",
        "[x](<javascript:alert(1)>)",
        "[x](<java\\\nscript:alert(1)>)",
        "[x](javascript&colon;alert(1))",
        "<javascript:alert(1)>",
        "<data:text/html,x>",
        "![x](data:image/svg+xml,x)",
        "[x]\n\n[x]: javascript:alert(1)",
        "[x](//evil.example)",
        "[x](https&colon;//a@evil.example)",
        "[x](/relative)",
    ],
)
def test_tricks_in_markdown_leave_text_only(body: str) -> None:
    assert '"a"' not in str(render(body)).replace("'", '"')


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://x.y", ["https://x.y"]),
        ("see https://x.y, please", ["https://x.y"]),
        ("https://x.y.", ["https://x.y"]),
        ("https://x.y/a?!", ["https://x.y/a"]),
        ("(https://x.y/a)", ["https://x.y/a"]),
        ("(see https://x.y/a_(b))", ["https://x.y/a_(b)"]),
        ("https://x.y/a_(b)_c", ["https://x.y/a_(b)_c"]),
        ("https://x.y/a)b", ["https://x.y/a)b"]),
        ("[https://x.y/a[1]]", ["https://x.y/a[1]"]),
        ('"https://x.y"', ["https://x.y"]),
        ("“https://x.y”", ["https://x.y"]),
        ("<https://x.y>", ["https://x.y"]),
        ("https://x.y/。次", ["https://x.y/"]),
        ("（https://x.y/）", ["https://x.y/"]),
        ("https://x.y/ä?q=ö", ["https://x.y/ä?q=ö"]),
        ("www.x.y and WWW.X.Y", ["www.x.y", "WWW.X.Y"]),
        ("HTTP://X.Y", ["HTTP://X.Y"]),
        ("http://a.b http://c.d", ["http://a.b", "http://c.d"]),
        ("http://a.b/,http://c.d", ["http://a.b/,http://c.d"]),
        ("xhttps://x.y", []),
        ("xwww.x.y", []),
        ("https://", []),
        ("www.", []),
        ("https://a@x.y", []),
        ("javascript://x.y", []),
        ("x.y and me@x.y", []),
    ],
)
def test_bare_links_are_found_as_readers_expect(text: str, shown: list[str]) -> None:
    tokens = link_bare(text)
    links = [token for token in tokens if not isinstance(token, str)]
    assert [link["c"] for link in links] == [[url] for url in shown]
    assert _text(tokens) == text


def test_www_is_read_as_https() -> None:
    assert link_bare("www.x.y") == [{"t": "a", "href": "https://www.x.y", "c": ["www.x.y"]}]


@given(
    st.text() | st.lists(st.sampled_from(["http://", "www.", "a.b", *"()[]/.,: \n_"])).map("".join)
)
def test_no_text_is_lost_and_every_link_is_safe(text: str) -> None:
    tokens = link_bare(text)
    assert _text(tokens) == text
    for token in tokens:
        assert isinstance(token, str) or safe_url(token["href"]) == token["href"]


def _text(tokens: list[Any]) -> str:
    return "".join(token if isinstance(token, str) else token["c"][0] for token in tokens)
