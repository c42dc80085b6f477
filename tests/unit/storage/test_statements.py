"""Statements: compiled once a dialect, with the parameters in the order of the text."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, select

from lockgate.storage import tables
from lockgate.storage.schema import schema_statements
from lockgate.storage.statements import Statement, inserting

BY_NAME = Statement(
    select(tables.projects.c.id)
    .where(tables.projects.c.name == bindparam("name"), tables.projects.c.revision > 3)
    .limit(bindparam("count"))
)


@pytest.mark.parametrize(("dialect", "mark"), [("sqlite", "?"), ("postgresql", "%s")])
def test_text_and_parameters(dialect: str, mark: str) -> None:
    """The text has a mark for each parameter, in order; values written in are kept."""
    sql, names, built_in = BY_NAME.text(dialect)
    assert sql.count(mark) == len(names)
    assert names[0] == "name"
    assert set(names) >= {"name", "count"}
    assert 3 in built_in.values()


def test_compiled_once() -> None:
    """Asking again gives the very same text."""
    assert BY_NAME.text("sqlite")[0] is BY_NAME.text("sqlite")[0]


def test_inserting_leaves_out() -> None:
    """An INSERT names every column but those that the database counts itself."""
    _, names, _ = inserting(tables.audit_heads, "size").text("sqlite")
    assert set(names) == {"project_id", "frontier", "last_hash"}


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_log_is_guarded(dialect: str) -> None:
    """The schema ends with the triggers that keep the log append-only."""
    statements = schema_statements(dialect)
    assert len(tables.APPEND_ONLY[dialect]) >= 3
    assert statements[-len(tables.APPEND_ONLY[dialect]) :] == tables.APPEND_ONLY[dialect]
