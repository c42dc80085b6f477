"""Statements built once with SQLAlchemy Core, compiled once a dialect, run by the bare driver.

A point read through SQLAlchemy's own execution costs some ten times what the database needs for
it. Statements here are Core constructs with named `bindparam`s; a `Statement` keeps the SQL text
and the order of its parameters, and `database.Session` hands both to the driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ClauseElement

DIALECTS: dict[str, Dialect] = {
    "sqlite": SQLiteDialect_pysqlite(paramstyle="qmark"),
    "postgresql": PGDialect_psycopg(paramstyle="format"),  # type: ignore[no-untyped-call]
}


class Statement:
    """A Core construct and its compiled text for each dialect that used it."""

    __slots__ = ("_compiled", "_construct")

    def __init__(self, construct: ClauseElement) -> None:
        self._construct = construct
        self._compiled: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def text(self, dialect: str) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
        """Return the SQL, the parameters' names in order, and the values that are built in."""
        found = self._compiled.get(dialect)
        if found is None:
            compiled = self._construct.compile(
                dialect=DIALECTS[dialect], compile_kwargs={"render_postcompile": True}
            )
            names = tuple(compiled.positiontup or ())  # type: ignore[attr-defined]
            built_in = {k: v for k, v in compiled.params.items() if v is not None}
            found = self._compiled[dialect] = (str(compiled), names, built_in)
        return found


def inserting(table: Table, *without: str) -> Statement:
    """Return an INSERT of every column of ``table`` but ``without`` (a counted key, say)."""
    columns = [column.name for column in table.columns if column.name not in without]
    return Statement(insert(table).values({name: bindparam(name) for name in columns}))


def adding(table: Table) -> Statement:
    """Return an INSERT of every column of ``table`` but its counted ``id``, which it returns."""
    columns = [column.name for column in table.columns if column.name != "id"]
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    return Statement(insert(table).values(values).returning(table.c.id))


@lru_cache(maxsize=512)
def updating(table: Table, columns: tuple[str, ...]) -> Statement:
    """Return an UPDATE of ``columns`` of the row ``:key`` to ``:new_<column>``.

    A database writes every index again that has a column of an UPDATE in it, changed or not: so
    only what changed is named.
    """
    values: dict[str, Any] = {column: bindparam(f"new_{column}") for column in columns}
    return Statement(update(table).where(table.c.id == bindparam("key")).values(values))
