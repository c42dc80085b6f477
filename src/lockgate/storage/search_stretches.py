"""Where a search walks: filter and order → stretches of rows, each in the order of an index.

    nothing to sort by, tags.k = v     the tags of that value, newest version first
    ORDER BY metrics.k (or tags.k)     the metrics of that key by value, then what lacks it
    ORDER BY updated_at, one project   what was changed, by when; and, merged with it, what was
                                       never changed, by when it was made
    anything else                      the table, newest first or by the column

The changed have an index of their own, so that registering a version writes nothing into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, and_, bindparam, case, false, func, or_, select

from lockgate.domain.filter_fields import FIELDS, Field
from lockgate.domain.filters import Comparison, Filter, Order
from lockgate.storage import tables
from lockgate.storage.search_conditions import (
    VERSIONS,
    Condition,
    Conditions,
    Ground,
    beginning,
    by_code_point,
    conjuncts,
)
from lockgate.storage.search_cursors import KeyKind, KeyValue, Position
from lockgate.storage.statements import Question, among

COUNTED_MAX = 8
# Longer than a cursor should carry.
_LONG_TEXTS = frozenset({"description", "owner", "artifact_uri", "run_id"})
_WALKED = frozenset({"metrics", "tags"})
_EQUAL_FACTS = frozenset({"metrics", "params", "tags"})
_MOST = bindparam("most", type_=Integer)
_BOUND = bindparam("bound", type_=BigInteger)


@dataclass(frozen=True, slots=True)
class SortKey:
    """An expression to sort by; what is NULL comes last in either direction."""

    expression: Any
    kind: KeyKind
    descending: bool = False
    nullable: bool = False

    def ordered(self) -> Any:
        way = self.expression.desc() if self.descending else self.expression.asc()
        return way.nulls_last() if self.nullable else way

    def at(self, value: KeyValue) -> Condition:
        """Return the condition of rows that have ``value`` here."""
        return self.expression.is_(None) if value is None else self.expression == value  # type: ignore[no-any-return]

    def behind(self, value: KeyValue) -> Condition:
        """Return the condition of rows that come later than those with ``value``."""
        if value is None:
            return false()
        later = self.expression < value if self.descending else self.expression > value
        return or_(later, self.expression.is_(None)) if self.nullable else later


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the walk: where rows come from, what they satisfy, and the keys they are in.

    ``absent`` counts the leading keys that every row of it lacks.
    """

    source: Any
    conditions: tuple[Condition, ...]
    keys: tuple[SortKey, ...]
    id: Any
    absent: int = 0


class Walks:
    """Every walk there may be for one filter and order; builds the statements, asks nothing.

    Where a statement has a parameter ``most``, it is how many rows are wanted; ``bound`` is the
    last value of the first sort key that is of interest.
    """

    def __init__(
        self,
        ground: Ground,
        columns: Sequence[Any],
        source: Any,
        dialect: str,
        where: Filter,
        order: Sequence[Order],
        projects: tuple[int, ...] | None,
    ) -> None:
        self._ground = ground
        self._columns = columns
        self._source = source
        self._dialect = dialect
        self._order = order
        self._projects = projects
        self._conditions = Conditions(ground, dialect)
        self._terms = conjuncts(where)

    @cached_property
    def whole(self) -> Stretch:
        """The whole table in the order asked for."""
        return self._sorted(self._source)

    def total(self) -> Question:
        """Return the question how many rows satisfy the filter."""
        all_of_it = Stretch(self._source, (), (), self._ground.table.c.id)
        sought = self._narrowed(all_of_it, self._terms)
        question = select(func.count()).select_from(sought.source).where(*sought.conditions)
        return Question(question)

    def counts(self) -> list[tuple[int, Question]]:
        """Return the conjuncts that an index finds, and the question how many of ``most``."""
        found: list[tuple[int, Question]] = []
        for place, term in enumerate(self._terms):
            if any(term is led for led in self._leading) or len(found) == COUNTED_MAX:
                continue
            keys = self._keys(term)
            if keys is not None:
                some = keys.limit(_MOST).subquery()
                found.append((place, Question(select(func.count()).select_from(some))))
        return found

    def stretches(self, rare: int | None) -> list[Stretch]:
        """Return the stretches in their order; ``rare`` is the conjunct to begin with, if any."""
        if rare is not None:
            term = self._terms[rare]
            keys = self._keys(term)
            assert keys is not None, "it was counted"  # noqa: S101
            left = [other for other in self._terms if other is not term]
            return [self._narrowed(self.whole, left, self.whole.id.in_(keys), indexed=False)]
        rest = [term for term in self._terms if all(term is not led for led in self._leading)]
        if self._order and self._order[0].field.kind in _WALKED:
            present = self._present(self._order[0].field, rest)
            return [present] if self._leading else [present, self._absent()]
        if self._leading:
            return [self._present(None, rest)]
        if self._by_change:
            return [self._changed(), self._unchanged()]
        return [self._narrowed(self.whole, self._terms)]

    def merges(self, rare: int | None) -> bool:
        """Tell whether the stretches run side by side, not one after the other."""
        return rare is None and not self._leading and self._by_change

    def page(self, stretch: Stretch, after: Position | None) -> Question:
        """Return the question for the next ``most`` rows of a stretch: columns, sort keys, id."""
        keys = [*stretch.keys, SortKey(stretch.id, "integer", self.id_descends)]
        question = (
            select(*self._columns, *(key.expression for key in keys))
            .select_from(stretch.source)
            .where(*stretch.conditions)
            .order_by(*(key.ordered() for key in keys))
            .limit(_MOST)
        )
        if after is not None:
            question = question.where(_behind(keys, (*after.keys[stretch.absent :], after.id)))
        return Question(question)

    @property
    def id_descends(self) -> bool:
        """Whether rows that are equal in all keys come newest first."""
        return self._order[-1].descending if self._order else True

    # --- where to walk -------------------------------------------------------------------

    @cached_property
    def _leading(self) -> list[Comparison]:
        """The conjuncts that the table we walk along answers itself."""
        tests = [term for term in self._terms if isinstance(term, Comparison) and term.op != "null"]
        if self._order:
            field = self._order[0].field
            return [test for test in tests if field.kind in _WALKED and test.field == field]
        return [t for t in tests if t.op == "=" and t.field.kind in _EQUAL_FACTS][:1]

    @cached_property
    def _by_change(self) -> bool:
        """Whether the order is that of the last change, in one project."""
        return (
            self._ground is VERSIONS
            and self._projects is not None
            and len(self._projects) == 1
            and bool(self._order)
            and self._order[0].field.kind == "updated_at"
            and not any(key.nullable for key in self.whole.keys)
        )

    def _keys(self, term: Filter) -> Select[Any] | None:
        return self._conditions.keys(term, self._projects)

    def _changed(self) -> Stretch:
        """Return the walk through what was changed since it was made."""
        made, changed = self._ground.table.c.created_at, self._ground.table.c.updated_at
        return self._timed(changed, changed != made)

    def _unchanged(self) -> Stretch:
        """Return the walk through what was last changed when it was made.

        The other walk goes first and says how far this one has to: it passes what was changed too.
        """
        made, changed = self._ground.table.c.created_at, self._ground.table.c.updated_at
        # PostgreSQL takes an equation of columns for rare, and would sort.
        return self._timed(made, changed <= made, changed >= made)

    def _timed(self, time: Any, *which: Condition) -> Stretch:
        """Return the walk along the index of a time, as far as the bound."""
        keys = (replace(self.whole.keys[0], expression=time), *self.whole.keys[1:])
        near = time >= _BOUND if keys[0].descending else time <= _BOUND
        along = replace(self.whole, keys=keys)
        return self._narrowed(along, self._terms, *which, near, probed=True)

    def _present(self, walked: Field | None, rest: Sequence[Filter]) -> Stretch:
        """Return the walk along the facts: those of ``walked`` by value, else by version."""
        tests = self._leading
        field = walked or tests[0].field
        beside = self._ground.beside[field.kind]
        facts = beside.table.alias("facts")
        conditions = [] if tests else [facts.c.key == field.key]
        for test in tests:
            conditions += self._conditions.beside(test, facts)
        owner = facts.c[beside.owner]
        keys: tuple[SortKey, ...] = ()
        if walked is not None:
            keys = self._fact_keys(facts, self._order[0], nullable=False)
        source = self._source.join(facts, owner == self._ground.table.c.id)
        rows = self._sorted(source, skip=len(keys))
        walk = Stretch(rows.source, tuple(conditions), (*keys, *rows.keys), owner)
        return self._narrowed(walk, rest, indexed=False)

    def _absent(self) -> Stretch:
        """Return the walk through what lacks the field that the order begins with."""
        lacking = Comparison(self._order[0].field, "null", ())
        rows = self._sorted(self._source, skip=1)
        return replace(self._narrowed(rows, (*self._terms, lacking)), absent=1)

    def _narrowed(
        self,
        stretch: Stretch,
        terms: Sequence[Filter],
        *also: Condition,
        indexed: bool = True,
        probed: bool = False,
    ) -> Stretch:
        """Return a stretch of live rows, in the projects, that satisfy ``terms`` as well.

        ``indexed``: the table's own index by project may lead the walk. ``probed``: the terms may
        not, they are asked row by row.
        """
        table = self._ground.table
        conditions = [*stretch.conditions, *also, tables.models.c.deleted_at.is_(None)]
        if table is not tables.models:
            conditions.append(table.c.deleted_at.is_(None))
        projects = self._projects
        if projects is not None:
            by_name = [order.field.kind for order in self._order[:1]] == ["name"]
            if indexed and by_name and table is not tables.models:
                # The index of models by project and name leads the walk.
                conditions.append(_among(tables.models.c.project_id, projects))
                indexed = False
            project = table.c.project_id
            if not indexed and self._dialect == "sqlite":
                # A sum is no column: it keeps SQLite, which does not count, from walking the
                # project instead. PostgreSQL counts.
                project = project + 0
            conditions.append(_among(project, projects))
        conditions += [self._conditions.of(term, inner=probed) for term in terms]
        return replace(stretch, conditions=tuple(conditions))

    # --- in which order ------------------------------------------------------------------

    def _sorted(self, source: Any, skip: int = 0) -> Stretch:
        """Return the whole table in the order asked for, less ``skip`` keys of the order."""
        keys: list[SortKey] = []
        for order in self._order[skip:]:
            if order.field.key is None:
                keys.append(self._column_key(order))
                continue
            beside = self._ground.beside[order.field.kind]
            facts = beside.table.alias()
            owned = facts.c[beside.owner] == self._ground.table.c.id
            source = source.outerjoin(facts, and_(owned, facts.c.key == order.field.key))
            keys += self._fact_keys(facts, order, nullable=True)
        return Stretch(source, (), tuple(keys), self._ground.table.c.id)

    def _fact_keys(self, facts: Any, order: Order, *, nullable: bool) -> tuple[SortKey, ...]:
        """Return the keys of a fact. Params may be of both kinds: numbers first, then text."""
        down = order.descending
        if order.field.kind == "metrics":
            return (SortKey(facts.c.value, "number", down, nullable),)
        text = by_code_point(beginning(facts.c.value), self._dialect)
        if order.field.kind == "tags":
            return (SortKey(text, "text", down, nullable),)
        unnumbered = case((facts.c.number.is_(None), text))
        return (
            SortKey(facts.c.number, "number", down, nullable=True),
            SortKey(unnumbered, "text", down, nullable=True),
        )

    def _column_key(self, order: Order) -> SortKey:
        kind = order.field.kind
        rule = FIELDS[self._ground.scope][kind]
        if kind == "name":
            column: Any = tables.models.c.name  # joined for either ground
        elif kind in self._ground.beside:
            beside = self._ground.beside[kind]
            named = beside.table.alias()
            owned = named.c[beside.owner] == self._ground.table.c[beside.on]
            column = select(named.c[beside.value]).where(owned).scalar_subquery()
        else:
            column = self._ground.table.c[self._ground.columns[kind]]
        if rule.type in {"integer", "time"}:
            return SortKey(column, "integer", order.descending, rule.optional)
        if kind in _LONG_TEXTS:
            column = beginning(column)
        text = by_code_point(column, self._dialect)
        return SortKey(text, "text", order.descending, rule.optional)


def _among(column: Any, ids: tuple[int, ...]) -> Condition:
    within: Condition = column == ids[0] if len(ids) == 1 else among(column, ids)
    return within


def _behind(keys: Sequence[SortKey], values: Sequence[KeyValue]) -> Condition:
    """Return the condition of rows that come after the one with ``values``."""
    ways: list[Condition] = []
    same: list[Condition] = []
    for key, value in zip(keys, values, strict=True):
        ways.append(and_(*same, key.behind(value)))
        same.append(key.at(value))
    if keys[0].nullable or values[0] is None or len(keys) == 1:
        return or_(*ways)
    # Says nothing new, but an index on the first key can begin there.
    first, begin = keys[0].expression, values[0]
    return and_(first <= begin if keys[0].descending else first >= begin, or_(*ways))
