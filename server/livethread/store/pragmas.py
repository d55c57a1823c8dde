"""How SQLite is set up, each connection anew: WAL, durable before it answers, nothing left behind.

``livethread doctor`` tries the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

COMMON: Mapping[str, str] = MappingProxyType({"foreign_keys": "ON"})
WRITER: Mapping[str, str] = MappingProxyType(
    {
        **COMMON,
        "journal_mode": "WAL",
        "synchronous": "FULL",
        "secure_delete": "ON",
        "temp_store": "MEMORY",
    }
)
READER: Mapping[str, str] = MappingProxyType(
    {**COMMON, "query_only": "ON", "wal_autocheckpoint": "0"}
)
