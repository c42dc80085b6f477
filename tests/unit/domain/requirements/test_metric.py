"""Metric thresholds: exact sentences, exact comparison."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain.requirements.evidence import Evidence
from lockgate.domain.requirements.metric import COMPARISONS, MetricThreshold
from lockgate.domain.versions import ModelVersion
from lockgate.errors import InvalidPolicy

Build = Callable[..., Any]
numbers = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)
)


def test_sentences(version: Build, evidence: Build) -> None:
    """The three verdicts read as documented."""
    requirement = MetricThreshold("accuracy", ">=", 0.90)
    rows = [
        requirement.verdict(evidence(version(metrics=metrics)))
        for metrics in ({"accuracy": 0.85}, {"accuracy": 0.95}, {})
    ]
    assert [(row.verdict, row.observed, row.wanted, row.sentence) for row in rows] == [
        ("failed", 0.85, ">= 0.9", "Metric 'accuracy' = 0.85 does not satisfy >= 0.9"),
        ("passed", 0.95, ">= 0.9", "Metric 'accuracy' = 0.95 satisfies >= 0.9"),
        ("missing", None, ">= 0.9", "Missing required metric 'accuracy'"),
    ]
    assert [bool(row.remedy) for row in rows] == [True, False, True]


@given(numbers, st.sampled_from(sorted(COMPARISONS)), numbers)
def test_verdict_is_the_comparison(
    version: Callable[..., ModelVersion],
    evidence: Callable[..., Evidence],
    value: float,
    comparison: str,
    threshold: float,
) -> None:
    """A metric passes exactly when the comparison holds, integers of 64 bits kept exactly."""
    functions = {
        ">": operator.gt,
        ">=": operator.ge,
        "<": operator.lt,
        "<=": operator.le,
        "==": operator.eq,
    }
    row = MetricThreshold("m", comparison, threshold).verdict(
        evidence(version(metrics={"m": value}))
    )
    assert (row.verdict == "passed") == functions[comparison](value, threshold)


@given(
    st.sampled_from(sorted(COMPARISONS)),
    st.integers(-3, 3),
    st.sampled_from(sorted(COMPARISONS)),
    st.integers(-3, 3),
)
def test_implies_is_true(mine: str, threshold: int, theirs: str, other: int) -> None:
    """When one threshold implies another, no value satisfies it without the other."""
    strict, lax = MetricThreshold("m", mine, threshold), MetricThreshold("m", theirs, other)
    values = [number / 2 for number in range(-10, 11)]
    holds = all(
        COMPARISONS[theirs](value, other) for value in values if COMPARISONS[mine](value, threshold)
    )
    assert strict.implies(lax) == holds


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("", ">=", 1), "name: name must not be empty"),
        ((7, ">=", 1), "name: name must be text"),
        (("m", "=>", 1), "comparison: must be one of >, >=, <, <=, ==, got '=>'"),
        (("m", [], 1), "comparison: must be one of"),
        (("m", ">", float("nan")), "threshold: must be a finite number, got nan"),
        (("m", ">", float("inf")), "threshold: must be a finite number, got inf"),
        (("m", ">", "0.9"), "threshold: must be a finite number, got '0.9'"),
        (("m", ">", True), "threshold: must be a finite number, got True"),
        (("m", ">", 2**63), "threshold: must be a finite number, got 9223372036854775808"),
    ],
)
def test_faults(arguments: tuple[Any, ...], fault: str) -> None:
    """A threshold that makes no sense is refused when it is built."""
    with pytest.raises(InvalidPolicy) as caught:
        MetricThreshold(*arguments)
    assert caught.value.fields["faults"][0].startswith(fault)


def test_every_fault_at_once() -> None:
    """All faults of one requirement are told together."""
    with pytest.raises(InvalidPolicy) as caught:
        MetricThreshold("", "~", float("nan"), mode="maybe")  # type: ignore[arg-type]
    parts = [fault.partition(":")[0] for fault in caught.value.fields["faults"]]
    assert parts == ["name", "comparison", "threshold", "mode"]


def test_names_are_found_however_typed(version: Build, evidence: Build) -> None:
    """A name in another Unicode spelling is the name that is stored."""
    row = MetricThreshold("pre\u0301cision", ">", 0).verdict(
        evidence(version(metrics={"pr\u00e9cision": 1}))
    )
    assert row.verdict == "passed"
