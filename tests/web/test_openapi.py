"""The description of the API, and its page."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from fastapi.openapi.models import OpenAPI

from livethread.protocol.errors import ErrorCode
from tests.web.site import Site


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


async def described(site: Site) -> dict[str, Any]:
    value: dict[str, Any] = (await site.client.get("/openapi.json")).json()
    return value


async def test_the_description_is_valid_and_complete(site: Site) -> None:
    value = await described(site)
    OpenAPI.model_validate(value)
    for reference in references(value):
        target: Any = value
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
    room = "/api/v1/rooms/{room}"
    expected = {
        room: {"get", "patch"},
        f"{room}/comments": {"get", "post"},
        f"{room}/comments/{{comment}}": {"patch", "delete"},
        f"{room}/comments/{{comment}}/reports": {"post"},
        f"{room}/comments/{{comment}}/moderation": {"post"},
        f"{room}/changes": {"get"},
        f"{room}/events": {"get"},
        f"{room}/reactions": {"post"},
        f"{room}/moderation": {"post"},
        "/api/v1/acts": {"get"},
        "/api/v1/filters": {"get", "put"},
        "/api/v1/queue": {"get"},
        "/api/v1/restrictions": {"get"},
        "/api/v1/rules": {"get", "patch"},
        "/api/v1/moderation": {"post"},
        "/api/v1/counts": {"get"},
        "/api/v1/guests": {"post"},
        "/api/v1/preview": {"post"},
        "/api/v1/me": {"get"},
    }
    assert {path: set(methods) for path, methods in value["paths"].items()} == expected


async def test_each_operation_says_what_it_takes_and_answers(site: Site) -> None:
    for path, methods in (await described(site))["paths"].items():
        for method, operation in methods.items():
            name = f"{method} {path}"
            assert operation["summary"], name
            assert operation["description"], name
            assert "application/problem+json" in operation["responses"]["default"]["content"], name
            has_body = method in ("post", "patch", "put")
            assert ("requestBody" in operation) == has_body, name
            if path != "/api/v1/guests":
                assert operation["security"] == [{"token": []}], name


async def test_a_request_carries_what_its_command_carries_but_the_path(site: Site) -> None:
    paths = (await described(site))["paths"]
    content = paths["/api/v1/rooms/{room}/comments"]["post"]["requestBody"]["content"]
    schema = content["application/json"]["schema"]
    assert set(schema["properties"]) == {"body", "parent", "website"}
    assert schema["required"] == ["body"]


async def test_the_page_lists_every_operation_and_code_and_loads_nothing_from_elsewhere(
    site: Site,
) -> None:
    loaded: list[str | None] = []
    ids: list[str | None] = []

    class Page(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            given = dict(attributes)
            ids.append(given.get("id"))
            if tag in ("script", "link", "img", "iframe"):
                loaded.append(given.get("src", given.get("href")))
            assert tag not in ("script", "style")
            assert "style" not in given

    page = (await site.client.get("/docs")).text
    Page().feed(page)
    assert loaded == ["/static/icon.svg", "/pages.css"]
    for path in (await described(site))["paths"]:
        assert path in page
    assert {code.value for code in ErrorCode} | {"reset"} <= set(ids)
