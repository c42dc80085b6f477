"""A page of a search is walked along an index: SQLite's own plan says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lockgate.domain.filters import parse_filter, parse_order_by
from lockgate.storage import catalog, versions
from lockgate.storage.database import Session
from lockgate.storage.search import Search, search_models, search_versions
from lockgate.storage.search_conditions import VERSIONS, Conditions
from lockgate.storage.sqlite import SqliteDriver
from lockgate.storage.statements import Statement
from lockgate.storage.store import Store
from search_world import World, furnished


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A furnished database in memory."""
    store = Store(SqliteDriver(None))
    yield furnished(store)
    store.close()


class Explaining:
    """A connection that keeps the plans of the statements it ran."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.plans: list[list[str]] = []

    def execute(self, sql: str, binds: Any) -> Any:
        explained = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", binds)
        self.plans.append([row[-1] for row in explained.fetchall()])
        return self._connection.execute(sql, binds)


def plans(world: World, search: Search) -> list[list[str]]:
    """Return the plans of a search's statements; the last one fetches the page's rows."""
    database = world.store.database
    with database.driver.snapshot() as connection:
        explaining = Explaining(connection)
        search_versions(Session(explaining, database.dialect, database.clock), search)
    return explaining.plans


def plan(world: World, search: Search) -> list[str]:
    """Return the plan of the statement that fetches the page's rows."""
    return plans(world, search)[-1]


@pytest.mark.parametrize(
    ("where", "order", "first_step"),
    [
        ("", "", "SEARCH versions USING INDEX ix_versions_project_id (project_id=?)"),
        (
            "",
            "created_at desc",
            "SEARCH versions USING INDEX ix_versions_project_id_created_at (project_id=?)",
        ),
        (
            "stage = 'production'",
            "",
            "SEARCH versions USING INDEX ix_versions_project_id_stage_key "
            "(project_id=? AND stage_key=?)",
        ),
        (
            "tags.a = 'risk' and metrics.a > 0.3",
            "",
            "SEARCH facts USING COVERING INDEX ix_version_tags_key_value (key=? AND <expr>=?)",
        ),
        (
            "params.a = 1 and not tags.b = 'risk'",
            "",
            "SEARCH facts USING COVERING INDEX ix_version_params_key_number (key=? AND number=?)",
        ),
        (
            "metrics.a > 0.3 and tags.a = 'risk'",
            "metrics.a desc",
            "SEARCH facts USING COVERING INDEX ix_version_metrics_key_value (key=? AND value>?)",
        ),
        (
            "metrics.a > 0.3",
            "metrics.a",
            "SEARCH facts USING COVERING INDEX ix_version_metrics_key_value (key=? AND value>?)",
        ),
    ],
)
def test_a_page_is_walked_in_the_order_of_an_index(
    world: World, where: str, order: str, first_step: str
) -> None:
    """The first step seeks in an index, and nothing is sorted, however many rows there are."""
    search = Search(
        where=parse_filter(where),
        order=parse_order_by(order),
        project_ids=(world.project_ids["default"],),
        limit=5,
        rare_max=0,
    )
    steps = plan(world, search)
    assert first_step == steps[0]
    assert [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN")] == []


def test_by_the_last_change_two_walks_run_side_by_side(world: World) -> None:
    """What was changed is read in the order of its changes, the rest in that of its making."""
    search = Search(
        where=parse_filter("tags.a = 'risk' and not tags.b = 'risk'"),
        order=parse_order_by("updated_at desc, name, seq desc"),
        project_ids=(world.project_ids["default"],),
        limit=5,
        rare_max=0,
    )
    changed, unchanged = plans(world, search)[-2:]
    index = "SEARCH versions USING INDEX ix_versions_project_id_"
    assert f"{index}updated_at (project_id=? AND updated_at>?)" == changed[0]
    assert f"{index}created_at (project_id=? AND created_at>?)" == unchanged[0]
    for steps in (changed, unchanged):
        assert steps[-1] == "USE TEMP B-TREE FOR LAST 3 TERMS OF ORDER BY"


def test_what_is_rare_is_sought_by_its_index(world: World) -> None:
    """With few candidates the versions are looked up one by one, never walked."""
    search = Search(
        where=parse_filter("metrics.a > 0.3 and alias = 'champion'"),
        project_ids=(world.project_ids["default"],),
    )
    assert plan(world, search)[0] == "SEARCH versions USING INTEGER PRIMARY KEY (rowid=?)"


def test_who_made_it_is_sought_by_an_index(world: World) -> None:
    """A filter on the maker alone reads no version that is another's."""
    database = world.store.database
    with database.driver.snapshot() as connection:
        explaining = Explaining(connection)
        conditions = Conditions(VERSIONS, database.dialect)
        keys = conditions.keys(parse_filter("created_by = 'nobody'"), None)
        assert keys is not None
        Session(explaining, database.dialect, database.clock).all(Statement(keys))
    assert "INDEX ix_versions_created_by (created_by=?)" in explaining.plans[-1][0]


@pytest.mark.parametrize("stage", [None, "staging"])
def test_the_latest_is_found_by_an_index(world: World, stage: str | None) -> None:
    """By whatever the latest goes, nothing is sorted to find it."""
    database = world.store.database
    of_model, binds = versions.LATEST_OF_MODEL, {"model_id": 1}
    if stage is not None:
        of_model, binds = versions.LATEST_OF_MODEL_IN_STAGE, {**binds, "stage_key": stage}
    with database.driver.snapshot() as connection:
        explaining = Explaining(connection)
        Session(explaining, database.dialect, database.clock).one(of_model, **binds)
    assert any("(model_id=?" in step for step in explaining.plans[-1])
    assert [step for step in explaining.plans[-1] if "TEMP B-TREE" in step] == []


@pytest.mark.parametrize("project", [True, False])
def test_models_are_listed_by_time_along_an_index(world: World, project: bool) -> None:
    """The newest models of a project, or of all, are read in the order of an index."""
    search = Search(
        order=parse_order_by("created_at desc", "models"),
        project_ids=(world.project_ids["default"],) if project else None,
        limit=5,
    )
    database = world.store.database
    with database.driver.snapshot() as connection:
        explaining = Explaining(connection)
        search_models(Session(explaining, database.dialect, database.clock), search)
    assert any("created_at" in step for step in explaining.plans[-1]), explaining.plans
    assert [step for step in explaining.plans[-1] if "TEMP B-TREE" in step] == []


def test_stages_are_counted_in_an_index_alone(world: World) -> None:
    """Counting the versions of a project by stage looks up no version."""
    database = world.store.database
    with database.driver.snapshot() as connection:
        explaining = Explaining(connection)
        session = Session(explaining, database.dialect, database.clock)
        catalog.count_by_stage(session, world.project_ids["default"])
    counted, deleted, _ = explaining.plans
    index = "SEARCH versions USING"
    assert counted == [f"{index} COVERING INDEX ix_versions_project_id_stage_key (project_id=?)"]
    assert deleted == [f"{index} INDEX ix_versions_deleted (project_id=?)"]
