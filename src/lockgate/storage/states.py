"""The present state of a project, as the tables have it: what a fold of its log must equal."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from lockgate.storage import tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement

_M = tables.models
_V = tables.versions
_A = tables.aliases

_MODELS = Statement(
    select(_M.c.id, _M.c.name).where(
        _M.c.project_id == bindparam("project_id"), _M.c.deleted_at.is_(None)
    )
)
_STAGES = Statement(
    select(_V.c.model_id, _V.c.label, _V.c.stage).where(
        _V.c.project_id == bindparam("project_id"), _V.c.deleted_at.is_(None)
    )
)
_ALIASES = Statement(
    select(_A.c.model_id, _A.c.alias, _V.c.label)
    .select_from(_A.join(_V, _V.c.id == _A.c.version_id))
    .where(_V.c.project_id == bindparam("project_id"), _A.c.ended_at.is_(None))
)


def load_state(
    session: Session, project_id: int
) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """Return ``{model: ({label: stage}, {alias: label})}`` of a project's live models."""
    names = dict(session.all(_MODELS, project_id=project_id))
    state: dict[str, tuple[dict[str, str], dict[str, str]]] = {
        name: ({}, {}) for name in names.values()
    }
    for model_id, label, stage in session.all(_STAGES, project_id=project_id):
        if model_id in names:
            state[names[model_id]][0][label] = stage
    for model_id, alias, label in session.all(_ALIASES, project_id=project_id):
        if model_id in names:
            state[names[model_id]][1][alias] = label
    return state
