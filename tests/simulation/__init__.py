"""Deterministic simulation: the whole program and its Python clients in one thread, from one seed.

Read ``world.py`` first; docs/testing.md says how to run and replay a seed.
"""
