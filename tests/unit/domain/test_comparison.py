"""Comparison: what differs between two versions, and why something has no percentage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lockgate.domain import names
from lockgate.domain.comparison import Difference, MetricDiff, compare
from lockgate.domain.versions import ModelVersion

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def version(label: str, **facts: Any) -> ModelVersion:
    """A version with metrics, params and tags."""
    return ModelVersion(
        uid=label,
        project="default",
        model="churn",
        label=label,
        seq=1,
        stage="None",
        stage_since=NOON,
        created_by="ana",
        created_at=NOON,
        updated_at=NOON,
        metrics=names.metrics(facts.get("metrics")),
        params=names.params(facts.get("params")),
        tags=names.tags(facts.get("tags")),
    )


def diff(a: Any, b: Any) -> MetricDiff:
    """The difference of one metric; None leaves it out."""
    left = {} if a is None else {"m": a}
    right = {} if b is None else {"m": b}
    return compare(version("1", metrics=left), version("2", metrics=right)).metric_diffs["m"]


@pytest.mark.parametrize(
    ("a", "b", "delta", "percent"),
    [
        (0.5, 0.75, 0.25, 50.0),
        (-2, -1, 1, 50.0),
        (-2, 2, 4, 200.0),
        (4, 3, -1, -25.0),
        (1, 1, 0, 0.0),
        (2**62, 2**62 + 1, 1, 100 / 2**62),
    ],
)
def test_change(a: float, b: float, delta: float, percent: float) -> None:
    """A change is b − a, and a percentage of |a|."""
    assert MetricDiff(a=a, b=b, delta=delta, percent_change=percent) == diff(a, b)


@pytest.mark.parametrize(
    ("a", "b", "delta", "reason"),
    [
        (0, 5, 5, "a change from zero has no percentage"),
        (0.0, 0.0, 0.0, "a change from zero has no percentage"),
        (None, 5, None, "the first version has no such metric"),
        (5, None, None, "the second version has no such metric"),
        (-1.7e308, 1.7e308, None, "the difference is beyond all numbers"),
        (5e-324, 1.7e308, None, "the difference is beyond all numbers"),
    ],
)
def test_no_percentage(a: float | None, b: float | None, delta: float | None, reason: str) -> None:
    """Where a percentage has no meaning it is null, with the reason."""
    assert MetricDiff(a=a, b=b, delta=delta, percent_change=None, reason=reason) == diff(a, b)


def test_params_and_tags_that_differ() -> None:
    """Params and tags that differ are listed with both values; what is equal is not."""
    found = compare(
        version("1", params={"lr": 1, "same": "x", "gone": None}, tags={"team": "risk"}),
        version("2", params={"lr": True, "same": "x", "new": "y"}, tags={"team": "core"}),
    )
    assert {
        "gone": Difference(a=None, b=None),
        "lr": Difference(a=1, b=True),
        "new": Difference(a=None, b="y"),
    } == found.param_diffs
    assert {"team": Difference(a="risk", b="core")} == found.tag_diffs
    assert (found.a.label, found.b.label, found.model) == ("1", "2", "churn")
