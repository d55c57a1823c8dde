"""All modules of the browser client as one, and small: a page needs one request for some twenty.

The modules are written so that they can be joined: relative imports of names without renaming, one
a line, no two declarations of the same name; ``tests/static/joined.test.mjs`` holds them to it and
joins them the same way. Whoever debugs loads ``/static/elements.js``: the modules as written.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_IMPORT = re.compile(r'^import \{ [\w, ]+ \} from "(\.[^"]+)";\n', re.MULTILINE)
_SIDE_IMPORT = re.compile(r"^import\b", re.MULTILINE)
_DOC_COMMENT = re.compile(r"^[ \t]*/\*\*[\s\S]*?\*/[ \t]*\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|let|function|class) )", re.MULTILINE)

# minify-go brings Go's runtime, 10 MB and five threads: into a process that ends (150 ms), once.
_MINIFY = """\
import re, sys
try:
    import minify
    source = sys.stdin.buffer.read().decode()
    sheet = re.compile("(?<=^const css = `)[^`]+", re.MULTILINE)
    source = sheet.sub(lambda css: minify.string("text/css", css[0]), source)
    smaller = minify.string("text/javascript", source)
except (ImportError, OSError, ValueError) as error:
    sys.exit(str(error).partition("\\n")[0])
sys.stdout.buffer.write(smaller.encode())
"""
_MINIFY_TIMEOUT_S = 20


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


@cache
def minify(source: str) -> str:
    """A module that exports nothing, in fewer bytes (19 kB gzipped became 15), its names shortened.

    What can't be minified is returned as it is: more bytes, the same work.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _MINIFY],
            input=f"(()=>{{{source}\n}})()".encode(),  # in a function all names are its own
            capture_output=True,
            timeout=_MINIFY_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        log.warning("not_minified", error=reason or str(error))
        return source
    return done.stdout.decode()
