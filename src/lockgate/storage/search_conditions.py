"""Filters as SQL: the tree of `domain.filters` → a WHERE of SQLAlchemy Core, everything bound.

Two truth values, as the language promises: each comparison is written so that it is true or
false and never NULL, and NOT may stand before any of it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)

from lockgate.domain.filter_fields import (
    ANY_RUN,
    FIELDS,
    Wildcard,
    case_variants,
    pattern_parts,
)
from lockgate.domain.filters import And, Comparison, Filter, Not, Or, Scope, Value
from lockgate.domain.moments import to_micros
from lockgate.storage import tables
from lockgate.storage.numbers import to_numeric
from lockgate.storage.statements import among

Condition = ColumnElement[bool]
BEGINNING_CHARS = 200
_ORDERED = {"<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}
_INDEXED_OPS = frozenset({"=", "in"})
_INDEXED_RANGES = frozenset({"metrics", "params", "created_at"})


@dataclass(frozen=True, slots=True)
class Beside:
    """A table beside the searched one that holds a field: facts, aliases, names.

    Its ``owner`` column equals the searched table's ``on``. ``key`` tells facts apart. ``live``
    is a column that is NULL while a row counts.
    """

    table: FromClause
    owner: str
    on: str = "id"
    value: str = "value"
    key: str | None = None
    live: str | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What is searched: a table, the columns of its plain fields, and where the others are.

    ``indexed`` are the plain fields that an index finds.
    """

    scope: Scope
    table: Any
    columns: Mapping[str, str]
    beside: Mapping[str, Beside]
    indexed: frozenset[str] = frozenset()


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


VERSIONS = Ground(
    "versions",
    tables.versions,
    {"version": "label", "stage": "stage_key"}
    | _same("seq", "description", "created_by", "created_at", "updated_at")
    | _same("run_id", "artifact_uri", "digest", "approved_by", "approved_at"),
    {
        "metrics": Beside(tables.version_metrics, "version_id", key="key"),
        "params": Beside(tables.version_params, "version_id", key="key"),
        "tags": Beside(tables.version_tags, "version_id", key="key"),
        "alias": Beside(tables.aliases, "version_id", value="alias", live="ended_at"),
        "name": Beside(tables.models, "id", on="model_id", value="name", live="deleted_at"),
        "project": Beside(tables.projects, "id", on="project_id", value="name"),
    },
    indexed=frozenset({"stage", "run_id", "digest", "created_at", "created_by"}),
)
MODELS = Ground(
    "models",
    tables.models,
    _same("name", "owner", "description", "created_by", "created_at", "updated_at"),
    {
        "tags": Beside(tables.model_tags, "model_id", key="key"),
        "alias": Beside(tables.aliases, "model_id", value="alias", live="ended_at"),
        "stage": Beside(tables.versions, "model_id", value="stage_key", live="deleted_at"),
        "lifecycle": Beside(tables.lifecycles, "id", on="lifecycle_id", value="name"),
        "project": Beside(tables.projects, "id", on="project_id", value="name"),
    },
)


def conjuncts(tree: Filter) -> tuple[Filter, ...]:
    """Return the terms that must all hold."""
    return tree.terms if isinstance(tree, And) else (tree,)


class Conditions:
    """Compiles filters over one ground for one dialect."""

    def __init__(self, ground: Ground, dialect: str) -> None:
        self._ground = ground
        self._dialect = dialect

    def of(self, tree: Filter, *, inner: bool = False) -> Condition:
        """Return the condition that is true of the rows that ``tree`` is true of.

        ``inner``: no index may lead to it: it stands below an OR or a NOT, or is asked row by row.
        """
        match tree:
            case And(terms):
                return and_(true(), *(self.of(term, inner=inner) for term in terms))
            case Or(terms):
                return or_(false(), *(self.of(term, inner=True) for term in terms))
            case Not(term):
                return not_(self.of(term, inner=True))
            case Comparison(field=field):
                if field.kind in self._ground.beside:
                    return self._has(tree, inner)
                return self._plain(tree, self._ground.table)

    def keys(self, tree: Filter, projects: tuple[int, ...] | None) -> Select[Any] | None:
        """Return the SELECT of the ids that satisfy ``tree``, if an index finds them.

        It may find ids of rows that are deleted or in other projects as well.
        """
        if not isinstance(tree, Comparison):
            return None
        kind = tree.field.kind
        ranged = tree.op in _ORDERED and kind in _INDEXED_RANGES
        if tree.op not in _INDEXED_OPS and not ranged and _stretch_of(tree) is None:
            return None
        beside = self._ground.beside.get(kind)
        other = self._ground.table.alias()
        if beside is not None:
            table = beside.table.alias()
            found = select(table.c[beside.owner]).where(*self.beside(tree, table))
            if beside.on == "id":
                return found
            return select(other.c.id).where(other.c[beside.on].in_(found))
        if kind not in self._ground.indexed or (kind in {"stage", "created_at"} and not projects):
            return None
        within = among(other.c.project_id, projects) if projects else true()
        return select(other.c.id).where(within, self._plain(tree, other))

    def beside(self, test: Comparison, table: Any) -> list[Condition]:
        """Return what the rows of ``table``, an alias of a `Beside` table, must satisfy."""
        beside = self._ground.beside[test.field.kind]
        conditions: list[Condition] = []
        if beside.key is not None:
            conditions.append(table.c[beside.key] == test.field.key)
        if beside.live is not None:
            conditions.append(table.c[beside.live].is_(None))
        if test.op == "null":
            return conditions
        if test.field.kind == "params":
            return [*conditions, self._param(test, table)]
        shown = table.c.stage if test.field.kind == "stage" else table.c[beside.value]
        return [*conditions, self._compared(test, table.c[beside.value], shown)]

    def _has(self, test: Comparison, inner: bool) -> Condition:
        beside = self._ground.beside[test.field.kind]
        table = beside.table.alias()
        owned = table.c[beside.owner] == self._ground.table.c[beside.on]
        rows = select(true()).select_from(table).where(owned, *self.beside(test, table))
        rows = rows.correlate(self._ground.table)
        if inner:
            # PostgreSQL would read all that an inner EXISTS may ask for into a hash table first.
            # It takes IS NULL for so rare that it would rather sort than walk.
            one = func.coalesce(rows.limit(1).scalar_subquery(), false())
            return not_(one) if test.op == "null" else one
        return not_(rows.exists()) if test.op == "null" else rows.exists()

    def _plain(self, test: Comparison, table: Any) -> Condition:
        column = table.c[self._ground.columns[test.field.kind]]
        if test.op == "null":
            is_null: Condition = column.is_(None)
            return is_null
        shown = table.c.stage if test.field.kind == "stage" else column
        compared = self._compared(test, column, shown)
        rule = FIELDS[self._ground.scope][test.field.kind]
        # NULL = 'x' would be NULL, and NOT of it NULL again.
        return and_(column.is_not(None), compared) if rule.optional else compared

    def _param(self, test: Comparison, table: Any) -> Condition:
        """A number literal looks at params that are numbers, any other at what the param reads."""
        numbers = [v for v in test.values if _is_number(v)]
        texts = [str(v).lower() if isinstance(v, bool) else v for v in test.values]
        texts = [v for v in texts if isinstance(v, str)]
        return or_(
            *(
                self._compared(Comparison(test.field, test.op, tuple(values)), column, column)
                for values, column in ((numbers, table.c.number), (texts, table.c.value))
                if values
            )
        )

    def _compared(self, test: Comparison, column: Any, shown: Any) -> Condition:
        """Return the comparison of a column; patterns look at ``shown``, its visible spelling."""
        if (stretch := _stretch_of(test)) is not None:
            begins = by_code_point(beginning(column), self._dialect)
            return and_(begins >= stretch[0], begins < stretch[1])
        if test.op in {"like", "ilike"}:
            caseless = test.op == "ilike" or test.field.kind == "stage"
            return self._like(shown, str(test.values[0]), caseless)
        values = [self._bound(test, value) for value in test.values]
        if test.op == "in" or test.op == "=":
            return self._equal(test, column, values)
        if test.op == "!=":
            return column != values[0]  # type: ignore[no-any-return]
        if isinstance(values[0], str):
            column = by_code_point(column, self._dialect)
        return getattr(column, _ORDERED[test.op])(values[0])  # type: ignore[no-any-return]

    def _equal(self, test: Comparison, column: Any, values: list[Any]) -> Condition:
        equal: Condition = among(column, values) if len(values) > 1 else column == values[0]
        if test.field.kind not in {"tags", "params"} or not isinstance(values[0], str):
            return equal
        # Long texts do not fit into an index; it holds how they begin.
        begins = [value[:BEGINNING_CHARS] for value in values]
        short = beginning(column)
        alike = among(short, begins) if len(begins) > 1 else short == begins[0]
        # A beginning that is shorter than could be is the whole text.
        whole = all(len(value) < BEGINNING_CHARS for value in values)
        return alike if whole else and_(alike, equal)

    def _bound(self, test: Comparison, value: Value) -> Any:
        """Return a literal as the column holds it."""
        if isinstance(value, datetime):
            return to_micros(value)
        if isinstance(value, str):
            return value.casefold() if test.field.kind == "stage" else value
        if test.field.kind in {"metrics", "params"}:
            return to_numeric(value, self._dialect)
        return value

    def _like(self, column: Any, pattern: str, caseless: bool) -> Condition:
        parts = pattern_parts(pattern)
        if self._dialect == "sqlite":
            # SQLite's LIKE ignores the case of ASCII only; GLOB never does, and knows classes.
            return column.bool_op("GLOB")(_glob(parts, caseless))  # type: ignore[no-any-return]
        if caseless:
            # ILIKE folds case as the database's locale does; classes are the same everywhere.
            return column.bool_op("~")(_regex(parts))  # type: ignore[no-any-return]
        return column.like(_like(parts), escape="\\")  # type: ignore[no-any-return]


def beginning(column: Any) -> ColumnElement[str]:
    """Return the first `BEGINNING_CHARS` characters of a text, exactly as the indexes have it."""
    count: Any = literal_column(str(BEGINNING_CHARS))
    return func.substr(column, literal_column("1"), count, type_=Text)


def by_code_point(column: Any, dialect: str) -> Any:
    """Return a text column that is compared by code point, whatever the database's locale."""
    return column.collate("C") if dialect == "postgresql" else column


def _stretch_of(test: Comparison) -> tuple[str, str] | None:
    """Return where a tag that is ``LIKE 'beginning%'`` lies in the order of its index: from, to."""
    if test.op != "like" or test.field.kind != "tags":
        return None
    *begin, end = pattern_parts(str(test.values[0])) or ("",)
    prefix = "".join(part for part in begin if not isinstance(part, Wildcard))
    if end is not ANY_RUN or len(prefix) != len(begin) or not 0 < len(prefix) < BEGINNING_CHARS:
        return None
    # The character behind the last one; between these two lie the halves of pairs, which are none.
    following = 0xE000 if prefix[-1] == "\ud7ff" else ord(prefix[-1]) + 1
    return None if following > sys.maxunicode else (prefix, prefix[:-1] + chr(following))


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _like(parts: tuple[str | Wildcard, ...]) -> str:
    written: list[str] = []
    for part in parts:
        if isinstance(part, Wildcard):
            written.append(part.sign)
        else:
            written.append(f"\\{part}" if part in "%_\\" else part)
    return "".join(written)


def _glob(parts: tuple[str | Wildcard, ...], caseless: bool) -> str:
    """Return the GLOB pattern that matches what a LIKE pattern's ``parts`` match."""
    written = []
    for part in parts:
        if isinstance(part, Wildcard):
            written.append("*" if part is ANY_RUN else "?")
        elif caseless and len(variants := case_variants(part)) > 1:
            written.append(f"[{variants}]")
        else:
            written.append(f"[{part}]" if part in "*?[" else part)
    return "".join(written)


def _regex(parts: tuple[str | Wildcard, ...]) -> str:
    """Return the POSIX regular expression that matches what ``parts`` match, in any case."""
    written = []
    for part in parts:
        if isinstance(part, Wildcard):
            written.append(".*" if part is ANY_RUN else ".")
        elif len(variants := case_variants(part)) > 1:
            written.append(f"[{variants}]")
        else:
            written.append(part if part.isalnum() or not part.isascii() else f"\\{part}")
    return f"^{''.join(written)}$"
