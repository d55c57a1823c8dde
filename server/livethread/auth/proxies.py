"""Whose word about a client's address is believed."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable


class ProxyPolicy:
    """Addresses and networks of trusted proxies; X-Forwarded-For of anyone else is ignored."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(entry, strict=False) for entry in trusted)

    def client_address(self, peer: str, forwarded_for: str | None) -> str:
        """The nearest address that isn't a trusted proxy's, reading the list from its end."""
        if forwarded_for is None or not self.is_trusted(peer):
            return peer
        address = peer
        for hop in map(_without_port, reversed(forwarded_for.split(","))):
            try:
                ipaddress.ip_address(hop)
            except ValueError:
                return address
            address = hop
            if not self.is_trusted(hop):
                break
        return address

    def is_trusted(self, address: str) -> bool:
        if not self._networks:
            return False
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


def _without_port(hop: str) -> str:
    """``192.0.2.1:443`` and ``[2001:db8::1]:443``, of some load balancers, without the port."""
    hop = hop.strip()
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
