"""Origins, CORS and rates."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.site import HOST, ORIGIN, ROOM, ROOMS, Site, a_site

NEWS = "https://news.example"
COMMENTS = f"{ROOMS}/{ROOM}/comments"
FOREIGN = (
    "null",
    "https://evil.example",
    "http://news.example",
    "https://news.example.evil.example",
    "https://evil-news.example",
    "https://news.example:8443",
    "https://news.example/",
    f"https://{HOST}",
    f"{NEWS} {ORIGIN}",
    "",
)
CALLS = (("GET", COMMENTS), ("POST", COMMENTS), ("DELETE", f"{COMMENTS}/1"), ("OPTIONS", COMMENTS))


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_a_foreign_origin_is_refused(
    tmp_path: Path, origin: str, method: str, path: str
) -> None:
    async with a_site(tmp_path, origins=[NEWS]) as site:
        headers = await site.guest() | {"Idempotency-Key": "key-0001"}
        async with site.peer(Origin=origin) as client:
            answer = await client.request(method, path, json={"body": "x"}, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["code"] == "forbidden"
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_two_origins_are_none(site: Site) -> None:
    headers = [("Origin", ORIGIN), ("Origin", ORIGIN)]
    async with site.peer() as client:
        answer = await client.get(COMMENTS, headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", [NEWS, ORIGIN, NEWS.upper()])
async def test_the_sites_own_origins_get_cors_without_credentials(
    tmp_path: Path, origin: str
) -> None:
    async with a_site(tmp_path, origins=[NEWS]) as site, site.peer(Origin=origin) as client:
        for path, status in ((COMMENTS, 200), (f"{COMMENTS}?limit=0", 422), ("/api/x", 404)):
            answer = await client.get(path)
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == origin
            assert "Origin" in answer.headers["vary"]
            assert "retry-after" in answer.headers["access-control-expose-headers"].lower()
            assert "access-control-allow-credentials" not in answer.headers


async def test_a_preflight_names_methods_and_headers(tmp_path: Path) -> None:
    async with a_site(tmp_path, origins=[NEWS]) as site, site.peer(Origin=NEWS) as client:
        headers = {"Access-Control-Request-Method": "PATCH"}
        answer = await client.options(f"{COMMENTS}/1", headers=headers)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == NEWS
        assert "PATCH" in answer.headers["access-control-allow-methods"]
        for name in ("authorization", "content-type", "idempotency-key", "last-event-id"):
            assert name in answer.headers["access-control-allow-headers"].lower()


async def test_reading_needs_no_origin(site: Site) -> None:
    async with site.peer() as client:
        answer = await client.get(COMMENTS)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_requests_are_limited_by_address(tmp_path: Path) -> None:
    async with a_site(tmp_path, http_rate=0.1, http_burst=3) as site:
        for path in (COMMENTS, f"/rooms/{ROOM}", f"/feeds/{ROOM}"):
            assert (await site.client.get(path)).status_code == 200
        refused = await site.client.get(COMMENTS)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["access-control-allow-origin"] == ORIGIN
        for path in ("/docs", "/openapi.json"):
            assert (await site.client.get(path)).status_code == 429
        opened = await site.client.get(f"/rooms/{ROOM}", headers={"Accept": "text/html"})
        assert opened.status_code == 429
        assert opened.headers["content-type"].startswith("text/html")
        assert int(opened.headers["retry-after"]) >= 1
        for path in ("/healthz", "/readyz", "/", "/embed.js"):
            assert (await site.client.get(path)).status_code == 200
        async with site.peer("192.0.2.2") as other:
            assert (await other.get(COMMENTS)).status_code == 200


async def test_a_network_of_one_subscriber_has_one_rate(tmp_path: Path) -> None:
    async with a_site(tmp_path, http_rate=0.1, http_burst=1) as site:
        answers = []
        for address in ("2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1"):
            async with site.peer(address) as client:
                answers.append((await client.get(COMMENTS)).status_code)
    assert answers == [200, 429, 200]


@pytest.mark.parametrize(("trusted", "status"), [([], 429), (["192.0.2.1"], 200)])
async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(
    tmp_path: Path, trusted: list[str], status: int
) -> None:
    async with a_site(tmp_path, http_rate=0.1, http_burst=1, trusted_proxies=trusted) as site:
        for address in ("198.51.100.1", "198.51.100.2"):
            answer = await site.client.get(COMMENTS, headers={"X-Forwarded-For": address})
        assert answer.status_code == status
