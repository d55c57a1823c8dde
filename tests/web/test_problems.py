"""Errors as problem documents, and the headers of every answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from livethread.model import Page, PageRequest
from livethread.protocol.errors import ErrorCode, RateLimited, TokenExpired, Unavailable, error_for
from livethread.web.problems import STATUS, problem
from livethread.web.shapes import Problem
from tests.web.site import ROOM, ROOMS, Site, a_site

PAGE = "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; "


def checked(answer: httpx.Response, status: int, code: str) -> Problem:
    assert answer.headers["content-type"] == "application/problem+json"
    document = Problem.model_validate_json(answer.content)
    assert (answer.status_code, document.status, document.code) == (status, status, code)
    assert document.title
    assert document.detail
    return document


@pytest.mark.parametrize("code", ErrorCode)
def test_each_code_has_a_status_of_its_kind(code: ErrorCode) -> None:
    error = error_for(code)
    status = STATUS[code]
    assert 400 <= status < 500 or (500 <= status < 600 and error.retryable)


def test_a_wait_is_told_in_whole_seconds_rounded_up() -> None:
    assert problem(RateLimited(retry_after_ms=1)).headers["retry-after"] == "1"
    assert problem(RateLimited(retry_after_ms=2_001)).headers["retry-after"] == "3"
    assert "retry-after" not in problem(TokenExpired()).headers


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/static/nothing.js", 404, "not_found"),
        ("PUT", f"{ROOMS}/{ROOM}", 405, "bad_frame"),
        ("POST", "/healthz", 405, "bad_frame"),
        ("GET", f"{ROOMS}/a//b", 422, "bad_frame"),
        ("GET", f"{ROOMS}/{ROOM}/comments?limit=ten", 422, "bad_frame"),
        ("GET", f"{ROOMS}/{ROOM}/comments?parent=7", 404, "not_found"),
    ],
)
async def test_what_the_framework_refuses_is_a_problem_too(
    site: Site, method: str, path: str, status: int, code: str
) -> None:
    checked(await site.client.request(method, path), status, code)


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nope", 404), ("/rooms/a%20b", 422), ("/rooms/a?after=%20", 422), ("/ws", 426)],
)
async def test_whoever_opens_a_page_is_told_on_a_page(site: Site, path: str, status: int) -> None:
    answer = await site.client.get(path, headers=BROWSER)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith(PAGE)
    assert answer.headers["vary"] == "Accept"
    assert answer.headers["cache-control"] == "no-store"
    assert "<h1>" in answer.text
    assert "/pages.css" in answer.text
    assert "<script" not in answer.text
    assert "frame" not in answer.text
    checked(await site.client.get(path), status, "not_found" if status == 404 else "bad_frame")


async def test_the_api_answers_programs_whatever_they_accept(site: Site) -> None:
    checked(await site.client.get(f"{ROOMS}/a%20b", headers=BROWSER), 422, "bad_frame")


async def test_the_websockets_address_says_what_it_speaks(site: Site) -> None:
    answer = await site.client.get("/ws")
    assert "websocket" in checked(answer, 426, "bad_frame").detail
    assert answer.headers["upgrade"] == "websocket"


async def test_no_problem_speaks_of_frames(site: Site) -> None:
    guest = await site.guest()
    path = f"{ROOMS}/{ROOM}/comments"
    for body in (b"[]", b"{}", b"no json", b'{"body": 1}'):
        answer = await site.client.post(
            path, content=body, headers={**guest, "Idempotency-Key": "k"}
        )
        assert answer.status_code in (400, 422)
        found = Problem.model_validate_json(answer.content)
        assert "frame" not in f"{found.title} {found.detail}"


async def test_a_wrong_method_is_told_the_right_ones(site: Site) -> None:
    answer = await site.client.put(f"{ROOMS}/{ROOM}/reactions")
    assert "POST" in answer.headers["allow"]


async def test_a_problem_does_not_repeat_what_was_sent(site: Site) -> None:
    for path in (f"{ROOMS}/can ary", f"{ROOMS}/x/comments?order=canary", "/api/v1/canary"):
        assert "canary" not in (await site.client.get(path)).text


async def test_an_unexpected_failure_is_logged_and_tells_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: PageRequest) -> Page:
        raise RuntimeError("canary")

    monkeypatch.setattr(site.gateway.services.store, "page", fail)
    with capture_logs() as logs:
        answer = await site.client.get(f"{ROOMS}/{ROOM}/comments")
    checked(answer, 500, "internal")
    assert "canary" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"]
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("request_failed", "error")]


async def test_a_store_that_cant_be_read_is_unavailable(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> Any:
        raise Unavailable(retry_after_ms=1_500)

    for name in ("page", "room", "changes", "counts"):
        monkeypatch.setattr(site.gateway.services.store, name, fail)
    paths = ("", "/comments", "/changes", "/events")
    for path in (*(f"{ROOMS}/{ROOM}{path}" for path in paths), f"/api/v1/counts?room={ROOM}"):
        checked(await site.client.get(path), 503, "unavailable")
    assert len(site.gateway.streams) == 0


async def test_what_the_gate_refuses_has_security_headers_too(tmp_path: Path) -> None:
    async with a_site(tmp_path, http_rate=0.1, http_burst=1) as site:
        path = f"{ROOMS}/{ROOM}"
        foreign = await site.client.get(path, headers={"Origin": "null"})
        preflight = await site.client.options(path)
        limited = await site.client.get(path)
    assert [answer.status_code for answer in (foreign, preflight, limited)] == [403, 204, 429]
    for answer in (foreign, preflight, limited):
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_every_answer_has_its_security_headers(site: Site) -> None:
    pages = ("/", "/docs", "/demo/bridge", f"/rooms/{ROOM}", "/static/demo.html")
    data = (f"{ROOMS}/{ROOM}", "/nothing", "/embed.js", "/openapi.json", f"/feeds/{ROOM}")
    for path in (*pages, *data):
        headers = (await site.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "same-origin", path
        policy = headers["content-security-policy"]
        if path in pages:
            assert policy.startswith(PAGE), path
            assert "require-trusted-types-for 'script'" in policy, path
            assert "frame-ancestors 'self'; base-uri 'none'; form-action 'self'" in policy, path
            assert headers["cross-origin-opener-policy"] == "same-origin", path
        else:
            assert policy == "default-src 'none'; frame-ancestors 'none'", path
        assert "unsafe" not in policy
        assert "set-cookie" not in headers
