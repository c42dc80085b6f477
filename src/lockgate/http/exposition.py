"""A server's metrics in Prometheus's words, made whenever somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lockgate.coordination.metrics import CacheCollector
from lockgate.http.cache import Desk
from lockgate.http.metrics import BOUNDS_S, Requests


class Exposition:
    """All that a server shows; ``cache_root`` is the cache folder it sees, if any."""

    def __init__(self, requests: Requests, desk: Desk, cache_root: str) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(Answered(requests))
        if desk.is_open:
            self._registry.register(Coordinated(desk))
            self._registry.register(CacheCollector(desk.backend, cache_root or None))

    def text(self) -> tuple[bytes, str]:
        """Return all of it as it is now, and the media type of that."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class Answered(Collector):
    """Requests by method, route and status, and how long they took."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def collect(self) -> Iterator[Metric]:
        """Yield the histogram."""
        family = HistogramMetricFamily(
            "lockgate_http_request_seconds",
            "Requests by route, until the answer was sent",
            labels=["method", "route", "status"],
        )
        bounds = [*map(str, BOUNDS_S), "+Inf"]
        for labels, numbers, seconds in self._requests.told():
            totals = map(float, accumulate(numbers))
            family.add_metric(labels, list(zip(bounds, totals, strict=True)), seconds)
        yield family


class Coordinated(Collector):
    """What clients asked of this server's coordination, by outcome."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterator[Metric]:
        """Yield the counter."""
        family = CounterMetricFamily(
            "lockgate_coordination_calls",
            "Calls on the cache's records over HTTP; claims are won or lost",
            labels=["verb", "outcome"],
        )
        for (verb, outcome), number in self._desk.counts().items():
            family.add_metric([verb, outcome], number)
        yield family
