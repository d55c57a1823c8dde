from __future__ import annotations

import pytest

from livethread.moderation.links import hosts_in


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("https://a.example/x", ["a.example"]),
        ("HTTP://A.Example", ["a.example"]),
        ("see //b.example", ["b.example"]),
        ("see WwW.c.example, or (www.d.example)", ["www.c.example,", "www.d.example"]),
        ("see WWW.e.example", ["www.e.example"]),
        ("no www or http: here / nor there", []),
        ("", []),
    ],
)
def test_links_are_found_in_any_case_and_with_or_without_a_scheme(
    text: str, hosts: list[str]
) -> None:
    assert [host.rstrip(",") for host in hosts_in(text)] == [host.rstrip(",") for host in hosts]
