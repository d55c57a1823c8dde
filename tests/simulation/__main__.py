"""``python -m tests.simulation SEED``: replay a seed, print its history and what is wrong with it.

``python -m tests.simulation FIRST LAST`` runs many and says which of them have faults.
"""

from __future__ import annotations

import sys

from tests.simulation.judge import faults_of
from tests.simulation.world import simulate


def main(arguments: list[str]) -> int:
    if len(arguments) == 1:
        history = simulate(arguments[0])
        sys.stdout.write(str(history))
        faults = faults_of(history)
        for fault in faults:
            print(f"FAULT {fault}")
        return bool(faults)
    first, last = map(int, arguments)
    bad = 0
    for seed in range(first, last + 1):
        faults = faults_of(simulate(seed))
        bad += bool(faults)
        for fault in faults[:3]:
            print(f"seed {seed}: {fault}", flush=True)
    print(f"{last - first + 1} seeds, {bad} with faults")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
