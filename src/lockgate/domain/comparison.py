"""Comparison: what differs between two versions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.domain.frozen import FrozenDict
from lockgate.domain.versions import ModelVersion


@dataclass(frozen=True, kw_only=True)
class MetricDiff:
    """One metric of versions a and b.

    ``delta`` is b − a; ``percent_change`` is (b − a) / |a| · 100. Either is None when it has no
    meaning, and ``reason`` says why.
    """

    a: int | float | None
    b: int | float | None
    delta: int | float | None
    percent_change: float | None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A value that is not the same on both sides; None where it is missing."""

    a: Any
    b: Any


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Version b against version a: every metric, and the params and tags that differ."""

    project: str
    model: str
    a: ModelVersion
    b: ModelVersion
    metric_diffs: FrozenDict[str, MetricDiff]
    param_diffs: FrozenDict[str, Difference]
    tag_diffs: FrozenDict[str, Difference]


def compare(a: ModelVersion, b: ModelVersion) -> Comparison:
    """Return what differs from ``a`` to ``b``."""
    names = sorted(a.metrics.keys() | b.metrics.keys())
    return Comparison(
        project=b.project,
        model=b.model,
        a=a,
        b=b,
        metric_diffs=FrozenDict(
            {name: _metric_diff(a.metrics.get(name), b.metrics.get(name)) for name in names}
        ),
        param_diffs=_differences(a.params, b.params),
        tag_diffs=_differences(a.tags, b.tags),
    )


def _metric_diff(a: int | float | None, b: int | float | None) -> MetricDiff:
    if a is None or b is None:
        side = "the first version" if a is None else "the second version"
        return MetricDiff(
            a=a, b=b, delta=None, percent_change=None, reason=f"{side} has no such metric"
        )
    delta = b - a
    if not math.isfinite(delta) or not math.isfinite(delta / (abs(a) or 1) * 100):
        return MetricDiff(
            a=a, b=b, delta=None, percent_change=None, reason="the difference is beyond all numbers"
        )
    if a == 0:
        return MetricDiff(
            a=a,
            b=b,
            delta=delta,
            percent_change=None,
            reason="a change from zero has no percentage",
        )
    return MetricDiff(a=a, b=b, delta=delta, percent_change=delta / abs(a) * 100)


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> FrozenDict[str, Difference]:
    return FrozenDict(
        {
            key: Difference(a=a.get(key), b=b.get(key))
            for key in sorted(a.keys() | b.keys())
            if key not in a or key not in b or a[key] != b[key] or type(a[key]) is not type(b[key])
        }
    )
