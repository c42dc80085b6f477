"""What a board asks of the database: a few questions, however many cards there are."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, func, select

from lockgate.storage import tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement

_V = tables.versions
_M = tables.models

_COUNTS = Statement(
    select(_V.c.stage_key, func.count())
    .where(_V.c.model_id == bindparam("model_id"), _V.c.deleted_at.is_(None))
    .group_by(_V.c.stage_key)
)
_LIFECYCLES = Statement(
    select(_M.c.lifecycle_id)
    .where(_M.c.project_id == bindparam("project_id"), _M.c.deleted_at.is_(None))
    .group_by(_M.c.lifecycle_id)
    .order_by(func.count().desc(), _M.c.lifecycle_id)
)


def count_by_stage_of_model(session: Session, model_id: int) -> dict[str, int]:
    """Return how many live versions stand in each stage (case-folded) of a model."""
    return dict(session.all(_COUNTS, model_id=model_id))


def lifecycles_in_use(session: Session, project_id: int) -> list[int]:
    """Return the keys of the lifecycles that live models of a project follow, most used first."""
    return [row[0] for row in session.all(_LIFECYCLES, project_id=project_id)]


def lifecycles_of_versions(session: Session, versions: Sequence[int]) -> dict[int, int]:
    """Return, by a version's key, the key of the lifecycle that it moves by."""
    rows = select(_V.c.id, _M.c.lifecycle_id).select_from(_V.join(_M, _M.c.id == _V.c.model_id))
    return dict(session.all(Statement(rows.where(_V.c.id.in_(versions)))))
