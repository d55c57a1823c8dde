"""Many worlds, each from its seed: none has a fault, and each is the same when it is run again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.judge import faults_of
from tests.simulation.world import simulate

ROOT = Path(__file__).parents[2]


def check(first: int, last: int) -> None:
    found = {seed: faults_of(simulate(seed)) for seed in range(first, last + 1)}
    faulty = {seed: faults for seed, faults in found.items() if faults}
    assert not faulty, f"replay with: python -m tests.simulation {next(iter(faulty))}"


@pytest.mark.parametrize("first", [1, 4])
def test_the_first_seeds_have_no_fault(first: int) -> None:
    check(first, first + 2)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, 1001, 50))
def test_a_thousand_seeds_have_no_fault(first: int) -> None:
    check(first, first + 49)


def test_a_seed_gives_the_same_bytes_in_every_process() -> None:
    here = [str(simulate(seed)) for seed in ("one", "two")]
    assert here[0] != here[1]
    assert str(simulate("two")) == here[1]
    there = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "one"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
    )
    assert there.stdout.decode() == here[0]
