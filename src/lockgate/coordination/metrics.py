"""A cache in numbers, for Prometheus: what the backend holds now, what the folder's users did.

    REGISTRY.register(CacheCollector(backend, "/models"))

Asked for at every scrape. While the backend is away ``lockgate_cache_up`` is 0, and what only it
knows is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lockgate.coordination.tallies import Tallies
from lockgate.errors import Contended, CoordinatorUnavailable

if TYPE_CHECKING:
    from lockgate.coordination.backend import RegistryBackend

__all__ = ["CacheCollector"]

_COUNTERS = {
    "hits": ("hits", "Models that were on the disk when they were asked for"),
    "misses": ("misses", "Models that were not"),
    "claims_won": ("claims_won", "Downloads that a caller was given to do"),
    "claims_lost": ("claims_lost", "Claims that another caller was given"),
    "claims_taken_away": ("claims_taken_away", "Claims that ended with another owner"),
    "takeovers": ("takeovers", "Downloads taken over from a silent, failed or lost one"),
    "failures": ("failures", "Downloads that failed"),
    "bytes_fetched": ("fetched_bytes", "Bytes from the origins"),
    "bytes_salvaged": ("salvaged_bytes", "Bytes that an earlier owner had fetched"),
    "bytes_saved": ("saved_bytes", "Bytes that were there, or that another fetched"),
    "evictions": ("evictions", "Models that were evicted"),
    "bytes_evicted": ("evicted_bytes", "Bytes that were evicted"),
}


class CacheCollector(Collector):
    """The metrics of a backend and, where one is named, of a cache folder."""

    def __init__(self, backend: RegistryBackend, root: Path | str | None = None) -> None:
        self._backend = backend
        self._tallies = None if root is None else Tallies(Path(root))

    def describe(self) -> Iterator[Metric]:
        """Nothing: to register this object asks nobody anything."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield what is so now."""
        yield from self._records()
        if self._tallies is not None:
            yield from _done(self._tallies.total())

    def _records(self) -> Iterator[Metric]:
        try:
            counts = self._backend.get_status_counts()
        except (CoordinatorUnavailable, Contended):
            counts = None
        yield GaugeMetricFamily(
            "lockgate_cache_up", "Whether the backend answers", value=int(counts is not None)
        )
        if counts is not None:
            records = GaugeMetricFamily(
                "lockgate_cache_models", "Models by the status of their record", labels=["status"]
            )
            for status, number in counts.items():
                records.add_metric([status.value.lower()], number)
            yield records


def _done(totals: dict[str, int]) -> Iterator[Metric]:
    for name, (suffix, text) in _COUNTERS.items():
        yield CounterMetricFamily(f"lockgate_cache_{suffix}", text, value=totals.get(name, 0))
    waits = SummaryMetricFamily(
        "lockgate_cache_wait_seconds", "From asking for a missing model until it was there"
    )
    waits.add_metric([], totals.get("waits", 0), totals.get("wait_ms", 0) / 1000)
    yield waits
