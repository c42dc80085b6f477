"""A candidate compared with a baseline: direction, bounds, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lockgate.domain.requirements.evidence import Needs
from lockgate.domain.requirements.metric_vs import MetricVersusBaseline, baseline_reference
from lockgate.errors import InvalidPolicy

Build = Callable[..., Any]


@pytest.mark.parametrize(
    ("fields", "candidate", "incumbent", "verdict"),
    [
        ({}, 0.9, 0.9, "passed"),
        ({}, 0.89, 0.9, "failed"),
        ({"direction": "lower"}, 0.89, 0.9, "passed"),
        ({"direction": "lower"}, 0.91, 0.9, "failed"),
        ({"min_delta": 0.1}, 0.3, 0.2, "passed"),
        ({"min_delta": 0.1}, 0.29999, 0.2, "failed"),
        ({"min_delta": 0.1, "direction": "lower"}, 0.2, 0.3, "passed"),
        ({"min_delta": -0.01}, 0.89, 0.9, "passed"),
        ({"min_delta": -0.01}, 0.8899, 0.9, "failed"),
        ({"percent": 10}, 1.1, 1.0, "passed"),
        ({"percent": 10}, 1.0999, 1.0, "failed"),
        ({"percent": 10}, -0.9, -1.0, "passed"),
        ({"percent": -5}, 0.855, 0.9, "passed"),
        ({"percent": -5}, 0.8549, 0.9, "failed"),
        ({"percent": 10}, 5, 0, "failed"),
        ({"percent": 10, "direction": "lower"}, 90, 100, "passed"),
        ({"min_delta": 1}, 2**62 + 1, 2**62, "passed"),
        ({"min_delta": 2}, 2**62 + 1, 2**62, "failed"),
    ],
)
def test_bounds(
    version: Build,
    evidence: Build,
    fields: dict[str, Any],
    candidate: float,
    incumbent: float,
    verdict: str,
) -> None:
    """Differences are those of the decimals as written, in the better direction."""
    row = MetricVersusBaseline("auc", **fields).verdict(
        evidence(
            version(metrics={"auc": candidate}),
            baselines={"@production": version(label="3", metrics={"auc": incumbent})},
        )
    )
    assert row.verdict == verdict


def test_sentences(version: Build, evidence: Build) -> None:
    """The sentence says both values, whose they are, and what was wanted."""
    rows = [
        MetricVersusBaseline("auc", min_delta=0.02).verdict(
            evidence(
                version(metrics={"auc": value}),
                baselines={"@production": version(label="3", metrics={"auc": 0.9})},
            )
        )
        for value in (0.91, 0.92)
    ]
    assert [row.sentence for row in rows] == [
        "Metric 'auc' = 0.91 is not at least 0.02 better than 0.9 of @production, version 3 "
        "(higher is better)",
        "Metric 'auc' = 0.92 is at least 0.02 better than 0.9 of @production, version 3 "
        "(higher is better)",
    ]
    assert rows[0].wanted == "at least 0.02 better than @production (higher is better)"


def test_empty_baseline_has_nothing_to_beat(version: Build, evidence: Build) -> None:
    """Without an incumbent it passes and says so, unless there must be one."""
    candidate = version(metrics={"auc": 0.9})
    rows = [
        MetricVersusBaseline("auc", require_baseline=required).verdict(
            evidence(candidate, baselines={"@production": None})
        )
        for required in (False, True)
    ]
    assert [(row.verdict, row.sentence) for row in rows] == [
        (
            "passed",
            "There is no incumbent at @production: metric 'auc' = 0.9 has nothing to beat",
        ),
        ("missing", "There is no @production to compare metric 'auc' with"),
    ]


def test_missing_metrics(version: Build, evidence: Build) -> None:
    """A metric that is missing on either side is missing, and the sentence says where."""
    requirement = MetricVersusBaseline("auc")
    with_auc, without = version(metrics={"auc": 1}), version(label="3")
    rows = [
        requirement.verdict(evidence(without, baselines={"@production": with_auc})),
        requirement.verdict(evidence(with_auc, baselines={"@production": without})),
    ]
    assert [(row.verdict, row.sentence) for row in rows] == [
        ("missing", "Missing required metric 'auc'"),
        ("missing", "Metric 'auc' is missing on the baseline @production, version 3"),
    ]


@pytest.mark.parametrize("baseline", ["@production", "@latest", ":7", "other@champion", "p/n:1"])
def test_baselines(version: Build, baseline: str) -> None:
    """A baseline is a reference, that of the version's own model if it names none."""
    requirement = MetricVersusBaseline("m", baseline)
    assert requirement.needs() == Needs(baselines=frozenset({baseline}))
    expected = f"default/churn{baseline}" if baseline[0] in "@:" else baseline
    assert baseline_reference(baseline, f"{version().project}/{version().model}") == expected


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"baseline": ""}, "baseline"),
        ({"baseline": "@"}, "baseline"),
        ({"baseline": "a:b:c"}, "baseline"),
        ({"baseline": 7}, "baseline"),
        ({"direction": "up"}, "direction"),
        ({"min_delta": float("nan")}, "min_delta"),
        ({"min_delta": 1, "percent": 1}, "percent"),
        ({"require_baseline": 1}, "require_baseline"),
    ],
)
def test_faults(fields: dict[str, Any], fault: str) -> None:
    """What makes no sense is refused by the name of its field."""
    with pytest.raises(InvalidPolicy) as caught:
        MetricVersusBaseline("m", **fields)
    assert [each.partition(":")[0] for each in caught.value.fields["faults"]] == [fault]


def test_implies() -> None:
    """A larger margin over the same baseline implies a smaller one, in the same unit."""
    large, small = MetricVersusBaseline("m", min_delta=2), MetricVersusBaseline("m", min_delta=1)
    assert (large.implies(small), small.implies(large)) == (True, False)
    assert not large.implies(MetricVersusBaseline("m", percent=1))
    assert not large.implies(MetricVersusBaseline("m", "@champion", min_delta=1))
    assert not large.implies(MetricVersusBaseline("m", min_delta=1, require_baseline=True))
