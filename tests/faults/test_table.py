"""docs/faults.md: each row has tests, and they exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text()
ROWS = {int(row[1]): row[0] for row in re.finditer(r"^\| (\d+) \|.*$", PAGE, re.MULTILINE)}
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
OF_ONE_NODE = {*range(1, 9), *range(12, 31)}


def test_no_row_is_missing() -> None:
    assert ROWS.keys() >= OF_ONE_NODE


@pytest.mark.parametrize("number", sorted(OF_ONE_NODE))
def test_each_row_has_tests_that_exist(number: int) -> None:
    found = TEST.findall(ROWS[number])
    assert found, "a row without a test"
    for file, name in found:
        text = (ROOT / file).read_text()
        assert not name or f"def {name}(" in text, f"{file} has no {name}"


@pytest.mark.parametrize("number", sorted(OF_ONE_NODE))
def test_long_forms_are_slow_tests(number: int) -> None:
    """What the row says is run at length has a parameter or a test that is marked so."""
    at_length = ROWS[number].split(" | ")[4]
    for file, name in TEST.findall(at_length):
        text = (ROOT / file).read_text()
        before = text[: text.index(f"def {name}(")] if name else text
        assert "mark.slow" in before[-700:] if name else "mark.slow" in text
