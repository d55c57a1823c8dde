"""Whatever the fields of a request hold: an answer or a typed error, and the server lives."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from livethread.protocol.errors import ErrorCode
from tests.system.test_commands import NOT_JSON, VALUES
from tests.web.site import ROOM, Site, a_site

VERBS = ("get", "put", "post", "patch", "delete")
ENDLESS = "/events"
CODES = {*ErrorCode, "reset"}
SCOPES = ("read", "post", "moderate", "replay", "staff-feed")


class Operation(NamedTuple):
    verb: str
    path: str
    parameters: list[dict[str, Any]]
    fields: dict[str, Any]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with a_site(tmp_path_factory.mktemp("hostile")) as site:
        site.client.headers.update(await site.bot(*SCOPES))
        yield site


async def operations(site: Site) -> list[Operation]:
    """All that the API has, as it describes itself, but for the stream that doesn't end."""
    described = (await site.client.get("/openapi.json")).json()

    def whole(said: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in said:
            named: dict[str, Any] = described["components"]["schemas"][said["$ref"].split("/")[-1]]
            return named
        return said

    found = []
    for path, item in described["paths"].items():
        if path.endswith(ENDLESS):
            continue
        for verb in item.keys() & set(VERBS):
            said = item[verb]
            content = said.get("requestBody", {}).get("content", {})
            schema = whole(content.get("application/json", {}).get("schema", {}))
            fields = schema.get("properties", {})
            found.append(Operation(verb, path, said.get("parameters", []), fields))
    return sorted(found, key=lambda one: (one.path, one.verb))


def is_typed(answer: httpx.Response) -> bool:
    """An answer, or a problem whose code the protocol has, or HTTP for a cursor that is none."""
    if answer.status_code < 400:
        return True
    is_problem = answer.headers["content-type"] == "application/problem+json"
    return answer.status_code < 500 and is_problem and answer.json()["code"] in CODES


def bodies(operation: Operation, values: Sequence[str]) -> Iterator[str]:
    """Each field with each value, among others that are good."""
    for field in (*operation.fields, "unknown"):
        others = {name: GOOD[name] for name in operation.fields.keys() & GOOD.keys() - {field}}
        begun = json.dumps(others)[:-1] + (", " if others else "")
        for value in values:
            yield f'{begun}"{field}": {value}}}'


GOOD: dict[str, Any] = {
    "body": "good",
    "name": "Somebody",
    "reaction": "like",
    "on": True,
    "reason": "spam",
    "comment": 1,
    "action": "hide",
    "author": "g:1",
}
ONE_OF_EACH = ["null", "true", "-1", "1.5", "1e400", "NaN", r'"\u0000"', r'"\ud800"', "[[]]", "{}"]
SHORT = [value for value in VALUES if len(value) < 200]
WORDS = ["", "\0", "-1", "9" * 30, "../..", "%", "\u202e x"]
at_length = pytest.mark.slow


@pytest.mark.parametrize(
    "values", [ONE_OF_EACH, pytest.param(VALUES, marks=at_length)], ids=["some", "all"]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_every_field_of_every_body_takes_every_json_type(
    site: Site, values: list[str]
) -> None:
    asked = [one for one in await operations(site) if one.fields]
    assert {one.verb for one in asked} == {"put", "post", "patch"}
    untyped = []
    for one in asked:
        for body in bodies(one, values):
            answer = await ask(site, one, body=body)
            if not is_typed(answer):
                untyped.append((one.verb, one.path, body[:200], answer.status_code))
    assert untyped == []


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_no_json_is_a_typed_error(site: Site) -> None:
    asked = [one for one in await operations(site) if one.fields]
    for one, text in zip(itertools.cycle(asked), NOT_JSON, strict=False):
        answer = await ask(site, one, body=text)
        assert answer.status_code >= 400, (one.path, text[:200])
        assert is_typed(answer), (one.path, text[:200])


@pytest.mark.parametrize(
    "words", [WORDS, pytest.param([*WORDS, *SHORT], marks=at_length)], ids=["some", "all"]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_every_parameter_and_part_of_a_path_takes_anything(
    site: Site, words: list[str]
) -> None:
    untyped = []
    for one in await operations(site):
        for parameter, word in itertools.product(one.parameters, words):
            given = {"in": parameter["in"], "name": parameter["name"], "word": word}
            answer = await ask(site, one, **given)
            if not is_typed(answer):
                untyped.append((one.verb, one.path, given, answer.status_code))
    assert untyped == []


_keys = itertools.count()


async def ask(site: Site, operation: Operation, body: str = "{}", **given: str) -> httpx.Response:
    """Call the operation; ``given`` is a parameter: where it is, its name, its word."""
    path, query = operation.path, {"wait": "0"}
    headers = {"Idempotency-Key": f"hostile-{next(_keys):06}"}
    match given:
        case {"in": "path", "name": name, "word": word}:
            path = path.replace(f"{{{name}}}", quote(word, safe=""))
        case {"in": "query", "name": name, "word": word}:
            query[name] = word
        case {"in": "header", "name": name, "word": word} if word.isprintable():
            headers[name] = word.encode().decode("latin-1")
    path = path.replace("{room}", ROOM).replace("{comment}", "1")
    content = body.encode("utf-8", "surrogatepass")
    return await site.client.request(
        operation.verb, path, params=query, headers=headers, content=content
    )
