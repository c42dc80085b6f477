"""Who was derived from whom, in SQL, asked for many versions at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from lockgate.storage import lineage_tables, tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting
from lockgate.storage.versions import STAMP, Stamp

_T = lineage_tables.version_parents
_V = tables.versions
_M = tables.models
_P = tables.projects
_ADD = inserting(_T)
ASKED_MAX = 256
"""How many versions are asked about in one statement; more are asked about in turn."""
_statements: dict[tuple[str, int], Statement] = {}


def add_parents(
    session: Session, version_id: int, parents: Sequence[tuple[str, int | None]]
) -> None:
    """Keep what a version was derived from: references, and the keys that they meant."""
    rows = [
        {"version_id": version_id, "position": position, "reference": text, "parent_id": key}
        for position, (text, key) in enumerate(parents)
    ]
    session.many(_ADD, rows)


def list_parents(session: Session, keys: Sequence[int]) -> list[tuple[int, str, int | None]]:
    """Return ``(version, reference, parent)`` of versions by key, in the order it was said."""
    found: list[tuple[int, str, int | None]] = []
    for batch in _batches(keys):
        rows = session.all(_parents_statement(len(batch)), **_binds(batch))
        found += [(row[0], row[1], row[2]) for row in rows]
    return found


def list_children(
    session: Session, parents: Sequence[tuple[int, str]], count: int
) -> list[tuple[int, int | None, str]]:
    """Return ``(version, parent, reference)`` of up to ``count`` visible children of each batch.

    ``parents`` are keys and references. A child that named its parent before there was one is
    found by the reference; ``parent`` is None then. Deleted children are left out.
    """
    found: list[tuple[int, int | None, str]] = []
    for batch in _batches(parents):
        binds = {
            **_binds([key for key, _ in batch]),
            **{f"reference_{i}": text for i, (_, text) in enumerate(batch)},
        }
        keys = session.visible_keys
        if keys is None:
            rows = session.all(_children_statement(len(batch)), count=count, **binds)
        else:
            statement = _children_statement(len(batch), seen=True)
            rows = [
                row
                for key in keys
                for row in session.all(statement, count=count, project_id=key, **binds)
            ]
        found += [(row[0], row[1], row[2]) for row in rows]
    return found


def load_places(session: Session, keys: Sequence[int]) -> dict[int, tuple[Stamp, str]]:
    """Return the stamp and the project of versions by key, deleted or not.

    A version of a deleted model is left out.
    """
    found: dict[int, tuple[Stamp, str]] = {}
    for batch in _batches(keys):
        for row in session.all(_places_statement(len(batch)), **_binds(batch)):
            found[row[0]] = ((row[0], row[1], row[2], row[3]), row[4])
    return found


def _batches(items: Sequence[Any]) -> list[list[Any]]:
    """Cut into batches whose lengths are powers of two: one statement for each of a few lengths."""
    batches = []
    for first in range(0, len(items), ASKED_MAX):
        batch = list(items[first : first + ASKED_MAX])
        room = 1 << (len(batch) - 1).bit_length()
        batches.append(batch + [batch[-1]] * (room - len(batch)))
    return batches


def _binds(keys: Sequence[int]) -> dict[str, int]:
    return {f"id_{i}": key for i, key in enumerate(keys)}


def _keys(count: int) -> list[Any]:
    return [bindparam(f"id_{i}", type_=_V.c.id.type) for i in range(count)]


def _parents_statement(count: int) -> Statement:
    return _kept(
        "parents",
        count,
        lambda: (
            select(_T.c.version_id, _T.c.reference, _T.c.parent_id)
            .where(_T.c.version_id.in_(_keys(count)))
            .order_by(_T.c.version_id, _T.c.position)
        ),
    )


def _children_statement(count: int, *, seen: bool = False) -> Statement:
    own = [_V.c.project_id == bindparam("project_id")] if seen else []
    references: list[Any] = [bindparam(f"reference_{i}") for i in range(count)]
    return _kept(
        "children seen" if seen else "children",
        count,
        lambda: (
            select(_T.c.version_id, _T.c.parent_id, _T.c.reference)
            .select_from(_T.join(_V, _V.c.id == _T.c.version_id).join(_M, _M.c.id == _V.c.model_id))
            .where(
                or_(
                    _T.c.parent_id.in_(_keys(count)),
                    and_(_T.c.parent_id.is_(None), _T.c.reference.in_(references)),
                ),
                _V.c.deleted_at.is_(None),
                _M.c.deleted_at.is_(None),
                *own,
            )
            .order_by(_T.c.version_id, _T.c.position)
            .limit(bindparam("count"))
        ),
    )


def _places_statement(count: int) -> Statement:
    return _kept(
        "places",
        count,
        lambda: (
            select(*STAMP, _P.c.name)
            .select_from(_V.join(_M, _M.c.id == _V.c.model_id).join(_P, _P.c.id == _V.c.project_id))
            .where(_V.c.id.in_(_keys(count)), _M.c.deleted_at.is_(None))
        ),
    )


def _kept(kind: str, count: int, query: Any) -> Statement:
    if (kind, count) not in _statements:
        _statements[kind, count] = Statement(query())
    return _statements[kind, count]
