"""Statements built once with SQLAlchemy Core, compiled once a dialect, run by the bare driver.

A point read through SQLAlchemy's own execution costs some ten times what the database needs for
it. Statements here are Core constructs with named `bindparam`s; a `Statement` keeps the SQL text
and the order of its parameters, and `database.Session` hands both to the driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Table, bindparam, insert, literal, update
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


SHAPES_MAX = 512
_Shape = tuple[str, tuple[str, ...], dict[str, Any], dict[str, int]]
_shapes: dict[tuple[str, Any], _Shape] = {}


class Question(Statement):
    """A construct made for one question, whose values are built in.

    Its text is compiled once for all questions of its shape: those that differ in nothing but
    their values. SQLAlchemy says what the shape is, as it does for its own cache. A list of
    values in an ``IN`` that is one expanding parameter has none; see `among`.
    """

    __slots__ = ()

    def text(self, dialect: str) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
        """Return the SQL, the parameters' names in order, and their values."""
        key = self._construct._generate_cache_key()
        if key is None or any(bind.expanding for bind in key.bindparams):
            return super().text(dialect)
        shape = (dialect, key.key)
        found = _shapes.get(shape)
        if found is None:
            if len(_shapes) >= SHAPES_MAX:
                _shapes.clear()
            found = _shapes[shape] = self._shaped(dialect, key.bindparams)
        sql, names, built_in, places = found
        given = {name: key.bindparams[place].effective_value for name, place in places.items()}
        return sql, names, {**built_in, **given}

    def _shaped(self, dialect: str, binds: Sequence[BindParameter[Any]]) -> _Shape:
        """Return the text, what the dialect itself binds, and which parameter is which bind."""
        compiled: Any = self._construct.compile(dialect=DIALECTS[dialect])
        names = tuple(compiled.positiontup)
        place_of = {bind.key: place for place, bind in enumerate(binds)}
        places = {
            name: place_of[bind.key]
            for bind, name in compiled.bind_names.items()
            if bind.key in place_of
        }
        built_in = {name: compiled.params[name] for name in names if name not in places}
        return str(compiled), names, built_in, places


class Written(Statement):
    """A statement whose text is there: that of a `Question`, without what it was made from."""

    __slots__ = ("_text",)

    def __init__(self, text: tuple[str, tuple[str, ...], Mapping[str, Any]]) -> None:
        self._text = text

    def text(self, dialect: str) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:  # noqa: ARG002
        """Return the text; it is of the dialect that it was made for."""
        return self._text


def among(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Return that ``column`` is one of ``values``, a parameter each."""
    return column.in_([literal(value, column.type) for value in values])


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
