"""Whatever a frame's fields hold: a typed error at most, and the connection and the server live."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livethread.protocol.commands import COMMANDS
from livethread.protocol.errors import ErrorCode
from tests.system.conftest import Shared
from tests.system.peer import Ended, Peer, closing, frame

VALUES = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1",
    "1.5",
    "1e400",
    "-0",
    "9007199254740993",
    "123456789012345678901234567890",
    "NaN",
    "Infinity",
    "-Infinity",
    '""',
    '"x"',
    r'"\u0000"',
    r'"\ud800"',
    r'"\udc00\ud800"',
    r'"\u202e\u200b\ufeff"',
    r'"a\u0300\u0301\u0302\u0303\u0304\u0305"',
    '"1"',
    '"' + "x" * 10_000 + '"',
    '"' + "\U0001f600" * 3_000 + '"',
    "[]",
    '["x"]',
    "{}",
    '{"name":null}',
    '{"name":{"name":"x"}}',
    '{"":""}',
    "[[[[[[[[[[[[]]]]]]]]]]]]",
]

GOOD: dict[str, Any] = {
    "room": '"fields"',
    "nonce": '"a-good-nonce"',
    "body": '"a good body"',
    "comment": "1",
    "reaction": '"like"',
    "on": "true",
    "reason": '"spam"',
    "action": '"hide"',
    "guest": '{"name":"Somebody"}',
    "version": "1",
}

CASES = [
    (kind, field, value)
    for kind, model in COMMANDS.items()
    for field in (*model.model_fields, "unknown")
    for value in VALUES
    if kind != "hello"
]

NOT_JSON = [
    "",
    " ",
    "\ufeff{}",
    "[",
    "]",
    "{",
    "}",
    "{]",
    "[}",
    '{"type"',
    '{"type":',
    '{"type":"ping"',
    '{"type":"ping",}',
    '{"type":"ping"}}',
    '{"type":"ping"} x',
    '{"type":"ping"}{"type":"ping"}',
    '{"type":"ping",,"t":1}',
    '{,"type":"ping"}',
    "{type:'ping'}",
    "{'type':'ping'}",
    '{"type" "ping"}',
    '{"type"::"ping"}',
    '{"type":"ping","t":01}',
    '{"type":"ping","t":+1}',
    '{"type":"ping","t":.5}',
    '{"type":"ping","t":1.}',
    '{"type":"ping","t":1e}',
    '{"type":"ping","t":0x10}',
    '{"type":"ping","t":1_000}',
    '{"type":"ping","t":NaN}',
    '{"type":"ping","t":Infinity}',
    '{"type":"ping","t":-Infinity}',
    '{"type":"ping","t":nan}',
    '{"type":"ping","t":tru}',
    '{"type":"ping","t":True}',
    '{"type":"ping","t":undefined}',
    r'{"type":"ping","x":"\x41"}',
    r'{"type":"ping","x":"\u12"}',
    r'{"type":"ping","x":"\ud800"}',
    r'{"type":"ping","x":"\ud800\ud800"}',
    r'{"type":"ping","x":"\udc00"}',
    r'{"type":"ping","x":"\ud800\u0041"}',
    '{"type":"ping","x":"\t"}',
    '{"type":"ping","x":"\n"}',
    '{"type":"ping","x":"\0"}',
    '{"type":"ping","x":"',
    '{"type":"ping","x":"\\',
    "/* */{}",
    '{"type":"ping"}//',
    '{"type":"ping"}#',
    "\0",
    '{"type":"ping"}\0',
    "null",
    "true",
    "1",
    '"ping"',
    "[]",
    '[{"type":"ping"}]',
    "[" * 10_000,
    '{"a":' * 3_000,
    "[" * 8_000 + "]" * 8_000,
    '{"type":"ping","x":' + "[" * 8_000 + "]" * 8_000 + "}",
    '{"type":"ping","x":' + '{"a":' * 2_000 + "1" + "}" * 2_001,
]


class Talk:
    """One connection that must live through everything said on it."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._count = 0

    async def answers(self, payload: bytes) -> list[dict[str, Any]]:
        """What comes before the answer to a ping that is sent behind it."""
        self._count += 1
        await self._peer.send(frame(payload))
        await self._peer.say(type="ping", t=10**6 + self._count)
        heard = []
        while (message := await self._peer.message()) != {"type": "pong", "t": 10**6 + self._count}:
            heard.append(message)
        return heard


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def talk(server: Shared, runner: asyncio.Runner) -> Iterator[Talk]:
    peer = runner.run(Peer.speaking(server.port, token=server.all_token))
    with closing(peer):
        yield Talk(peer)


def test_every_field_of_every_command_stands_every_json_type(
    talk: Talk, runner: asyncio.Runner
) -> None:
    async def say_all() -> None:
        for kind, field, value in CASES:
            fields = {
                "type": f'"{kind}"',
                **{name: GOOD[name] for name in COMMANDS[kind].model_fields if name in GOOD},
                field: value,
            }
            text = "{" + ",".join(f'"{name}":{given}' for name, given in fields.items()) + "}"
            for answer in await talk.answers(text.encode()):
                if answer["type"] == "error":
                    _is_typed(answer)

    runner.run(say_all())


@pytest.mark.parametrize("text", NOT_JSON, ids=[f"{i}" for i in range(len(NOT_JSON))])
def test_what_is_no_json_object_is_refused(talk: Talk, runner: asyncio.Runner, text: str) -> None:
    answers = runner.run(talk.answers(text.encode()))
    assert [answer["code"] for answer in answers] == ["bad_json"]
    _is_typed(answers[0])


def test_depth_of_100_000_is_too_large(talk: Talk, runner: asyncio.Runner) -> None:
    for text in ("[" * 60_000, '{"a":' * 10_000, "[" * 30_000 + "]" * 30_000):
        answers = runner.run(talk.answers(text.encode()))
        assert [answer["code"] for answer in answers] == ["too_large"]


async def test_depth_of_100_000_in_one_frame_is_closed_with_1009(server: Shared) -> None:
    peer = await Peer.speaking(server.port)
    with closing(peer):
        await peer.send(frame(b"[" * 100_000))
        assert (await peer.ended()).code == 1009


@pytest.mark.parametrize("depth", [7, 8, 9])
def test_depth_is_bounded_at_eight(talk: Talk, runner: asyncio.Runner, depth: int) -> None:
    text = '{"type":"ping","x":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"
    codes = [answer.get("code") for answer in runner.run(talk.answers(text.encode()))]
    assert codes == ([None] if depth <= 8 else ["bad_json"])


_texts = st.text(max_size=40) | st.sampled_from(["fields", "like", "1", "k3f9q2.5", "\u202e", ""])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=20,
)
_names = sorted({name for model in COMMANDS.values() for name in model.model_fields})
_commands = st.dictionaries(st.sampled_from(_names) | _texts, _json, max_size=8).flatmap(
    lambda fields: st.sampled_from([kind for kind in COMMANDS if kind != "hello"]).map(
        lambda kind: json.dumps({**fields, "type": kind}).encode()
    )
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=_commands | _json.map(lambda value: json.dumps(value).encode()))
def test_any_json_gets_typed_errors_at_most(
    talk: Talk, runner: asyncio.Runner, payload: bytes
) -> None:
    for answer in runner.run(talk.answers(payload)):
        if answer["type"] == "error":
            _is_typed(answer)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200))
def test_any_text_gets_typed_errors_at_most(talk: Talk, runner: asyncio.Runner, text: str) -> None:
    for answer in runner.run(talk.answers(text.encode())):
        _is_typed(answer)


HELLOS = [
    "{}",
    "[]",
    '{"type":"hello"}',
    '{"type":"welcome","version":1}',
    *(
        f'{{"type":"hello","version":1,"{field}":{value}}}'
        for field in ("version", "token", "guest", "client", "type")
        for value in VALUES
        if (field, value) not in {("version", "1"), ("type", '"hello"')}
    ),
    '{"type":"hello","version":1,"token":"a.b.c"}',
    '{"type":"hello","version":1,"token":"eyJhbGciOiJub25lIn0.e30."}',
    '{"type":"hello","version":1,"token":"ltb_"}',
    '{"type":"hello","version":1,"token":"ltb_x_y"}',
    '{"type":"hello","version":1,"token":"ltb_%_%"}',
    '{"type":"hello","version":1,"token":"' + "a." * 2_000 + '"}',
    '{"type":"hello","version":1,"guest":{"name":"admin"}}',
    '{"type":"hello","version":1,"guest":{"name":"x"},"token":"y"}',
]


async def test_any_first_frame_is_welcomed_or_closed_for_good(server: Shared) -> None:
    for text in HELLOS:
        peer = await Peer.open(server.port)
        with closing(peer):
            await peer.send(frame(text.encode()))
            try:
                first = await peer.message()
                if first["type"] == "welcome":
                    await peer.ping()
                    continue
                _is_typed(first)
                await peer.message()
            except Ended as end:
                code = end.code
            assert code in (4500, 4502, 4505), text


@pytest.mark.parametrize("version", [2, 3, 2**31])
async def test_another_version_is_closed_with_4505(server: Shared, version: int) -> None:
    peer = await Peer.open(server.port)
    with closing(peer):
        await peer.say(type="hello", version=version)
        assert (await peer.ended()).code == 4505


async def test_bad_token_is_closed_with_4500(server: Shared) -> None:
    forged = server.all_token[:-1] + ("A" if server.all_token[-1] != "A" else "B")
    for token in ("nonsense", forged, server.all_token.upper(), server.all_token + "x"):
        peer = await Peer.open(server.port)
        with closing(peer):
            await peer.say(type="hello", version=1, token=token)
            assert (await peer.message())["code"] == "unauthorized"
            assert (await peer.ended()).code == 4500


async def test_second_hello_is_closed_with_4501(server: Shared) -> None:
    peer = await Peer.speaking(server.port)
    with closing(peer):
        await peer.say(type="hello", version=1)
        assert (await peer.ended()).code == 4501


def _is_typed(answer: dict[str, Any]) -> None:
    """An error of the protocol that does not repeat what was sent, nor tell of our insides."""
    assert answer["type"] == "error"
    assert answer["code"] in {code.value for code in ErrorCode} - {"internal"}, answer
    assert isinstance(answer["retryable"], bool)
    assert 0 < len(answer["message"]) < 300
    assert not re.search(r"Traceback|pydantic|sqlite|\.py\b", answer["message"])


async def test_joins_and_pages_in_one_breath_are_answered_in_order(server: Shared) -> None:
    """Those that need no reading of the Store don't overtake those that do."""
    known = await Peer.speaking(server.port)
    peer = await Peer.speaking(server.port)
    with closing(known, peer):
        await known.say(type="join", room="turns-open")
        await known.hear("joined")
        asked = []
        for number in range(10):
            for kind, room in (("join", f"turns-{number}"), ("page", "a"), ("join", "turns-open")):
                asked.append(f"{kind}-{room}-{number}")
                await peer.say(type=kind, room=room, ref=asked[-1])
        answered = [(await peer.hear("joined", "page"))["ref"] for _ in asked]
        assert answered == asked
