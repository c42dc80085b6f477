"""SQL past Lockgate, and what must hold of any database whatever happened to its writers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import psycopg

from lockgate.storage.sqlite import sqlite3


def run(url: str, *statements: str) -> list[Any]:
    """Run SQL past Lockgate; return the rows of the last statement."""
    rows: list[Any] = []
    bare: Any
    if url.startswith("sqlite"):
        bare = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    else:
        bare = psycopg.connect(url, autocommit=True)
    try:
        for statement in statements:
            cursor = bare.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
    finally:
        bare.close()
    return rows


def assert_one_at_a_time(url: str, stage: str) -> int:
    """From its first occupant on, a stage held exactly one version; return how many stays."""
    stays = run(
        url,
        "SELECT version_id, at, left_at FROM transitions "
        f"WHERE to_stage = '{stage}' ORDER BY at, id",
    )
    for (_, _, left), (_, entered, _) in pairwise(stays):
        assert left == entered, "between two stays the stage was empty, or held two"
    assert [left for _, _, left in stays].count(None) == 1
    assert stays[-1][2] is None
    assert run(
        url,
        f"SELECT count(*) FROM versions WHERE stage = '{stage}' AND deleted_at IS NULL",
    ) == [(1,)]
    return len(stays)


def assert_whole(registry: Any, url: str) -> None:
    """The log verifies against itself and the tables, and has one event for each change."""
    verdict = registry.verify_audit()
    assert verdict.ok, verdict
    passages = run(url, "SELECT count(*) FROM transitions WHERE from_stage IS NOT NULL")
    events = run(url, "SELECT count(*) FROM audit_events WHERE action = 'transition'")
    assert passages == events
    registered = run(url, "SELECT count(*) FROM versions")
    events = run(url, "SELECT count(*) FROM audit_events WHERE action = 'register_version'")
    assert registered == events
    assert run(url, "SELECT count(*), max(seq) FROM audit_events") == [(verdict.size, verdict.size)]
    for model_id, count, top in run(
        url, "SELECT model_id, count(*), max(seq) FROM versions GROUP BY model_id"
    ):
        assert count == top, f"the numbers of model {model_id} have a gap"
    broken = run(
        url,
        "SELECT t.id FROM transitions t JOIN transitions u ON u.version_id = t.version_id "
        "AND u.id > t.id AND u.at < t.left_at",
    )
    assert broken == [], "a version stood in two places"
