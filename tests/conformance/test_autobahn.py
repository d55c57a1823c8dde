"""Our socket under the Autobahn test suite's cases; docs/conformance.md says the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conformance.autobahn import (
    EXCEPTIONS,
    PAGE,
    QUICK,
    SECTIONS,
    SLOW,
    Verdict,
    faults,
    page,
    play,
    row,
)


def is_as_documented(verdicts: Sequence[Verdict]) -> None:
    """The run found nothing, and the page's table is its table."""
    assert faults(verdicts) == []
    documented = PAGE.read_text()
    for section in {verdict.section for verdict in verdicts}:
        assert row(section, verdicts) in documented, "run: make conformance"


def test_framing_utf8_and_closing_conform(tmp_path: Path) -> None:
    verdicts = play(tmp_path, QUICK, 16)
    assert len(verdicts) == 247
    is_as_documented(verdicts)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # the player's, 216 times
def test_limits_and_compression_conform(tmp_path: Path) -> None:
    verdicts = play(tmp_path, SLOW, 2)
    assert {verdict.section for verdict in verdicts} == {"9", "12", "13"}
    is_as_documented(verdicts)


def test_failure_is_a_fault_and_so_is_an_exception_that_is_none() -> None:
    good, bad = ("OK", "OK", ""), ("FAILED", "OK", "")
    assert faults([Verdict("1.1", *good), Verdict("7.1.5", *bad)]) == []
    assert len(faults([Verdict("1.1", *bad)])) == 1
    assert len(faults([Verdict("1.1", "OK", "WRONG CODE", "")])) == 1
    assert len(faults([Verdict("7.1.5", *good)])) == 1


def test_page_has_a_line_for_each_section_and_each_exception() -> None:
    text = page([Verdict("1.1", "OK", "OK", "")])
    for section in SECTIONS:
        assert f"\n| {section} | " in text
    for why in EXCEPTIONS.values():
        assert why in text
