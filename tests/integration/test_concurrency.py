"""Many processes on one database: exclusive stages, numbers, labels, keys, and the constraints."""

from __future__ import annotations

from collections import Counter
from typing import Any

import psycopg
import pytest

import lockgate
from bare import assert_one_at_a_time, assert_whole, run
from lockgate.storage.sqlite import sqlite3
from racer import Racer, race

PROCESSES = 4
VERSIONS_EACH = 2
ROUNDS = 6


def shared(url: str, lifecycle: str) -> tuple[Any, list[list[str]]]:
    """A model with versions for every process; return the registry and each one's labels."""
    registry = lockgate.connect(url, actor="ana")
    registry.create_model("churn", lifecycle=lifecycle)
    parts = [[f"{part}.{i}" for i in range(VERSIONS_EACH)] for part in range(PROCESSES)]
    for label in (label for labels in parts for label in labels):
        registry.register_model("churn", label)
    return registry, parts


def assert_displaced_with_cause(registry: Any, stage: str) -> None:
    """Every event that displaced a version names the event of the one that took its place."""
    events = {}
    cursor = None
    while True:
        page = registry.audit(limit=1000, cursor=cursor)
        events.update({event.seq: event for event in page})
        cursor = page.next_cursor
        if cursor is None:
            break
    displaced = [event for event in events.values() if "displaced_by" in event.detail]
    assert displaced
    for event in displaced:
        cause = events[event.cause]
        assert event.detail["displaced_by"] == cause.version
        assert event.version in cause.detail["displaced"]
        assert (event.detail["from"], cause.detail["to"]) == (stage, stage)
        assert event.at == cause.at


def test_one_in_production_under_standard(database_url: str) -> None:
    """Processes that promote different versions leave one in Production, then and always."""
    registry, parts = shared(database_url, "standard")
    reports = race(
        [
            Racer(database_url, "promote", model="churn", labels=labels, rounds=ROUNDS)
            for labels in parts
        ]
    )
    done = sum(report["done"] for (report,) in reports)
    assert done > PROCESSES
    assert assert_one_at_a_time(database_url, "Production") > 1
    assert_whole(registry, database_url)
    assert_displaced_with_cause(registry, "Production")
    registry.close()


def test_one_in_production_under_single(database_url: str) -> None:
    """Where any version may go straight into production, it still holds one at a time."""
    registry, parts = shared(database_url, "single")
    reports = race(
        [
            Racer(database_url, "serve", model="churn", labels=labels, rounds=ROUNDS)
            for labels in parts
        ]
    )
    assert all(len(report) == ROUNDS * VERSIONS_EACH for report in reports)
    # Each process puts its versions there in turn: every passage but a repeated one is a stay.
    assert assert_one_at_a_time(database_url, "production") == PROCESSES * ROUNDS * VERSIONS_EACH
    assert_whole(registry, database_url)
    assert_displaced_with_cause(registry, "production")
    registry.close()


def test_numbers_have_no_gap(database_url: str) -> None:
    """Versions that many register at once are numbered 1 to N, each number once."""
    each = 15
    reports = race(
        [Racer(database_url, "register", model="churn", count=each) for _ in range(PROCESSES)]
    )
    found = [report for part in reports for report in part]
    expected = list(range(1, PROCESSES * each + 1))
    assert expected == sorted(report["seq"] for report in found)
    assert [str(number) for number in expected] == [
        report["label"] for report in sorted(found, key=lambda report: report["seq"])
    ]
    with lockgate.connect(database_url, actor="ana") as registry:
        assert_whole(registry, database_url)


@pytest.mark.parametrize("lifecycle", ["standard", "linear"])
def test_one_wins_a_label(database_url: str, lifecycle: str) -> None:
    """Of many who register one label one wins; the others get the lifecycle's duplicate rule."""
    labels = [f"1.{i}" for i in range(10)]
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.create_model("churn", lifecycle=lifecycle)
        reports = race(
            [
                Racer(database_url, "claim", model="churn", labels=labels, run=str(number))
                for number in range(PROCESSES)
            ]
        )
        for label in labels:
            runs = Counter(
                each["run"] for part in reports for each in part if each["label"] == label
            )
            winner = registry.get_version("churn", label).run_id
            if lifecycle == "linear":  # everybody is given the version that is there
                assert runs == {winner: PROCESSES}
            else:
                assert runs == {winner: 1, None: PROCESSES - 1}
        assert_whole(registry, database_url)


def test_one_change_for_a_key(database_url: str) -> None:
    """A write that many ask for under one idempotency key happens once, and all get its answer."""
    keys = [f"key-{i}" for i in range(10)]
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.create_model("churn")
        reports = race(
            [Racer(database_url, "once", model="churn", keys=keys) for _ in range(PROCESSES)]
        )
        assert [[{"label": str(n)} for n in range(1, len(keys) + 1)]] * PROCESSES == reports
        assert registry.get_model("churn").version_count == len(keys)
        assert_whole(registry, database_url)


def test_the_constraint_would_catch_the_code(database_url: str) -> None:
    """Without the code's care, the database itself refuses a second version in Production."""
    with lockgate.connect(database_url, actor="ana") as registry:
        for label in ("1", "2"):
            registry.register_model("churn", label)
        for _ in range(2):
            registry.promote("churn", "1")
    second = (
        "UPDATE versions SET stage = 'Production', stage_key = 'production', "
        "exclusive_stage = 'Production' WHERE label = '2'"
    )
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.UniqueViolation)):
        run(database_url, second)
    # The refusal is the constraint's: where the first one stands elsewhere, the same SQL passes.
    run(database_url, "UPDATE versions SET exclusive_stage = NULL WHERE label = '1'", second)


def test_a_version_stands_in_one_place(database_url: str) -> None:
    """The database refuses a second open stay of one version, and a second holder of an alias."""
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.register_model("churn", "1")
        registry.promote("churn", "1")
        registry.set_alias("churn", "champion", "1")
    for reopen in (
        "UPDATE transitions SET left_at = NULL",
        "INSERT INTO aliases (model_id, version_id, alias, protected, set_by, set_at) "
        "SELECT model_id, version_id, alias, protected, set_by, set_at FROM aliases",
    ):
        with pytest.raises((sqlite3.IntegrityError, psycopg.errors.UniqueViolation)):
            run(database_url, reopen)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit_events SET actor = 'eve'",
        "UPDATE audit_events SET body = body WHERE seq = 1",
        "DELETE FROM audit_events",
        "DELETE FROM audit_events WHERE seq = 1",
        "TRUNCATE audit_events",
        "TRUNCATE projects CASCADE",
        "INSERT OR REPLACE INTO audit_events SELECT * FROM audit_events WHERE seq = 1",
    ],
)
def test_the_log_is_append_only(database_url: str, tampering: str) -> None:
    """Triggers refuse to change, remove or replace an event of the log, whoever is connected."""
    sqlite = database_url.startswith("sqlite")
    if ("TRUNCATE" in tampering and sqlite) or ("OR REPLACE" in tampering and not sqlite):
        expected = "syntax error"  # this database has no such statement
    else:
        expected = "the audit log is append-only"
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.register_model("churn", "1")
        before = list(registry.audit())
        with pytest.raises((sqlite3.DatabaseError, psycopg.Error), match=expected):
            run(database_url, tampering)
        assert before == list(registry.audit())
        assert registry.verify_audit().ok
