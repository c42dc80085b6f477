"""Searches in SQL: a filter and an order → one page of rows, by keyset.

A page should cost what it shows, not what the table holds. So the rows are walked in an order
that an index has, and tested one by one, until the page is full:

    nothing to sort by, tags.k = v     the tags of that value, newest version first
    ORDER BY metrics.k (or tags.k)     the metrics of that key by value, then what lacks it
    anything else                      the table, newest first or by the column

That is slow when what is sought is rare. Whether it is, is asked first: each conjunct that an
index answers is counted up to `RARE_MAX`, and if some count stays below, the ids it finds are
taken, tested and sorted.

Unless an order says otherwise the newest come first. The row id is always the last key, so ties
neither skip nor repeat a row. Texts are sorted by their first 200 characters, by code point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, and_, case, false, func, or_, select

from lockgate.domain.filter_fields import FIELDS, Field
from lockgate.domain.filters import EVERYTHING, Comparison, Filter, Order
from lockgate.domain.names import LIMITS
from lockgate.domain.pages import Page
from lockgate.errors import InvalidInput
from lockgate.storage import models, tables, versions
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel, stored_model
from lockgate.storage.search_conditions import (
    MODELS,
    VERSIONS,
    Condition,
    Conditions,
    Ground,
    beginning,
    by_code_point,
    conjuncts,
)
from lockgate.storage.search_cursors import (
    KeyKind,
    KeyValue,
    Position,
    decode_cursor,
    encode_cursor,
    fingerprint,
)
from lockgate.storage.statements import Question, among
from lockgate.storage.versions import Stamp

RARE_MAX = 5_000
_COUNTED_MAX = 8
# Longer than a cursor should carry.
_LONG_TEXTS = frozenset({"description", "owner", "artifact_uri", "run_id"})
_WALKED = frozenset({"metrics", "tags"})
_EQUAL_FACTS = frozenset({"metrics", "params", "tags"})


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is sought: ``where`` holds, in ``project_ids`` (None: in all), ``limit`` at a time.

    Fewer than ``rare_max`` rows are taken and sorted rather than met on a walk.
    """

    where: Filter = EVERYTHING
    order: tuple[Order, ...] = ()
    limit: int = 100
    cursor: str | None = None
    project_ids: tuple[int, ...] | None = None
    rare_max: int = RARE_MAX

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= LIMITS.page_items_max:
            raise InvalidInput(
                detail=f"limit must be from 1 to {LIMITS.page_items_max}, got {self.limit}",
                field="limit",
            )


def search_versions(session: Session, search: Search) -> Page[Stamp]:
    """Return the stamps of a page of live versions of live models.

    Asks several questions; run it in a snapshot if others may write meanwhile. Raises
    `InvalidCursor` for a cursor of another search.
    """
    rows = _Walk(session, VERSIONS, versions.STAMP, versions.FROM, search).page()
    return rows.map(lambda row: (row[0], row[1], row[2], row[3]))


def search_models(session: Session, search: Search) -> Page[StoredModel]:
    """Return a page of live models; like `search_versions`."""
    rows = _Walk(session, MODELS, models.COLUMNS, models.FROM, search).page()
    found = [stored_model(row) for row in rows]
    return Page(tuple(model for model in found if model is not None), rows.next_cursor)


def count_models(session: Session, search: Search) -> int:
    """Return how many live models a search selects; its order and limit do not matter."""
    return _Walk(session, MODELS, models.COLUMNS, models.FROM, search).count()


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


class _Walk:
    """One search on its way: chooses where to walk, and walks until the page is full."""

    def __init__(
        self, session: Session, ground: Ground, columns: Sequence[Any], source: Any, search: Search
    ) -> None:
        self._session = session
        self._ground = ground
        self._columns = columns
        self._source = source
        self._search = search
        self._conditions = Conditions(ground, session.dialect)
        self._terms = conjuncts(search.where)
        self._question = fingerprint(ground.scope, search.project_ids, search.where, search.order)

    def page(self) -> Page[Any]:
        """Return a page of rows of the wanted columns."""
        if self._search.project_ids == ():
            return Page(())
        whole, position = self._sorted(self._source), None
        if self._search.cursor is not None:
            kinds = [key.kind for key in whole.keys]
            position = decode_cursor(
                self._search.cursor, self._question, kinds, self._session.dialect
            )
        found: list[tuple[Any, Position]] = []
        for stretch in self._stretches(whole):
            if position is not None and not _reaches(stretch, position):
                continue
            room = self._search.limit + 1 - len(found)
            if room > 0:
                found += self._walked(stretch, position, room)
            position = None
        shown = found[: self._search.limit]
        more = len(found) > len(shown)
        cursor = encode_cursor(self._question, shown[-1][1]) if more else None
        return Page(tuple(row for row, _ in shown), cursor)

    def count(self) -> int:
        """Return how many rows there are on all pages together."""
        if self._search.project_ids == ():
            return 0
        all_of_it = Stretch(self._source, (), (), self._ground.table.c.id)
        sought = self._narrowed(all_of_it, self._terms)
        question = select(func.count()).select_from(sought.source).where(*sought.conditions)
        return int(self._session.value(Question(question)))

    def _walked(
        self, stretch: Stretch, after: Position | None, count: int
    ) -> list[tuple[Any, Position]]:
        """Return up to ``count`` rows of a stretch, each with its position in the walk."""
        keys = [*stretch.keys, SortKey(stretch.id, "integer", self._id_descends())]
        question = (
            select(*self._columns, *(key.expression for key in keys))
            .select_from(stretch.source)
            .where(*stretch.conditions)
            .order_by(*(key.ordered() for key in keys))
            .limit(count)
        )
        if after is not None:
            question = question.where(_behind(keys, (*after.keys[stretch.absent :], after.id)))
        width = len(self._columns)
        lacking = (None,) * stretch.absent
        return [
            (row[:width], Position((*lacking, *row[width:-1]), row[-1]))
            for row in self._session.all(Question(question))
        ]

    def _id_descends(self) -> bool:
        order = self._search.order
        return order[-1].descending if order else True

    # --- where to walk -------------------------------------------------------------------

    def _stretches(self, whole: Stretch) -> list[Stretch]:
        leading = self._leading()
        rest = [term for term in self._terms if all(term is not led for led in leading)]
        rare = self._rare(rest)
        if rare is not None:
            term, keys = rare
            chosen = whole.id.in_(keys)
            left = [other for other in self._terms if other is not term]
            return [self._narrowed(whole, left, chosen, indexed=False)]
        order = self._search.order
        if order and order[0].field.kind in _WALKED:
            present = self._present(order[0].field, leading, rest)
            return [present] if leading else [present, self._absent()]
        if leading:
            return [self._present(None, leading, rest)]
        return [self._narrowed(whole, self._terms)]

    def _leading(self) -> list[Filter]:
        """Return the conjuncts that the table we walk along answers itself."""
        order = self._search.order
        tests = [term for term in self._terms if isinstance(term, Comparison) and term.op != "null"]
        if order:
            walked = order[0].field if order[0].field.kind in _WALKED else None
            return [test for test in tests if test.field == walked]
        equal = [t for t in tests if t.op == "=" and t.field.kind in _EQUAL_FACTS]
        return list(equal[:1])

    def _rare(self, terms: Sequence[Filter]) -> tuple[Filter, Select[Any]] | None:
        """Return the conjunct with the fewest rows and the SELECT of their ids, if few enough."""
        best, fewest = None, self._search.rare_max
        asked = 0
        for term in terms:
            keys = self._conditions.keys(term, self._search.project_ids)
            if keys is None or asked == _COUNTED_MAX:
                continue
            asked += 1
            some = keys.limit(fewest).subquery()
            count = self._session.value(Question(select(func.count()).select_from(some)))
            if count < fewest:
                best, fewest = (term, keys), count
        return best

    def _present(
        self, walked: Field | None, leading: Sequence[Filter], rest: Sequence[Filter]
    ) -> Stretch:
        """Return the walk along the facts: those of ``walked`` by value, else by version."""
        tests = [test for test in leading if isinstance(test, Comparison)]
        field = walked or tests[0].field
        beside = self._ground.beside[field.kind]
        facts = beside.table.alias("facts")
        conditions = [] if tests else [facts.c.key == field.key]
        for test in tests:
            conditions += self._conditions.beside(test, facts)
        owner = facts.c[beside.owner]
        keys: tuple[SortKey, ...] = ()
        if walked is not None:
            keys = self._fact_keys(facts, self._search.order[0], nullable=False)
        source = self._source.join(facts, owner == self._ground.table.c.id)
        rows = self._sorted(source, skip=len(keys))
        walk = Stretch(rows.source, tuple(conditions), (*keys, *rows.keys), owner)
        return self._narrowed(walk, rest, indexed=False)

    def _absent(self) -> Stretch:
        """Return the walk through what lacks the field that the order begins with."""
        lacking = Comparison(self._search.order[0].field, "null", ())
        rows = self._sorted(self._source, skip=1)
        return replace(self._narrowed(rows, (*self._terms, lacking)), absent=1)

    def _narrowed(
        self, stretch: Stretch, terms: Sequence[Filter], *also: Condition, indexed: bool = True
    ) -> Stretch:
        """Return a stretch of live rows, in the projects, that satisfy ``terms`` as well.

        ``indexed``: the table's own index by project may lead the walk.
        """
        table = self._ground.table
        conditions = [*stretch.conditions, *also, tables.models.c.deleted_at.is_(None)]
        if table is not tables.models:
            conditions.append(table.c.deleted_at.is_(None))
        projects = self._search.project_ids
        if projects is not None:
            by_name = [order.field.kind for order in self._search.order[:1]] == ["name"]
            if indexed and by_name and table is not tables.models:
                # The index of models by project and name leads the walk.
                conditions.append(_among(tables.models.c.project_id, projects))
                indexed = False
            project = table.c.project_id
            if not indexed and self._session.dialect == "sqlite":
                # A sum is no column: it keeps SQLite, which does not count, from walking the
                # project instead. PostgreSQL counts.
                project = project + 0
            conditions.append(_among(project, projects))
        conditions += [self._conditions.of(term) for term in terms]
        return replace(stretch, conditions=tuple(conditions))

    # --- in which order ------------------------------------------------------------------

    def _sorted(self, source: Any, skip: int = 0) -> Stretch:
        """Return the whole table in the order asked for, less ``skip`` keys of the order."""
        keys: list[SortKey] = []
        for order in self._search.order[skip:]:
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
        text = by_code_point(beginning(facts.c.value), self._session.dialect)
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
        text = by_code_point(column, self._session.dialect)
        return SortKey(text, "text", order.descending, rule.optional)


def _among(column: Any, ids: tuple[int, ...]) -> Condition:
    within: Condition = column == ids[0] if len(ids) == 1 else among(column, ids)
    return within


def _reaches(stretch: Stretch, position: Position) -> bool:
    """Tell whether rows of ``stretch`` may come behind ``position``."""
    return (
        stretch.absent > 0
        or not stretch.keys
        or stretch.keys[0].nullable
        or (position.keys[0] is not None)
    )


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
