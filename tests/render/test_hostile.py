"""Row 20: hostile Markdown costs linear time and a bounded tree.

Absolute times say little on a shared machine, so two ratios are held: what eight times the text
costs, and what a pattern costs beside an ordinary document of the same length. Measured at 5,000
characters on one busy core: 8 ms for the worst pattern, 3 ms for the ordinary document.
"""

import json
import time
from collections.abc import Callable

import pytest

from livethread.protocol.text import clean_body
from livethread.render import markdown
from livethread.render.excerpt import excerpt
from livethread.render.html import to_html
from livethread.render.markdown import render

CHARS = 5_000  # the default limit of a body


def filled(unit: str) -> Callable[[int], str]:
    return lambda chars: (unit * (chars // len(unit) + 1))[:chars]


def stair_of_lists(chars: int) -> str:
    """Opens as many lists as half the text allows, fewer on a line than the bound, then lines."""
    lines = []
    depth = used = 0
    while used < chars // 2:
        lines.append(" " * 2 * depth + "- " * 31 + "x\n")
        used += len(lines[-1])
        depth += 31
    return "".join(lines) + "x\n" * ((chars - used) // 2)


def stair_of_items(chars: int) -> str:
    depth = int((chars / 2) ** 0.5)
    return "".join("  " * i + "- x\n" for i in range(depth)) + "x\n" * (chars // 4)


PATTERNS: dict[str, Callable[[int], str]] = {
    "quotes": filled(">"),
    "quotes before many lines": lambda n: ">" * (n // 2) + "a\n" + "a\n" * (n // 4),
    "quotes with spaces before many lines": lambda n: "> " * (n // 4) + "a\n" + "a\n" * (n // 4),
    "lists before many lines": lambda n: "- " * (n // 4) + "a\n" + "a\n" * (n // 4),
    "numbers before many lines": lambda n: "1. " * (n // 6) + "a\n" + "a\n" * (n // 4),
    "quotes and lists before many lines": lambda n: "> - " * (n // 8) + "a" + "\na" * (n // 4),
    "as many quotes as allowed, many lines": lambda n: "> " * 32 + "a\n" + "a\n" * (n // 2 - 33),
    "stair of quotes": lambda n: "\n".join(">" * i for i in range(int((2 * n) ** 0.5))),
    "stair of lists": stair_of_lists,
    "stair of items": stair_of_items,
    "lists, then blank lines": lambda n: "- " * (n // 4) + "a" + "\n" * (n // 2) + "b",
    "empty items": filled("-\n"),
    "code in quotes": lambda n: ">" * (n // 2) + "```\n" + "a\n" * (n // 4),
    "fences": filled("```\n~~~\n"),
    "open brackets": filled("["),
    "brackets": lambda n: "[" * (n // 2) + "]" * (n // 2),
    "open images": filled("!["),
    "nested images": lambda n: "![" * (n // 6) + "a" + "](b)" * (n // 6),
    "open links": filled("[a](b"),
    "open links with angles": filled("[a](<b"),
    "open titles": filled('[a](b "'),
    "open references": filled("[a]["),
    "reference definitions": lambda n: "".join(f"[{i}]: b\n" for i in range(n // 10)),
    "a long reference used often": lambda n: (
        "[a]: http://x/" + "y" * 1_900 + "\n\n" + "[a] " * ((n - 1_916) // 4)
    ),
    "emphasis": filled("*a"),
    "emphasis never closed": filled("*a **b "),
    "emphasis never opened": filled("a** b* "),
    "nested emphasis": lambda n: "*a **b " * (n // 14) + "c** d* " * (n // 14),
    "crossed emphasis": filled("a**b*c_d__"),
    "underscores": filled("_a"),
    "strikes": filled("~~a"),
    "backticks of every length": lambda n: "".join(
        "`" * i + "a" for i in range(int((2 * n) ** 0.5))
    ),
    "backticks": filled("`a``b"),
    "less-than": filled("<"),
    "open tags": filled("<a b='c"),
    "open comments": filled("a<!--"),
    "open CDATA": filled("a<![CDATA["),
    "declarations": filled("a<!A "),
    "blocks of HTML": filled("<div>\n\n"),
    "entities": filled("&#x301;"),
    "ampersands": filled("&"),
    "backslashes": filled("\\"),
    "headings": filled("# a\n"),
    "underlined headings": filled("a\n=\n"),
    "rules": filled("---\n"),
    "one long rule": filled("- "),
    "a table": lambda n: "|a" * (n // 4) + "|\n" + "|-" * (n // 4) + "|",
    "bare links": filled("http://a.b "),
    "bare links in items": filled("- http://a.b\n"),
    "bare links without hosts": filled("http://"),
    "www": filled("www."),
    "dots after a link": lambda n: "http://a" + "." * n,
    "brackets after a link": lambda n: "http://a.b/" + ")" * n,
    "underscores in links": filled("http://a_b__ "),
    "a host of hyphens": filled("http://" + "-" * 1_900 + " "),
    "marks on a star": lambda n: "*" + "\u0301" * n,
    "joined emoji": filled("\U0001f469\u200d*a*"),
    "spaces": lambda n: "*a*" + " " * n + "b",
    "blank lines": lambda n: "*a*" + " \n" * (n // 2) + "b",
    "tabs": filled("\ta\n"),
    "digits": filled("1"),
}


def cpu_s(body: str, enough: float = 0.0) -> float:
    """Returns the least CPU time of some runs; one run within `enough` suffices."""
    least = float("inf")
    for _ in range(7):
        start = time.process_time()
        excerpt(body, 100)
        to_html(render(body), body)
        least = min(least, time.process_time() - start)
        if least <= enough:
            break
    return least


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_eight_times_the_text_costs_at_most_twenty_times(pattern: Callable[[int], str]) -> None:
    bound = 20 * cpu_s(pattern(CHARS)) + 0.005  # quadratic would be 64 times
    assert cpu_s(pattern(8 * CHARS), bound) <= bound


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_hostile_text_costs_about_what_ordinary_text_does(pattern: Callable[[int], str]) -> None:
    ordinary = filled(
        "I *fully* agree, see [it](https://x.org/a) and `x`.\n\n> quoted\n\n- one\n\n"
    )
    bound = 10 * cpu_s(ordinary(CHARS))
    assert cpu_s(pattern(CHARS), bound) <= bound


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_tree_is_bounded_whatever_the_text(pattern: Callable[[int], str]) -> None:
    body = pattern(CHARS)
    assert len(json.dumps(render(body))) <= 16 * CHARS


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_cleaning_is_linear_as_well(pattern: Callable[[int], str]) -> None:
    def clean_s(body: str) -> float:
        start = time.process_time()
        clean_body(f"é{body}")
        return time.process_time() - start

    short = min(clean_s(pattern(1_000)) for _ in range(5))
    assert min(clean_s(pattern(16_000)) for _ in range(5)) <= 50 * short + 0.002


def test_bodies_over_a_bound_are_shown_as_typed() -> None:
    within = "*a*\n\n" + "> " * markdown.MAX_MARKERS + "b"
    assert render(within)
    assert render(within.replace("b", "> b")) is None
    assert render("*a* " * (markdown.MAX_EVENTS // 5))
    assert render("*a* " * (markdown.MAX_EVENTS // 3)) is None
    many = "[a]: http://x/" + "y" * 1_000 + "\n\n" + "[a] "
    assert render(many)
    assert render(many + "[a] " * 30) is None
