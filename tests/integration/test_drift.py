"""Drift: histograms are taken in, shown against their reference, watched and acted on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy
import pytest

from lockgate.bootstrap import acting, open_store
from lockgate.domain.drift import histogram_of
from lockgate.errors import InvalidInput
from lockgate.registry import Registry
from lockgate.registry.desk import store_of
from lockgate.sdk.client import Client
from lockgate.services.observations import forget_observations
from lockgate.settings import Settings
from registries import AnyRegistry, a_server, embedded

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
EDGES = [20.0, 30.0, 40.0, 50.0, 60.0]


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        """What it shows."""
        return self.now


def counts(chance: random.Random, mean: float, size: int = 200) -> list[int]:
    """How so many values about a mean are spread."""
    return list(histogram_of([chance.gauss(mean, 10) for _ in range(size)], EDGES).counts)


@pytest.fixture
def clock() -> Hand:
    """The clock of the test."""
    return Hand()


@pytest.fixture
def churn(tmp_path: Path, clock: Hand) -> Iterator[Registry]:
    """A registry with churn 2 in production after 1, and what 2 was trained on."""
    url = f"sqlite:///{tmp_path}/lockgate.db"
    chosen = Settings(database=url)
    with Registry(open_store(url, chosen, clock), acting(chosen, "ana")) as registry:
        for version in ("1", "2"):
            registry.register_model("churn", version)
            registry.promote("churn", version)
        registry.promote("churn", "1")
        clock.now += timedelta(minutes=60)
        registry.promote("churn", "2")
        chance = random.Random(1)
        registry.report_histogram(
            "churn", "2", "age", EDGES, counts(chance, 40, 5_000), reference=True
        )
        yield registry


def live(churn: Registry, clock: Hand, mean: float, minutes: int, version: str = "2") -> None:
    """A histogram a minute."""
    chance = random.Random(int(mean * 1_000) + minutes)
    for _ in range(minutes):
        churn.report_histogram("churn", version, "age", EDGES, counts(chance, mean, 50))
        clock.now += timedelta(minutes=1)


def in_production(churn: Registry) -> str:
    """Which version serves."""
    return churn.resolve("churn@production").label


@pytest.mark.parametrize("measure", ["psi", "ks"])
def test_a_drift_raises_an_alarm_and_rolls_back(churn: Registry, clock: Hand, measure: Any) -> None:
    """Within its windows, with the distances as evidence; what stays as it was does not."""
    made = churn.set_monitor("churn", "age", "age", measure=measure, bound=0.1, action="rollback")
    assert (made.rule.against, made.rule.direction) == ("reference", "lower")
    live(churn, clock, 40, 30)
    assert churn.evaluate_monitors() == ()
    live(churn, clock, 48, 16)
    (alarmed,) = churn.evaluate_monitors()
    assert (alarmed.state, alarmed.version) == ("alarm", "2")
    assert in_production(churn) == "1"
    (event,) = churn.audit(action="monitor_alarm")
    assert event.detail["limit"] == 0.1
    assert all(each[measure] > 0.1 and each["n"] == 250 for each in event.detail["windows"])


def test_against_what_the_version_before_saw(churn: Registry, clock: Hand) -> None:
    """The incumbent's histograms are the reference; without any there is nothing to say."""
    churn.set_monitor("churn", "age", "age", measure="psi", against="incumbent", bound=0.1)
    live(churn, clock, 48, 30)
    assert churn.evaluate_monitors() == ()
    chance = random.Random(2)
    for minute in range(45, 60):
        at = NOON + timedelta(minutes=minute)
        churn.report_histogram("churn", "1", "age", EDGES, counts(chance, 40), at=at)
    assert [each.state for each in churn.evaluate_monitors()] == ["alarm"]


def test_windows_with_few_values_and_no_reference_say_nothing(churn: Registry, clock: Hand) -> None:
    """Neither alarms."""
    churn.set_monitor("churn", "age", "age", measure="psi", min_samples=1_000)
    churn.set_monitor("churn", "income", "income", measure="psi")
    live(churn, clock, 60, 30)
    assert churn.evaluate_monitors() == ()


def test_drift_over_time_is_shown_against_the_reference(churn: Registry, clock: Hand) -> None:
    """In steps of equal length, each with its values together; forgotten minutes leave hours."""
    live(churn, clock, 40, 30)
    live(churn, clock, 60, 30)
    series = churn.list_drift("churn", "2", "age", points=2)
    assert [each.n for each in series.points] == [1_500, 1_500]
    assert series.points[0].psi < 0.1 < 1 < series.points[1].psi
    assert series.points[0].ks < 0.1 < 0.5 < series.points[1].ks
    assert series.edges == tuple(EDGES)
    clock.now += timedelta(days=2)
    forget_observations(store_of(churn), {60: 1})
    assert sum(each.n for each in churn.list_drift("churn", "2", "age", points=1).points) == 3_000
    with pytest.raises(InvalidInput, match="no reference histogram"):
        churn.list_drift("churn", "1", "age")


def test_a_metric_keeps_its_edges(churn: Registry) -> None:
    """Others are refused, with those that are right; a reference is set anew, and on record."""
    with pytest.raises(InvalidInput, match=r"20\.0, 30\.0"):
        churn.report_histogram("churn", "2", "age", [1, 2], [1, 1, 1])
    with pytest.raises(InvalidInput, match="of no moment"):
        churn.report_histogram("churn", "2", "age", EDGES, [1] * 6, at=NOON, reference=True)
    before = len(list(churn.audit(action="set_reference")))
    for _ in range(2):
        churn.report_histogram("churn", "2", "age", EDGES, [7] * 6, reference=True)
    (*_, event) = churn.audit(action="set_reference")
    assert len(list(churn.audit(action="set_reference"))) == before + 1
    assert event.detail == {"metric": "age", "edges": EDGES, "counts": [7] * 6}
    assert churn.verify_audit().ok


def everything(registry: AnyRegistry) -> list[object]:
    """What every verb of drift answers."""
    registry.register_model("churn", "1")
    moment = NOON - timedelta(days=1)
    edges, seen = numpy.array(EDGES), numpy.array([1, 2, 3, 4, 5, 6])
    return [
        registry.report_histogram("churn", "1", "age", edges, seen, reference=True),
        registry.report_histogram("churn", 1, "age", EDGES, [6, 5, 4, 3, 2, 1], at=moment),
        registry.list_drift("churn", "1", "age", since=moment, points=5),
        registry.set_monitor("churn", "age", "age", measure="ks", bound=0.2).rule,
        registry.set_monitor("churn", "auc", "auc").rule,
    ]


def test_over_http_it_is_the_same() -> None:
    """Every verb answers what it answers in this process."""
    with (
        a_server() as server,
        server.serving(embedded()),
        embedded() as here,
        Client(server.url, actor="ana") as client,
    ):
        assert everything(client) == everything(here)


def test_on_postgresql_it_is_the_same(postgres_url: str) -> None:
    """Every verb answers what it answers on SQLite."""
    with embedded(postgres_url) as there, embedded() as here:
        assert everything(there) == everything(here)


def test_a_monitor_says_why_it_judges_nothing(churn: Registry, clock: Hand) -> None:
    """What is missing, and how to get it; once it is there, nothing is said any more."""

    def told(monitor: str) -> str | None:
        found = {each.name: each.unjudged for each in churn.list_monitors("churn")}
        return found[monitor]

    made = churn.set_monitor("churn", "height", "height", measure="psi", bound=0.1)
    assert made.unjudged == told("height")
    assert made.unjudged == (
        "no reference histogram: version 2 has none of 'height'; set one by lockgate monitor "
        "histogram churn:2 height FILE --reference, or report_histogram(…, reference=True)"
    )
    churn.report_histogram("churn", "2", "height", [1.0], [5, 5], reference=True)
    assert told("height") is None
    # Of what stood there before nothing was reported, until it is.
    churn.set_monitor("churn", "before", "age", measure="ks", against="incumbent", bound=0.1)
    churn.set_monitor("churn", "mean", "auc", against="incumbent")
    for name, metric in (("before", "age"), ("mean", "auc")):
        assert (told(name) or "").startswith(
            f"too little before it: version 1 reported fewer than 30 values of '{metric}' in the "
            "900 s before 2 came;"
        )
    churn.set_monitor("churn", "own", "auc", against="metrics")
    assert (told("own") or "").startswith("no metric of its own: version 2 was registered without")
    churn.log_metrics("churn", "2", {"auc": 0.9})
    assert told("own") is None
    churn.set_monitor("churn", "empty", "age", measure="psi", stage="Staging")
    churn.archive("churn", "1")
    assert told("empty") == "no version stands in Staging: promote one"
    assert churn.evaluate_monitors() == ()


def test_a_series_shows_all_of_its_time_together(churn: Registry, clock: Hand) -> None:
    """What was reported in the time that is asked for, in one histogram of the same edges."""
    churn.report_histogram("churn", "2", "age", EDGES, [1, 2, 3, 4, 5, 6])
    clock.now += timedelta(minutes=90)
    churn.report_histogram("churn", "2", "age", EDGES, [0, 0, 1, 0, 0, 0])
    assert churn.list_drift("churn", "2", "age").counts == (1, 2, 4, 4, 5, 6)
    since = clock.now - timedelta(minutes=10)
    assert churn.list_drift("churn", "2", "age", since=since).counts == (0, 0, 1, 0, 0, 0)
    later = clock.now + timedelta(minutes=10)
    assert churn.list_drift("churn", "2", "age", since=later, until=later + timedelta(hours=1)
                            ).counts == ()  # fmt: skip
