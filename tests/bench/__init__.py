"""Measures Livethread beside a loop in C and other servers: ``python -m tests.bench --help``."""
