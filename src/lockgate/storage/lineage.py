"""Lineage in SQL: who names whom as a parent."""

from __future__ import annotations

from sqlalchemy import select

from lockgate.storage import tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json
from lockgate.storage.statements import Statement
from lockgate.storage.versions import FROM, STAMP, Stamp

_V = tables.versions
_M = tables.models


def naming_parents(
    session: Session, project_id: int, word: str, count: int
) -> list[tuple[Stamp, list[str]]]:
    """Return ``(stamp, parents)`` of versions of a project whose parents mention ``word``.

    Newest first, at most ``count``. Parents are free text: the caller reads what they mean.
    """
    asked = (
        select(*STAMP, _V.c.parents)
        .select_from(FROM)
        .where(
            _V.c.project_id == project_id,
            _V.c.parents != "[]",
            _V.c.parents.contains(word, autoescape=True),
            _V.c.deleted_at.is_(None),
            _M.c.deleted_at.is_(None),
        )
        .order_by(_V.c.id.desc())
        .limit(count)
    )
    rows = session.all(Statement(asked))
    return [((row[0], row[1], row[2], row[3]), from_json(row[4])) for row in rows]
