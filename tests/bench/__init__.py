"""Measures Livethread beside ``websockets.broadcast``: ``python -m tests.bench --help``."""
