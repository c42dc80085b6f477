"""Soak: the last stay in a stage must have been long enough, and unbroken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from lockgate.domain.history import Occupancy
from lockgate.domain.requirements.requirement import Surroundings
from lockgate.domain.requirements.soak import Soak
from lockgate.errors import InvalidPolicy

Build = Callable[..., Any]


def stay(since: datetime, until: datetime | None, place: str = "Staging") -> Occupancy:
    """Return an interval in which the version stood somewhere."""
    return Occupancy(
        project="default",
        model="churn",
        version="7",
        kind="stage",
        place=place,
        since=since,
        until=until,
        by="ana",
    )


@pytest.mark.parametrize(
    ("stood_s", "verdict", "sentence"),
    [
        (86_400, "passed", "Stood in staging for 1d, required 1d"),
        (86_399, "failed", "Stood in staging for only 23h 59m, required 1d"),
    ],
)
def test_present_stay(
    evidence: Build, version: Build, now: datetime, stood_s: int, verdict: str, sentence: str
) -> None:
    """The present stay counts to the second, whatever the spelling of the stage."""
    candidate = version(stage="Staging", stage_since=now - timedelta(seconds=stood_s))
    row = Soak("staging", "24h").verdict(evidence(candidate))  # type: ignore[arg-type]
    assert (row.verdict, row.sentence) == (verdict, sentence)


def test_remedy_says_until_when(evidence: Build, version: Build, now: datetime) -> None:
    """Who stands there still learns until when to stay."""
    row = Soak("Staging", 7200).verdict(evidence(version(stage_since=now - timedelta(hours=1))))
    assert row.remedy == "stay in Staging until 2026-10-01T13:00:00.000000Z"


def test_last_stay_counts_alone(evidence: Build, version: Build, now: datetime) -> None:
    """Stays are not added up: the last one must have been long enough by itself."""
    hour = timedelta(hours=1)
    long_ago = stay(now - 50 * hour, now - 20 * hour)
    short = stay(now - 10 * hour, now - 9 * hour)
    elsewhere = version(stage="None")
    rows = [
        Soak("Staging", 86_400).verdict(evidence(elsewhere, stays=stays))
        for stays in ((long_ago,), (long_ago, short), (short, long_ago), ())
    ]
    assert [row.verdict for row in rows] == ["passed", "failed", "failed", "missing"]
    assert rows[3].sentence == "Never stood in Staging, required for 1d"
    assert rows[1].remedy == "stand in Staging for 1d"


@pytest.mark.parametrize(
    ("text", "seconds", "written"),
    [
        ("24h", 86_400, "1d"),
        ("90m", 5_400, "90m"),
        ("1d 12h", 129_600, "36h"),
        ("2w", 1_209_600, "2w"),
        (3600, 3_600, "1h"),
        (61.0, 61, "61s"),
    ],
)
def test_durations(text: Any, seconds: int, written: str) -> None:
    """A duration is read in any spelling and written in one that reads back exactly."""
    requirement = Soak("Staging", text)
    assert requirement.duration_s == seconds
    document = requirement.to_document()
    assert document == {"kind": "soak", "stage": "Staging", "duration": written}
    assert Soak.from_document(document) == requirement


def test_unknown_stage() -> None:
    """A stage that the lifecycle does not have is refused where the policy is attached."""
    stages = ("None", "Staging")
    assert Soak("staging", 60).faults_in(Surroundings(stages=stages)) == []
    assert Soak("Shadow", 60).faults_in(Surroundings(stages=stages)) == [
        "stage: there is no stage 'Shadow'; there are None, Staging"
    ]


def test_every_fault() -> None:
    """A bad stage and a bad duration are told together."""
    with pytest.raises(InvalidPolicy) as caught:
        Soak.from_document({"kind": "soak", "stage": "", "duration": "soon"})
    parts = [fault.partition(":")[0] for fault in caught.value.fields["faults"]]
    assert parts == ["stage", "duration"]
