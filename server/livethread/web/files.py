"""The browser's files, held in memory: read, compressed and given an ETag once.

A name that is not in the table does not exist, so no path leads out of the folder. Any site may
load them: that is what they are for.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from asyncio import Task
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType

import deflate
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from livethread.web.bundle import join, minify

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".ico": "image/x-icon",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".woff2": "font/woff2",
    }
)
_COMPRESSED_ALREADY = frozenset({".ico", ".png", ".woff2"})
_MIN_GAIN = 0.9
_COMPRESSION = 12  # of libdeflate's most
_UNVERSIONED = 'const VERSION = "";'
_IMPORTED = re.compile(rb'(?<= from ")(\.[^"]+\.js)(?=";\n)')
_ACCEPTED = re.compile(r"([^\s,;]+)\s*(?:;\s*q=([0-9.]+))?")

# The names have no hash in them, so a new version must be seen soon; meanwhile nobody waits.
CACHED = "public, max-age=300, stale-while-revalidate=86400"
# But what ``embed.js`` loads is asked for by its version, and that never changes.
IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"


@dataclass(frozen=True, slots=True)
class File:
    """A file's bytes, as they are and compressed (None if that gains nothing)."""

    media_type: str
    body: bytes
    gzipped: bytes | None
    tag: str

    @classmethod
    def of(cls, body: bytes, suffix: str) -> File:
        gzipped = None if suffix in _COMPRESSED_ALREADY else _gzipped(body)
        tag = hashlib.blake2s(body, digest_size=12).hexdigest()
        return cls(MEDIA_TYPES[suffix], body, gzipped, tag)

    def respond(self, request: Request, *, cache: str = CACHED) -> Response:
        """The file, or 304 if the client has it."""
        accepted = accepts_gzip(request.headers.get("accept-encoding", ""))
        is_gzipped = self.gzipped is not None and accepted
        etag = f'"{self.tag}-gz"' if is_gzipped else f'"{self.tag}"'
        headers = {
            "ETag": etag,
            "Cache-Control": cache,
            "Vary": "Accept-Encoding",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if is_known(request, etag):
            return Response(None, HTTPStatus.NOT_MODIFIED, headers)
        headers["Content-Type"] = self.media_type
        if is_gzipped:
            headers["Content-Encoding"] = "gzip"
        return Response(self.gzipped if is_gzipped else self.body, headers=headers)


@cache
def _gzipped(body: bytes) -> bytes | None:
    # libdeflate tries harder than zlib at 9: 3 % fewer bytes of embed.js, in 22 ms.
    smaller = bytes(deflate.gzip_compress(body, _COMPRESSION))
    return smaller if len(smaller) < len(body) * _MIN_GAIN else None


class Files:
    """The files below a folder by their relative path; ``embed.js`` is all modules in one.

    Their ``version`` is a digest of them all: ``embed.js`` knows it from ``static/version.js``.
    What a module imports that is asked for by the version is asked for by it, too: kept for good
    as well, and never of another version than the module.
    """

    def __init__(self, folder: Path) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): File.of(path.read_bytes(), path.suffix)
            for path in _below(folder)
        }
        tags = "".join(f"{name}:{file.tag};" for name, file in self._files.items())
        self._version = hashlib.blake2s(tags.encode(), digest_size=6).hexdigest()
        self._versioned = {
            name: self._imports_versioned(file) if name.endswith(".js") else file
            for name, file in self._files.items()
        }
        self._joined = join(folder / "elements.js")
        self._embed: Task[File | None] | None = None

    def get(self, name: str) -> File | None:
        return self._files.get(name)

    async def static(self, request: Request) -> Response:
        """``/static/{path}``."""
        is_version = request.query_params.get("v") == self._version
        files, cache = (self._versioned, IMMUTABLE) if is_version else (self._files, CACHED)
        return _found(files.get(request.path_params["path"])).respond(request, cache=cache)

    async def embed(self, request: Request) -> Response:
        """``/embed.js``: made for the first who asks, whose loss it isn't if that one leaves."""
        if self._embed is None:
            self._embed = asyncio.create_task(asyncio.to_thread(self._make_embed))
        return _found(await asyncio.shield(self._embed)).respond(request)

    def _imports_versioned(self, file: File) -> File:
        body = _IMPORTED.sub(rb"\1?v=%b" % self._version.encode(), file.body)
        return file if body == file.body else File.of(body, ".js")

    def _make_embed(self) -> File | None:
        if self._joined is None:
            return self._files.get("embed.js")
        versioned = self._joined.replace(_UNVERSIONED, f'const VERSION = "?v={self._version}";')
        return File.of(minify(versioned).encode(), ".js")


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding allows gzip (RFC 9110 12.5.3)."""
    weights: dict[str, str] = {
        coding: weight
        for coding, weight in _ACCEPTED.findall(header.lower())
        if coding in ("gzip", "*")
    }
    weight = weights.get("gzip", weights.get("*", "0"))
    return weight == "" or weight.strip("0.") != ""


def is_known(request: Request, etag: str) -> bool:
    """Whether the client has this version already (If-None-Match, weak comparison)."""
    header = request.headers.get("if-none-match", "")
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        is_inside = path.resolve().is_relative_to(folder.resolve())
        if path.suffix in MEDIA_TYPES and path.is_file() and is_inside:
            yield path


def _found(file: File | None) -> File:
    if file is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return file
