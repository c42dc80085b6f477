"""Sources of metrics in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, select, update

from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.sources import MetricSource
from lockgate.storage import monitor_tables, tables
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel
from lockgate.storage.statements import Statement, inserting

_T = monitor_tables.metric_sources
_M = tables.models
_P = tables.projects
_OF_MODEL = Statement(
    select(*_T.c).where(_T.c.model_id == bindparam("model_id")).order_by(_T.c.metric)
)
_EVERYWHERE = Statement(
    select(_P.c.name, _M.c.name, _T.c.metric)
    .select_from(_T.join(_M, _M.c.id == _T.c.model_id).join(_P, _P.c.id == _M.c.project_id))
    .where(_M.c.deleted_at.is_(None))
    .order_by(_T.c.model_id, _T.c.metric)
)
_ADD = inserting(_T)
_CHANGE = Statement(
    update(_T)
    .where(_T.c.model_id == bindparam("key"), _T.c.metric == bindparam("sought"))
    .values({each: bindparam(f"new_{each}") for each in _T.c.keys()[2:]})
)
_REMOVE = Statement(
    delete(_T).where(_T.c.model_id == bindparam("model_id"), _T.c.metric == bindparam("sought"))
)


def list_sources(session: Session, stored: StoredModel) -> list[MetricSource]:
    """Return the sources of a model, by metric."""
    return [_source(row, stored) for row in session.all(_OF_MODEL, model_id=stored.id)]


def all_sources(session: Session) -> list[tuple[str, str, str]]:
    """Return project, model and metric of every source there is."""
    return [(row[0], row[1], row[2]) for row in session.all(_EVERYWHERE)]


def add_source(session: Session, model_id: int, made: MetricSource) -> None:
    """Add a source."""
    session.run(_ADD, model_id=model_id, metric=made.metric, **_columns(made))


def update_source(session: Session, model_id: int, after: MetricSource) -> None:
    """Write what is asked, how far it was read and what went wrong."""
    columns = {f"new_{name}": value for name, value in _columns(after).items()}
    session.run(_CHANGE, key=model_id, sought=after.metric, **columns)


def remove_source(session: Session, model_id: int, metric: str) -> None:
    """Take a source away."""
    session.run(_REMOVE, model_id=model_id, sought=metric)


def _columns(source: MetricSource) -> dict[str, Any]:
    return {
        "stage": source.stage,
        "url": source.url,
        "query": source.query,
        "step_s": source.step_s,
        "read_until": to_micros(source.read_until),
        "error": source.error,
        "set_by": source.set_by,
        "set_at": to_micros(source.set_at),
    }


def _source(row: Any, stored: StoredModel) -> MetricSource:
    _, metric, stage, url, query, step_s, read_until, error, set_by, set_at = row
    return MetricSource(
        project=stored.model.project,
        model=stored.model.name,
        metric=metric,
        stage=stage,
        url=url,
        query=query,
        step_s=step_s,
        read_until=from_micros(read_until),
        error=error,
        set_by=set_by,
        set_at=from_micros(set_at),
    )
