"""Checks: the last result counts, while it is fresh and of these files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from lockgate.domain.approvals import files_digest
from lockgate.domain.checks import CheckResult
from lockgate.domain.requirements.check import CheckPassed
from lockgate.errors import InvalidPolicy

Build = Callable[..., Any]


def result(now: datetime, **fields: Any) -> CheckResult:
    """Return a result of the check ``it``, passed an hour ago."""
    given = {"name": "it", "status": "passed", "reported_by": "ci", "at": now - timedelta(hours=1)}
    return CheckResult(**{**given, **fields})


@pytest.mark.parametrize(
    ("statuses", "verdict", "sentence"),
    [
        ([], "missing", "Missing required check 'it'"),
        (["running"], "missing", "Check 'it' is still running"),
        (["failed"], "failed", "Check 'it' failed"),
        (["passed"], "passed", "Check 'it' passed"),
        (["failed", "passed"], "passed", "Check 'it' passed"),
        (["passed", "failed"], "failed", "Check 'it' failed"),
    ],
)
def test_last_result_counts(
    evidence: Build, now: datetime, statuses: list[str], verdict: str, sentence: str
) -> None:
    """A check reported again replaces what it said before."""
    checks = tuple(result(now, status=status) for status in statuses)
    row = CheckPassed("it").verdict(evidence(checks=(*checks, result(now, name="other"))))
    assert (row.verdict, row.sentence) == (verdict, sentence)


def test_expired(evidence: Build, now: datetime) -> None:
    """A result counts until it expires and not from then on."""
    for expires_at, verdict in ((now + timedelta(seconds=1), "passed"), (now, "missing")):
        row = CheckPassed("it").verdict(evidence(checks=(result(now, expires_at=expires_at),)))
        assert row.verdict == verdict
    assert row.sentence == (
        "Check 'it' passed but no longer counts: it expired at 2026-10-01T12:00:00.000000Z"
    )


def test_too_old(evidence: Build, now: datetime) -> None:
    """A result older than the policy allows no longer counts."""
    rows = [
        CheckPassed("it", age).verdict(evidence(checks=(result(now),)))  # type: ignore[arg-type]
        for age in ("1h", "59m")
    ]
    assert [row.verdict for row in rows] == ["passed", "missing"]
    assert rows[1].sentence == "Check 'it' passed but no longer counts: it is 1h old, at most 59m"


def test_bound_to_files(evidence: Build, version: Build, now: datetime) -> None:
    """A result of other files no longer counts; changed metrics do not matter to it."""
    bound = result(now, files_digest=files_digest(version()))
    with_metrics = CheckPassed("it").verdict(evidence(version(metrics={"auc": 1}), checks=(bound,)))
    other = CheckPassed("it").verdict(evidence(version(digest="cd" * 32), checks=(bound,)))
    assert (with_metrics.verdict, other.verdict) == ("passed", "missing")
    assert other.sentence == "Check 'it' passed but no longer counts: files changed since"


def test_page_is_told(evidence: Build, now: datetime) -> None:
    """The page of the run stands in the sentence."""
    checks = (result(now, status="failed", url="https://ci.example/1"),)
    row = CheckPassed("it").verdict(evidence(checks=checks))
    assert row.sentence == "Check 'it' failed (https://ci.example/1)"


@pytest.mark.parametrize("age", ["", "5", "-1h", "1y", 0, True, 1.5, [], "1h" * 40])
def test_bad_ages(age: Any) -> None:
    """An age that is none is refused by the name it has in documents."""
    with pytest.raises(InvalidPolicy) as caught:
        CheckPassed("it", age)
    assert caught.value.fields["faults"][0].startswith("max_age: must be a time such as 90m")


def test_implies() -> None:
    """A fresher check implies an older one, and one of any age."""
    day, week, any_age = CheckPassed("it", 86_400), CheckPassed("it", 604_800), CheckPassed("it")
    assert (day.implies(week), week.implies(day)) == (True, False)
    assert (day.implies(any_age), any_age.implies(day)) == (True, False)
