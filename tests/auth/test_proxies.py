from __future__ import annotations

import pytest

from livethread.auth.proxies import ProxyPolicy

POLICY = ProxyPolicy(["10.0.0.0/8", "127.0.0.1", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # spoofed: no proxy of ours said it
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),  # the client's own addition
        ("10.0.0.1", "127.0.0.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.9.9.9, 127.0.0.1", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.7, 10.0.0.8", "10.0.0.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.1:1234", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:1234", "2001:db8::1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2:443", "198.51.100.1"),
        ("fd00::1", " 2001:db8::7 ", "2001:db8::7"),
        ("", "198.51.100.1", ""),  # a socket without an address
    ],
)
def test_only_a_trusted_proxys_word_is_believed(
    peer: str, forwarded_for: str | None, address: str
) -> None:
    assert POLICY.client_address(peer, forwarded_for) == address


def test_without_proxies_nobodys_word_is_believed() -> None:
    assert ProxyPolicy([]).client_address("127.0.0.1", "198.51.100.1") == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "is_trusted"),
    [("10.255.0.1", True), ("127.0.0.2", False), ("fd12::1", True), ("proxy.example", False)],
)
def test_trust_is_a_matter_of_addresses(address: str, is_trusted: bool) -> None:
    assert POLICY.is_trusted(address) is is_trusted
