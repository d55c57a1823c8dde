"""The browser's files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from livethread.web.bundle import join, minify
from livethread.web.files import accepts_gzip
from tests.web.site import STATIC, Site, a_site

BUDGET_BYTES = 20_000  # gzipped; the design's promise (README.md) for all of the widget


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/embed.js", "text/javascript; charset=utf-8"),
        ("/static/elements.js", "text/javascript; charset=utf-8"),
        ("/static/lang/en.js", "text/javascript; charset=utf-8"),
        ("/static/demo.css", "text/css; charset=utf-8"),
        ("/static/icon.svg", "image/svg+xml"),
    ],
)
async def test_a_file_may_be_embedded_anywhere_and_cached(
    site: Site, path: str, media_type: str
) -> None:
    async with site.peer(Origin="https://elsewhere.example") as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"].startswith("public, max-age=300, stale-while-")
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_a_known_file_is_not_sent_again(site: Site, encoding: str) -> None:
    headers = {"Accept-Encoding": encoding}
    first = await site.client.get("/embed.js", headers=headers)
    assert ("content-encoding" in first.headers) == (encoding == "gzip")
    for tag in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
        again = await site.client.get("/embed.js", headers=headers | {"If-None-Match": tag})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == first.headers["etag"]
    other = await site.client.get("/embed.js", headers=headers | {"If-None-Match": '"x"'})
    assert other.status_code == 200


async def test_both_encodings_hold_the_same_and_are_told_apart(site: Site) -> None:
    plain = await site.client.get("/static/feed.js", headers={"Accept-Encoding": "identity"})
    zipped = await site.client.get("/static/feed.js", headers={"Accept-Encoding": "gzip"})
    assert plain.content == zipped.content == (STATIC / "feed.js").read_bytes()
    assert plain.headers["etag"] != zipped.headers["etag"]
    assert int(zipped.headers["content-length"]) < int(plain.headers["content-length"]) / 2


@pytest.mark.parametrize(
    ("header", "is_accepted"),
    [
        ("gzip", True),
        ("br, GZip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=1.0", True),
        ("br", False),
        ("", False),
    ],
)
def test_what_accept_encoding_says(header: str, is_accepted: bool) -> None:
    assert accepts_gzip(header) is is_accepted


async def test_head_is_get_without_the_body(site: Site) -> None:
    for path in ("/embed.js", "/static/demo.css", "/", "/rooms/a", "/api/v1/rooms/a"):
        head, get = await site.client.head(path), await site.client.get(path)
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers == get.headers


async def test_no_path_leads_out_of_the_folder(tmp_path: Path) -> None:
    static = tmp_path / "static"
    static.mkdir()
    (tmp_path / "secret.txt").write_text("canary")
    (static / "a.txt").write_text("a")
    (static / "link.txt").symlink_to(tmp_path / "secret.txt")
    (static / ".key").write_text("canary")
    async with a_site(tmp_path, static) as site:
        assert (await site.client.get("/static/a.txt")).text == "a"
        for path in ("../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "%2e%2e%2fsecret.txt",
                     "link.txt", ".key", "/etc/passwd", "%2fetc/passwd", "a.txt/", "..\\secret.txt",
                     "a.txt%00", ""):  # fmt: skip
            answer = await site.client.get(f"/static/{path}")
            assert answer.status_code == 404, path
        assert (await site.client.get("/embed.js")).status_code == 404


async def test_embed_is_all_modules_in_one_small_file(site: Site) -> None:
    answer = await site.client.get("/embed.js", headers={"Accept-Encoding": "gzip"})
    source = answer.text
    assert not re.search(r"\b(import|export)\b(?!\.meta|\()", source)
    assert "customElements.define(" in source
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) <= BUDGET_BYTES


@pytest.mark.parametrize("language", sorted(path.stem for path in (STATIC / "lang").glob("*.js")))
async def test_embed_and_the_words_of_any_language_are_small(site: Site, language: str) -> None:
    paths = ("/embed.js", f"/static/lang/{language}.js")
    answers = [await site.client.get(path, headers={"Accept-Encoding": "gzip"}) for path in paths]
    sizes = [int(answer.headers["content-length"]) for answer in answers]
    assert all(answer.headers["content-encoding"] == "gzip" for answer in answers)
    assert sum(sizes) <= BUDGET_BYTES


async def test_what_embed_loads_is_kept_for_good_by_its_version(site: Site) -> None:
    source = (await site.client.get("/embed.js")).text
    [version] = re.findall(r"\?v=\w+", source)
    words = await site.client.get(f"/static/lang/de.js{version}")
    assert words.status_code == 200
    assert "immutable" in words.headers["cache-control"]
    for other in ("", "?v=", "?v=0123456789ab"):
        words = await site.client.get(f"/static/lang/de.js{other}")
        assert words.status_code == 200
        assert "max-age=300" in words.headers["cache-control"]


async def test_what_a_module_of_a_version_imports_is_of_that_version(site: Site) -> None:
    [version] = re.findall(r"\?v=\w+", (await site.client.get("/embed.js")).text)
    wanted = ["shortcuts.js"]
    for name in wanted:  # and all that those import, in turn
        answer = await site.client.get(f"/static/{name}{version}")
        assert "immutable" in answer.headers["cache-control"]
        imported = re.findall(r'from "\./([^"]+)"', answer.text)
        assert all(each.endswith(version) for each in imported)
        wanted += {each.removesuffix(version) for each in imported} - {*wanted}
    assert {"dom.js", "steps.js"} <= {*wanted}
    plain = await site.client.get("/static/shortcuts.js")
    assert plain.content == (STATIC / "shortcuts.js").read_bytes()


async def test_the_version_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "version.js").write_text('export const VERSION = "";\n')
    (tmp_path / "elements.js").write_text('import { VERSION } from "./version.js";\nf(VERSION);\n')
    versions = set()
    for words in ("a", "b"):
        (tmp_path / "words.js").write_text(words)
        async with a_site(tmp_path, tmp_path) as site:
            versions |= {*re.findall(r"\?v=\w+", (await site.client.get("/embed.js")).text)}
    assert len(versions) == 2


def test_what_cant_be_minified_stays_as_it_is_and_the_log_says_so() -> None:
    with capture_logs() as logs:
        assert minify("const = 1;") == "const = 1;"
    [entry] = logs
    assert entry["event"] == "not_minified"
    assert entry["error"].startswith("unexpected =")


def test_modules_are_joined_once_and_after_what_they_import(tmp_path: Path) -> None:
    files = {
        "elements.js": 'import { b } from "./b.js";\nimport { c } from "./lib/c.js";\nb(c);\n',
        "b.js": '/** Doc. */\nimport { c } from "./lib/c.js";\nexport const b = (x) => x + c;\n',
        "lib/c.js": "export const c = 1;\n",
    }
    for name, source in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)
    joined = join(tmp_path / "elements.js")
    assert joined == "const c = 1;\n\nconst b = (x) => x + c;\n\nb(c);\n"


def test_modules_that_cant_be_joined_are_served_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "elements.js").write_text('import * as c from "./c.js";\n')
    assert join(tmp_path / "elements.js") is None
    assert join(tmp_path / "missing.js") is None
