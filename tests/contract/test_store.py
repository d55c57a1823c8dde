"""Runs the contract of ``store.base`` on every back-end."""

from __future__ import annotations

from tests.contract.store_contract import *  # noqa: F403
