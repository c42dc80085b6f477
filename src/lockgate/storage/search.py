"""Searches in SQL: a filter and an order → one page of rows, by keyset.

A page should cost what it shows, not what the table holds. So the rows are walked in an order
that an index has (`search_stretches` says which), and tested one by one, until the page is full.

That is slow when what is sought is rare. Whether it is, is asked first: each conjunct that an
index answers is counted up to `RARE_MAX`, and if some count stays below, the ids it finds are
taken, tested and sorted.

Unless an order says otherwise the newest come first. The row id is always the last key, so ties
neither skip nor repeat a row. Texts are sorted by their first 200 characters, by code point.

Putting a statement together costs more than running it: what was put together for the last
`ASKED_MAX` questions is kept as text. A page behind a cursor is put together anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from lockgate.domain.filters import EVERYTHING, Filter, Order
from lockgate.domain.names import INT64_MAX, INT64_MIN, LIMITS
from lockgate.domain.pages import Page
from lockgate.errors import InvalidInput
from lockgate.storage import models, versions
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel, stored_model
from lockgate.storage.search_conditions import MODELS, VERSIONS, Ground
from lockgate.storage.search_cursors import (
    KeyKind,
    Position,
    decode_cursor,
    encode_cursor,
    fingerprint,
)
from lockgate.storage.search_stretches import Stretch, Walks
from lockgate.storage.statements import Question, Statement, Written
from lockgate.storage.versions import Stamp

RARE_MAX = 5_000
ASKED_MAX = 1_000
_ASKED_CHARS_MAX = 2_000
T = TypeVar("T")
_Row = tuple[Any, Position]
# Question in words → step → what was put together for it.
_asked: dict[tuple[str, str], dict[Any, Any]] = {}


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
    rows = _Asking(session, VERSIONS, versions.STAMP, versions.FROM, search).page()
    return rows.map(lambda row: (row[0], row[1], row[2], row[3]))


def search_models(session: Session, search: Search) -> Page[StoredModel]:
    """Return a page of live models; like `search_versions`."""
    rows = _Asking(session, MODELS, models.COLUMNS, models.FROM, search).page()
    found = [stored_model(row) for row in rows]
    return Page(tuple(model for model in found if model is not None), rows.next_cursor)


def count_models(session: Session, search: Search) -> int:
    """Return how many live models a search selects; its order and limit do not matter."""
    return _Asking(session, MODELS, models.COLUMNS, models.FROM, search).count()


class _Asking:
    """One search: puts together what is asked, or finds it kept, and asks."""

    def __init__(
        self, session: Session, ground: Ground, columns: Sequence[Any], source: Any, search: Search
    ) -> None:
        self._session = session
        self._search = search
        self._words = (ground.scope, search.project_ids, search.where, search.order)
        self._given = (ground, columns, source, session.dialect)
        self._width = len(columns)
        self._kept = _kept_for(session.dialect, repr(self._words))

    def page(self) -> Page[Any]:
        """Return a page of rows of the wanted columns."""
        if self._search.project_ids == ():
            return Page(())
        position = None
        if self._search.cursor is not None:
            position = decode_cursor(
                self._search.cursor, self._question, self._sorting[0], self._session.dialect
            )
        rare = self._rare()
        most = self._search.limit + 1
        merged = self._remembered(("merged", rare), lambda: self._walks.merges(rare))
        found: list[_Row] = []
        for statement, absent in self._statements(rare, position):
            if len(found) >= most and not merged:
                break
            found += self._rows(statement, absent, most, found[most - 1 : most])
        if merged:
            self._sort(found)
        shown = found[: self._search.limit]
        more = len(found) > len(shown)
        cursor = encode_cursor(self._question, shown[-1][1]) if more else None
        return Page(tuple(row for row, _ in shown), cursor)

    def count(self) -> int:
        """Return how many rows there are on all pages together."""
        if self._search.project_ids == ():
            return 0
        statement = self._remembered("total", lambda: self._written(self._walks.total()))
        return int(self._session.value(statement))

    @cached_property
    def _walks(self) -> Walks:
        search = self._search
        return Walks(*self._given, search.where, search.order, search.project_ids)

    @cached_property
    def _question(self) -> str:
        """What ties a cursor to this search."""
        return fingerprint(*self._words)

    @property
    def _sorting(self) -> tuple[tuple[KeyKind, ...], tuple[bool, ...]]:
        """The kinds of the sort keys, and whether each descends."""

        def told() -> tuple[tuple[KeyKind, ...], tuple[bool, ...]]:
            keys = self._walks.whole.keys
            return tuple(key.kind for key in keys), tuple(key.descending for key in keys)

        return self._remembered("sorting", told)

    def _rare(self) -> int | None:
        """Return the place of the conjunct with the fewest rows, if they are few enough."""

        def put_together() -> list[tuple[int, Statement]]:
            return [(place, self._written(asked)) for place, asked in self._walks.counts()]

        best, fewest = None, self._search.rare_max
        for place, statement in self._remembered("counts", put_together):
            count = self._session.value(statement, most=fewest)
            if count < fewest:
                best, fewest = place, count
        return best

    def _statements(
        self, rare: int | None, position: Position | None
    ) -> Iterator[tuple[Statement, int]]:
        """Yield the statement of each stretch, and how many leading keys it has no columns for."""

        def put_together() -> list[tuple[Statement, int]]:
            stretches = self._walks.stretches(rare)
            return [(self._written(self._walks.page(s, None)), s.absent) for s in stretches]

        if position is None:
            yield from self._remembered(("walks", rare), put_together)
            return
        merged = self._walks.merges(rare)
        after: Position | None = position
        for stretch in self._walks.stretches(rare):
            if after is None or _reaches(stretch, after):
                yield self._walks.page(stretch, after), stretch.absent
                after = after if merged else None

    def _rows(self, statement: Statement, absent: int, most: int, last: list[_Row]) -> list[_Row]:
        """Return the rows that a statement finds, each with its position in the walk.

        What comes behind the ``last`` of the rows that are there need not be found.
        """
        bound: Any = INT64_MIN if self._sorting[1][:1] == (True,) else INT64_MAX
        if last:
            bound = last[0][1].keys[0]
        width, lacking = self._width, (None,) * absent
        return [
            (row[:width], Position((*lacking, *row[width:-1]), row[-1]))
            for row in self._session.all(statement, most=most, bound=bound)
        ]

    def _sort(self, found: list[_Row]) -> None:
        """Bring rows of stretches side by side into one order; no key of theirs is absent."""
        kinds, descending = self._sorting

        def key(row: _Row) -> Any:
            return row[1].keys[place]

        found.sort(key=lambda row: row[1].id, reverse=descending[-1])
        for place in reversed(range(len(kinds))):
            found.sort(key=key, reverse=descending[place])

    def _written(self, question: Question) -> Statement:
        return Written(question.text(self._session.dialect))

    def _remembered(self, step: Any, put_together: Callable[[], T]) -> T:
        """Return what was put together for a step of this question, now or before."""
        found: T
        if step in self._kept:
            found = self._kept[step]
        else:
            found = self._kept[step] = put_together()
        return found


def _kept_for(dialect: str, words: str) -> dict[Any, Any]:
    """Return what is kept for a question; nothing for one in too many words."""
    if len(words) > _ASKED_CHARS_MAX:
        return {}
    kept = _asked.get((dialect, words))
    if kept is None:
        if len(_asked) >= ASKED_MAX:
            _asked.clear()
        kept = _asked[dialect, words] = {}
    return kept


def _reaches(stretch: Stretch, position: Position) -> bool:
    """Tell whether rows of ``stretch`` may come behind ``position``."""
    return (
        stretch.absent > 0
        or not stretch.keys
        or stretch.keys[0].nullable
        or (position.keys[0] is not None)
    )
