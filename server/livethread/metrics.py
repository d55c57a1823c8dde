"""The server's figures for Prometheus, read from the parts' own counters when they are asked for.

Nothing here runs on the hot path: the parts count in plain integers, a scrape copies them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from livethread.hub import Hub

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class HttpStats:
    """Answers by method and status."""

    answers: dict[tuple[str, int], int] = field(default_factory=dict)

    def count(self, method: str, status: int) -> None:
        key = (method if method in METHODS else "other", status)
        self.answers[key] = self.answers.get(key, 0) + 1


class Distribution(Protocol):
    """How often values up to each bound occurred (one count more than bounds: the rest)."""

    @property
    def bounds(self) -> Sequence[float]: ...
    @property
    def counts(self) -> Sequence[int]: ...
    @property
    def total(self) -> float: ...


class WriterFigures(Protocol):
    @property
    def batches(self) -> int: ...
    @property
    def writes(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def sizes(self) -> Distribution: ...
    @property
    def times_s(self) -> Distribution: ...


class Writer(Protocol):
    @property
    def stats(self) -> WriterFigures: ...
    @property
    def queued(self) -> int: ...


class GatewayFigures(Protocol):
    @property
    def opened(self) -> int: ...
    @property
    def refused(self) -> int: ...
    @property
    def foreign(self) -> int: ...
    @property
    def received(self) -> int: ...
    @property
    def closed(self) -> Mapping[int, int]: ...


class Gateway(Protocol):
    def __len__(self) -> int: ...
    @property
    def stats(self) -> GatewayFigures: ...
    @property
    def streams(self) -> Sized: ...
    @property
    def stalled_count(self) -> int: ...


@dataclass(frozen=True, slots=True, eq=False)
class Figures(Collector):
    """All of one process."""

    hub: Hub
    writer: Writer
    gateway: Gateway
    http: HttpStats

    def collect(self) -> Iterator[Metric]:
        yield from self._connections()
        yield from self._feeds()
        yield from self._commits()
        yield _gauge("tasks", "Tasks of the event loop.", len(asyncio.all_tasks()))
        answers = CounterMetricFamily(
            "livethread_http_answers", "HTTP answers.", labels=("method", "status")
        )
        for (method, status), count in self.http.answers.items():
            answers.add_metric((method, str(status)), count)
        yield answers

    def _connections(self) -> Iterator[Metric]:
        gateway, stats = self.gateway, self.gateway.stats
        open_now = GaugeMetricFamily(
            "livethread_connections", "Open connections.", labels=("transport",)
        )
        open_now.add_metric(("websocket",), len(gateway))
        open_now.add_metric(("http",), len(gateway.streams))
        yield open_now
        yield _gauge("connections_stalled", "Websockets that take no bytes.", gateway.stalled_count)
        yield _counter("connections_opened", "Websockets since the start.", stats.opened)
        yield _counter("connections_refused", "Connections over a bound.", stats.refused)
        yield _counter("connections_foreign", "Connections of foreign origin.", stats.foreign)
        yield _counter("frames_received", "Frames from clients.", stats.received)
        closed = CounterMetricFamily(
            "livethread_connections_closed", "Websockets by close code.", labels=("code",)
        )
        for code, count in stats.closed.items():
            closed.add_metric((str(code),), count)
        yield closed

    def _feeds(self) -> Iterator[Metric]:
        hub, stats = self.hub, self.hub.stats
        rooms = [room for _, room in hub.rooms()]
        readers = sum(len(room.subscribers) for room in rooms)
        yield _gauge("rooms", "Rooms in memory.", len(rooms))
        yield _gauge("readers", "Subscriptions.", readers)
        yield _gauge("readers_lagging", "Subscriptions behind their room.", hub.lagging)
        yield _counter("flushes", "Flushes of a room.", stats.flushes)
        yield _counter("flush_seconds", "Time spent in flushes.", stats.flush_s)
        yield _counter("deliveries", "Frames of changes written.", stats.deliveries)
        yield _counter("delivered_bytes", "Their bytes.", stats.bytes_out)
        yield _counter("catch_ups", "Frames for readers who were behind.", stats.catch_ups)
        yield _counter("feed_reads", "Readings of the database for those.", stats.store_reads)
        yield _counter("feed_read_failures", "Readings that failed.", stats.store_failures)
        yield _counter("resets", "Readers who had to start anew.", stats.resets)

    def _commits(self) -> Iterator[Metric]:
        stats = self.writer.stats
        yield _gauge("writes_queued", "Writes that wait for a commit.", self.writer.queued)
        yield _counter("writes", "Writes decided.", stats.writes)
        yield _counter("commit_failures", "Batches that failed.", stats.failures)
        yield _histogram("commit_writes", "Writes in a commit.", stats.sizes)
        yield _histogram("commit_seconds", "Duration of a commit.", stats.times_s)


def registry_of(figures: Figures) -> CollectorRegistry:
    """A registry of its own with the process's metrics beside these."""
    registry = CollectorRegistry()
    registry.register(figures)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def exposition(registry: CollectorRegistry) -> bytes:
    """The text that Prometheus reads (https://prometheus.io/docs/instrumenting/exposition_formats)."""
    text: bytes = generate_latest(registry)
    return text


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(f"livethread_{name}", help, value)


def _counter(name: str, help: str, value: float) -> Metric:
    return CounterMetricFamily(f"livethread_{name}", help, value)


def _histogram(name: str, help: str, values: Distribution) -> Metric:
    counts = list(_cumulated(values.counts))
    bounds: list[Any] = [*map(str, values.bounds), "+Inf"]
    buckets = list(zip(bounds, counts, strict=True))
    return HistogramMetricFamily(f"livethread_{name}", help, buckets, values.total)


def _cumulated(counts: Iterable[int]) -> Iterator[int]:
    total = 0
    for count in counts:
        total += count
        yield total
