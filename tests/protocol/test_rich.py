"""The token tree's models: what a server may send, and what a client refuses."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from livethread.protocol.rich import MAX_DEPTH, Rich

RICH = TypeAdapter[Any](Rich)

EVERYTHING: list[dict[str, Any]] = [
    {
        "t": "p",
        "c": [
            "a\nb",
            {"t": "em", "c": ["e", {"t": "strong", "c": ["s"]}]},
            {"t": "del", "c": ["d"]},
            {"t": "code", "text": "<x>"},
            {"t": "a", "href": "https://example.org/?a=b#c", "c": ["link"]},
            {"t": "a", "href": "mailto:a@example.org", "c": ["mail"]},
            {"t": "br"},
        ],
    },
    {"t": "pre", "text": "x = 1\n", "lang": "py"},
    {"t": "pre", "text": ""},
    {"t": "quote", "c": [{"t": "p", "c": ["q"]}]},
    {"t": "ul", "c": [{"t": "li", "c": [{"t": "p", "c": ["i"]}]}, {"t": "li", "c": []}]},
    {"t": "ol", "start": 3, "c": [{"t": "li", "c": []}]},
    {"t": "ol", "c": [{"t": "li", "c": []}]},
]


def nested(levels: int) -> list[Any]:
    tree: list[Any] = [{"t": "p", "c": ["x"]}]
    for _ in range(levels - 1):
        tree = [{"t": "quote", "c": tree}]
    return tree


def test_every_token_comes_back_from_json_as_it_was() -> None:
    tree = RICH.validate_python(EVERYTHING)
    assert RICH.dump_python(tree, exclude_unset=True) == EVERYTHING
    assert RICH.validate_json(RICH.dump_json(tree)) == tree


@pytest.mark.parametrize(
    "wrong",
    [
        "text",
        ["text"],
        {"t": "p"},
        [{"t": "p", "c": "text"}],
        [{"t": "p", "c": [5]}],
        [{"t": "script", "c": ["x"]}],
        [{"t": "p", "c": [{"t": "img", "src": "https://example.org"}]}],
        [{"t": "p", "c": [{"t": "p", "c": ["block in a line"]}]}],
        [{"t": "em", "c": ["line without a block"]}],
        [{"t": "ul", "c": [{"t": "p", "c": ["no item"]}]}],
        [{"t": "ol", "start": "3", "c": []}],
        [{"t": "ol", "start": -1, "c": []}],
        [{"t": "pre", "text": "x", "lang": 'a" onload="x'}],
    ],
)
def test_what_is_no_tree_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        RICH.validate_python(wrong)


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//example.org",
        "/path",
        "https:example.org",
        " https://example.org",
        "https://exa mple.org",
        "https://example.org\n",
        "https:\\\\example.org",
        "https://" + "a" * 2000,
        "",
    ],
)
def test_links_with_other_schemes_are_refused(href: str) -> None:
    with pytest.raises(ValidationError):
        RICH.validate_python([{"t": "p", "c": [{"t": "a", "href": href, "c": ["x"]}]}])


def test_depth_is_bounded_whatever_is_sent() -> None:
    RICH.validate_python(nested(MAX_DEPTH))
    for levels in (MAX_DEPTH + 1, 100_000):
        tree = nested(levels)
        with pytest.raises(ValidationError, match="deeper"):
            RICH.validate_python(tree)
        while tree and isinstance(tree[0], dict):  # or freeing it would exhaust the stack
            tree = tree[0].pop("c")


def test_unknown_fields_are_ignored_as_newer_servers_may_send_them() -> None:
    assert RICH.validate_python([{"t": "p", "c": ["x"], "new": 1}])[0].c == ["x"]
