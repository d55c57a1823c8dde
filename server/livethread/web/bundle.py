"""All modules of the browser client as one, so that a page needs one request for some twenty.

The modules are written so that they can be joined: relative imports of names without renaming, one
a line, no two declarations of the same name; ``tests/static/joined.test.mjs`` holds them to it and
joins them the same way.
"""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{ [\w, ]+ \} from "(\.[^"]+)";\n', re.MULTILINE)
_SIDE_IMPORT = re.compile(r"^import\b", re.MULTILINE)
_DOC_COMMENT = re.compile(r"^[ \t]*/\*\*[\s\S]*?\*/[ \t]*\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|let|function|class) )", re.MULTILINE)


def join(entry: Path) -> str | None:
    """The module and all it imports, each once and after what it imports itself.

    None if they can't be joined: then they must be served as they are.
    """
    modules: dict[Path, str] = {}
    try:
        _collect(entry.resolve(), modules)
    except OSError:
        return None
    joined = "\n".join(modules.values())
    return None if _SIDE_IMPORT.search(joined) else joined


def _collect(path: Path, modules: dict[Path, str]) -> None:
    if path in modules:
        return
    modules[path] = ""  # a place for it in a cycle
    source = path.read_text(encoding="utf-8")
    for name in _IMPORT.findall(source):
        _collect((path.parent / name).resolve(), modules)
    del modules[path]  # after what it imports
    modules[path] = _EXPORT.sub("", _IMPORT.sub("", _DOC_COMMENT.sub("", source)))
