"""The OpenAPI description as a page: FastAPI's own loads scripts from another host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from livethread.protocol.errors import ErrorCode, error_for
from livethread.web.layout import document
from livethread.web.markup import Html, element, fragment
from livethread.web.problems import RESET, STATUS

Schema = Mapping[str, Any]


def reference_page(openapi: Schema) -> bytes:
    """All operations and error codes of the API."""
    operations = (
        _operation(method, path, operation)
        for path, methods in sorted(openapi["paths"].items())
        for method, operation in methods.items()
    )
    return document(
        "Livethread: HTTP interface",
        element("p", "Livethread", class_="kicker"),
        element("h1", "HTTP interface"),
        element(
            "p",
            "The same as over the websocket. Machines read ",
            element("a", "openapi.json", href="/openapi.json"),
            ". A token goes into the header ",
            element("code", "Authorization: Bearer …"),
            ".",
        ),
        *operations,
        element("h2", "Errors", id="errors"),
        element("p", "Every error is a problem document (RFC 9457) with one of these codes."),
        element("dl", *_errors()),
    )


def _operation(method: str, path: str, operation: Schema) -> Html:
    rows = [*_parameters(operation), *_body(operation)]
    return element(
        "section",
        element("h2", operation["summary"]),
        element("p", element("code", f"{method.upper()} {path}")),
        element("p", _prose(operation["description"])) if "description" in operation else None,
        element("dl", *rows) if rows else None,
        class_="operation",
    )


def _parameters(operation: Schema) -> Iterator[Html]:
    for parameter in operation.get("parameters", ()):
        where, is_required = parameter["in"], parameter.get("required", False)
        yield _row(parameter["name"], where, parameter, is_required=is_required)


def _body(operation: Schema) -> Iterator[Html]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield _row(name, "body", field, is_required=name in required)


def _row(name: str, where: str, described: Schema, *, is_required: bool) -> Html:
    said = where if is_required else f"{where}, optional"
    text = described.get("description")
    return fragment(
        element("dt", element("code", name), " ", element("span", said, class_="meta")),
        element("dd", _prose(text)) if text else None,
    )


def _prose(text: str) -> Html:
    """Text with its `code` marked up."""
    parts = text.split("`")
    return fragment(*(element("code", part) if i % 2 else part for i, part in enumerate(parts)))


def _errors() -> Iterator[Html]:
    for code in ErrorCode:
        status = STATUS[code].value
        yield _error(code.value, status, error_for(code).sentence)
    yield _error(RESET, 410, "The cursor can't be continued. Read the comments again.")


def _error(code: str, status: int, sentence: str) -> Html:
    said = element("span", str(status), class_="meta")
    return fragment(
        element("dt", element("code", code), " ", said, id=code), element("dd", sentence)
    )
