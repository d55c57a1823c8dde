"""Bytes to our socket, guided by coverage: ``make fuzz SECONDS=600``."""
