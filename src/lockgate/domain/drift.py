"""Drift: how far the distribution of values has moved from a reference, by histograms.

Two distances. PSI, the population stability index, is Jeffreys' divergence of the two histograms:
the sum of ``(p - q) * ln(p / q)`` over the bins, each count taken half a value larger, so that an
empty bin is no infinity. KS, that of Kolmogorov and Smirnov, is the largest difference of the two
cumulated shares at an edge.

Both are more than 0 by chance alone. With n and m values, s = 1/n + 1/m and k bins, PSI / s is
spread as a chi-squared with k - 1 degrees of freedom where nothing has moved, and as a noncentral
one about b / s where the distance truly is b (Kullback, "Information Theory and Statistics", 1959,
ch. 6); its quantile is Patnaik's (1949) by Wilson and Hilferty (1931). KS exceeds its true value by
more than ``sqrt(ln(2 / a) * s / 2)`` with a probability of at most ``a`` (Dvoretzky, Kiefer,
Wolfowitz; for two samples Wei and Dudley, 2012); coarser bins make that smaller.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any, Literal

from lockgate.domain import names
from lockgate.errors import InvalidInput

Distance = Literal["psi", "ks"]
DISTANCES = ("psi", "ks")
EDGES_MAX = 200
COUNT_MAX = 2**53
SMOOTHING = 0.5
KS_MEAN = math.sqrt(math.pi / 2) * math.log(2)
"""The mean of Kolmogorov's distribution."""


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many values lay below the first edge, from each edge to the next, and from the last on.

    An edge belongs to the bin above it; there is one count more than there are edges.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def n(self) -> int:
        """How many values there were."""
        return sum(self.counts)

    def plus(self, other: Histogram) -> Histogram:
        """Return both together, which have the same edges."""
        counts = tuple(a + b for a, b in zip(self.counts, other.counts, strict=True))
        return Histogram(edges=self.edges, counts=counts)


@dataclass(frozen=True, kw_only=True)
class HistogramKept:
    """A histogram as it was taken in; ``reference`` says whether others are held against it."""

    project: str
    model: str
    version: str
    metric: str
    n: int
    reference: bool


@dataclass(frozen=True, kw_only=True)
class DriftPoint:
    """How far the values of one step lay from the reference."""

    at: datetime
    n: int
    psi: float
    ks: float


@dataclass(frozen=True, kw_only=True)
class DriftSeries:
    """The histograms of a version over time against its reference, oldest first.

    ``counts`` are those of all that was reported in that time, empty where nothing was.
    """

    project: str
    model: str
    version: str
    metric: str
    step_s: int
    edges: tuple[float, ...]
    reference: tuple[int, ...]
    counts: tuple[int, ...]
    points: tuple[DriftPoint, ...]


def parse_histogram(edges: Any, counts: Any) -> Histogram:
    """Return a histogram of what a caller gave. Raises `InvalidInput`."""
    edges, counts = listed(edges), listed(counts)
    if not isinstance(edges, (list, tuple)) or not 1 <= len(edges) <= EDGES_MAX:
        raise _invalid("edges", f"edges are a list of 1 to {EDGES_MAX} ascending numbers")
    cuts = tuple(float(names.metric_value("edges", each)) for each in edges)
    if not all(map(math.isfinite, cuts)) or any(low >= high for low, high in pairwise(cuts)):
        raise _invalid("edges", "edges are finite and each is more than the one before")
    if not isinstance(counts, (list, tuple)) or len(counts) != len(cuts) + 1:
        raise _invalid(
            "counts",
            f"counts are {len(cuts) + 1} numbers: below the first edge, from each edge to the "
            "next, and from the last on",
        )
    for each in counts:
        if isinstance(each, bool) or not isinstance(each, int) or not 0 <= each <= COUNT_MAX:
            raise _invalid("counts", f"a count is a whole number from 0, got {each!r:.60}")
    if not any(counts):
        raise _invalid("counts", "a histogram has one value at least")
    return Histogram(edges=cuts, counts=tuple(counts))


def listed(given: Any) -> Any:
    """Return what NumPy keeps as an array as a list, and all else as it is."""
    return given.tolist() if hasattr(given, "tolist") else given


def histogram_of(values: Sequence[float], edges: Sequence[float]) -> Histogram:
    """Return the histogram of ``values``, which may be empty."""
    counts = [0] * (len(edges) + 1)
    for each in values:
        counts[bisect_right(edges, each)] += 1
    return Histogram(edges=tuple(edges), counts=tuple(counts))


def distance(kind: Distance, seen: Histogram, reference: Histogram) -> float:
    """Return how far two histograms of the same edges, neither empty, lie apart."""
    return _psi(seen, reference) if kind == "psi" else _ks(seen, reference)


def expected(kind: Distance, seen: Histogram, reference: Histogram, true: float) -> float:
    """Return what `distance` is on average where the true distance is ``true``, or a bit more."""
    scale = 1 / seen.n + 1 / reference.n
    if kind == "psi":
        return true + (len(seen.counts) - 1) * scale
    return true + KS_MEAN * math.sqrt(scale)


def exceeded(
    kind: Distance, seen: Histogram, reference: Histogram, true: float, deviations: float
) -> float:
    """Return what `distance` exceeds about as seldom as a normal value so many ``deviations``."""
    scale = 1 / seen.n + 1 / reference.n
    if kind == "psi":
        return scale * _noncentral(len(seen.counts) - 1, true / scale, deviations)
    rate = math.erfc(deviations / math.sqrt(2)) / 2
    return true + math.sqrt(math.log(2 / rate) * scale / 2)


def _psi(seen: Histogram, reference: Histogram) -> float:
    bins = len(seen.counts)
    n, m = seen.n + bins * SMOOTHING, reference.n + bins * SMOOTHING
    shares = (
        ((a + SMOOTHING) / n, (b + SMOOTHING) / m)
        for a, b in zip(seen.counts, reference.counts, strict=True)
    )
    return math.fsum((p - q) * math.log(p / q) for p, q in shares)


def _ks(seen: Histogram, reference: Histogram) -> float:
    n, m = seen.n, reference.n
    return max(
        abs(a / n - b / m)
        for a, b in zip(accumulate(seen.counts), accumulate(reference.counts), strict=True)
    )


def _noncentral(freedom: int, center: float, deviations: float) -> float:
    """Return the quantile of a noncentral chi-squared at so many normal ``deviations``."""
    ratio = (freedom + 2 * center) / (freedom + center)
    central = (freedom + center) / ratio
    ninth = 2 / (9 * central)
    return float(ratio * central * (1 - ninth + deviations * math.sqrt(ninth)) ** 3)


def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail=detail, field=field)
