"""Observations: what a version's metrics were in use, kept as minutes, hours and days.

Nothing is kept as it came: each value goes into the minute, the hour and the day that it belongs
to, which know how many there were, their total, their squares about the mean, and the extremes. So
a chart of a year reads no more rows than one of an hour, and each grain is forgotten in its time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockgate.domain import names
from lockgate.domain.moments import parse_moment, to_micros
from lockgate.domain.trials import VALUE_MAX, Tally
from lockgate.errors import InvalidInput, LimitExceeded

GRAINS_S = (60, 3_600, 86_400)
OBSERVATIONS_MAX = 10_000
METRICS_MAX = 100
POINTS_MAX = 2_000
AHEAD_S_MAX = 3_600
MICROS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One value of one metric."""

    metric: str
    value: float
    at_us: int


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """All values of a metric in one stretch of time, which begins at ``at_us``."""

    at_us: int
    tally: Tally
    low: float
    high: float

    def plus(self, other: Bucket) -> Bucket:
        """Return both together, at the moment of this one."""
        return Bucket(
            at_us=self.at_us,
            tally=self.tally.plus(other.tally),
            low=min(self.low, other.low),
            high=max(self.high, other.high),
        )


@dataclass(frozen=True, kw_only=True)
class ObservationsKept:
    """How many values were taken in for a version."""

    project: str
    model: str
    version: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Which metrics of a version in use were reported: as observations, and as outcomes of a split.

    Both by name, and at most `METRICS_MAX` of each.
    """

    project: str
    model: str
    version: str
    observations: tuple[str, ...]
    outcomes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Point:
    """What a metric was from a moment on, for one step of its series."""

    at: datetime
    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class ObservationSeries:
    """A metric of a version over time, oldest first; steps without a value are left out."""

    project: str
    model: str
    version: str
    metric: str
    step_s: int
    points: tuple[Point, ...]


def parse_observations(given: Any, at: Any, now_us: int) -> list[Observed]:
    """Return single values: of a mapping of metrics, or of a list of ``{"at", "metrics"}``.

    Raises `InvalidInput` for a moment that is more than an hour ahead of the registry's clock.
    """
    batch = [{"metrics": given, "at": at}] if isinstance(given, Mapping) else given
    if not isinstance(batch, (list, tuple)) or not batch:
        raise _invalid("Report metrics by name, or a list of {at, metrics}, one at least")
    found: list[Observed] = []
    for entry in batch:
        if not isinstance(entry, Mapping) or not {"at", "metrics"}.issuperset(entry):
            raise _invalid(f"An observation has metrics and, if told, at; got {entry!r:.80}")
        found += _entry(entry.get("metrics"), entry.get("at") or at, now_us)
        if len(found) > OBSERVATIONS_MAX:
            raise LimitExceeded(
                what="The number of values", observed=len(found), limit=OBSERVATIONS_MAX
            )
    return found


def _entry(metrics: Any, at: Any, now_us: int) -> Iterable[Observed]:
    if not isinstance(metrics, Mapping) or not 1 <= len(metrics) <= METRICS_MAX:
        raise _invalid(f"An observation has 1 to {METRICS_MAX} metrics, got {metrics!r:.80}")
    at_us = observed_at(at, now_us)
    for metric, raw in metrics.items():
        value = float(names.metric_value(names.key_name(metric, "metric"), raw))
        if not math.isfinite(value) or abs(value) > VALUE_MAX:
            raise _invalid(f"A value lies between -{VALUE_MAX:g} and {VALUE_MAX:g}")
        yield Observed(metric=names.key_name(metric, "metric"), value=value, at_us=at_us)


def observed_at(at: Any, now_us: int) -> int:
    """Return the moment of an observation, now unless told, in microseconds since 1970."""
    at_us = now_us if at is None else to_micros(parse_moment(at, "at"))
    if not 0 <= at_us <= now_us + AHEAD_S_MAX * MICROS:
        raise InvalidInput(
            detail="An observation is made at most an hour ahead of the registry's clock, and not "
            "before 1970",
            field="at",
        )
    return at_us


def require_points(points: Any) -> None:
    """Raise `InvalidInput` for what is no number of points that a series may have."""
    if isinstance(points, bool) or not isinstance(points, int) or not 1 <= points <= POINTS_MAX:
        raise InvalidInput(
            detail=f"points is a whole number from 1 to {POINTS_MAX}, got {points!r:.60}",
            field="points",
        )


def gathered(values: Iterable[Observed]) -> dict[tuple[str, int], list[Bucket]]:
    """Return the buckets that values go into, by metric and grain, oldest first."""
    found: dict[tuple[str, int], dict[int, Bucket]] = {}
    for each in values:
        for grain_s in GRAINS_S:
            begin_us = each.at_us - each.at_us % (grain_s * MICROS)
            one = Bucket(
                at_us=begin_us,
                tally=Tally(kind="value", n=1, total=each.value),
                low=each.value,
                high=each.value,
            )
            series = found.setdefault((each.metric, grain_s), {})
            series[begin_us] = series[begin_us].plus(one) if begin_us in series else one
    return {key: [series[at] for at in sorted(series)] for key, series in found.items()}


def grain_of(span_us: int, points: int) -> tuple[int, int]:
    """Return the grain to read and the step of the series, seconds, for up to ``points`` points.

    The step is a multiple of the grain, which is the coarsest that fits.
    """
    wanted_s = max(1, -(-span_us // (points * MICROS)))
    grain_s = max((each for each in GRAINS_S if each <= wanted_s), default=GRAINS_S[0])
    return grain_s, -(-wanted_s // grain_s) * grain_s


def _invalid(detail: str) -> InvalidInput:
    return InvalidInput(detail=detail, field="observations")
