from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.simulation.loop import Process, SeededLoop
from tests.simulation.network import Link, Network, Weather


class Spoken(asyncio.Protocol):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard = b""
        self.told: list[str] = []
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def eof_received(self) -> None:
        self.told.append("eof")

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, error: Exception | None) -> None:
        self.told.append("lost" if error is None else type(error).__name__)


class Scene:
    def __init__(self) -> None:
        self.loop = SeededLoop(Random(2))
        self.network = Network(self.loop, Random(3), lambda *_: None)
        self.network.weather = Weather(delay_s=(0.001, 0.5), window=1_000)
        self.servers: list[Spoken] = []
        self.server = Process(self.loop, "server")
        self.client = Process(self.loop, "client")
        self.network.listen(self.server, self.accept)

    def accept(self) -> Spoken:
        self.servers.append(Spoken())
        return self.servers[-1]

    def connect(self) -> tuple[Spoken, Spoken, Link]:
        dialling = self.client.start(self.loop.create_connection(Spoken, "", 0))
        self.loop.advance(2)
        _, client = dialling.result()
        return client, self.servers[-1], self.network.links[-1]


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    assert made.loop.failures == []
    made.server.bury()
    made.client.bury()
    made.loop.finish()


NUMBERS = b"".join(b"%d " % number for number in range(3_000))


def test_bytes_of_one_connection_arrive_in_order(scene: Scene) -> None:
    client, server, _ = scene.connect()
    for start in range(0, len(NUMBERS), 100):
        client.transport.write(NUMBERS[start : start + 100])
        server.transport.write(NUMBERS[start : start + 100])
    scene.loop.advance(60)
    assert server.heard == client.heard == NUMBERS


def test_two_connections_overtake_each_other(scene: Scene) -> None:
    firsts = set()
    for _ in range(10):
        pairs = [scene.connect(), scene.connect()]
        for client, _, _ in pairs:
            client.transport.write(b"x")
        while not any(server.heard for _, server, _ in pairs):
            scene.loop.advance(0.001)
        firsts.add(bool(pairs[0][1].heard))
        scene.loop.advance(1)
    assert firsts == {True, False}


def test_a_reader_that_reads_nothing_fills_the_writers_buffer(scene: Scene) -> None:
    client, server, link = scene.connect()
    server.transport.set_write_buffer_limits(high=2_000)
    link.freeze()
    server.transport.write(NUMBERS)
    scene.loop.advance(60)
    assert (client.heard, server.told) == (b"", ["pause"])
    assert server.transport.get_write_buffer_size() == len(NUMBERS) - 1_000
    link.thaw()
    scene.loop.advance(60)
    assert (client.heard, server.told) == (NUMBERS, ["pause", "resume"])


def test_a_dark_link_tells_nobody_and_loses_nothing_if_it_comes_back(scene: Scene) -> None:
    client, server, link = scene.connect()
    link.darken()
    client.transport.write(b"hello")
    scene.loop.advance(60)
    assert (server.heard, client.told, server.told) == (b"", [], [])
    link.lighten()
    scene.loop.advance(2)
    assert server.heard == b"hello"


def test_a_cut_is_told_to_both(scene: Scene) -> None:
    client, server, link = scene.connect()
    link.cut()
    scene.loop.advance(2)
    assert client.told == server.told == ["ConnectionResetError"]


def test_closing_hands_over_what_was_written(scene: Scene) -> None:
    client, server, _ = scene.connect()
    server.transport.write(NUMBERS)
    server.transport.close()
    scene.loop.advance(60)
    assert (client.heard, client.told) == (NUMBERS, ["eof", "lost"])
    assert server.told == ["lost"]


def test_a_dead_server_refuses_and_its_clients_hear_of_it_or_not(scene: Scene) -> None:
    fates = set()
    for _ in range(12):
        scene.server = Process(scene.loop, "server")
        scene.network.listen(scene.server, scene.accept)
        client, server, _ = scene.connect()
        scene.server.kill()
        scene.network.process_died(scene.server)
        scene.loop.advance(2)
        fates.add(tuple(client.told))
        assert server.told == []
    assert fates == {("eof", "lost"), ("ConnectionResetError",), ()}
    with pytest.raises(ConnectionRefusedError):
        scene.loop.run(scene.loop.create_connection(Spoken))
