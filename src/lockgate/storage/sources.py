"""Sources of metrics in SQL."""

from __future__ import annotations

from typing import Any

from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.sources import MetricSource
from lockgate.storage import monitor_tables
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel
from lockgate.storage.named import Named

_ROWS = Named(monitor_tables.metric_sources)


def list_sources(session: Session, stored: StoredModel) -> list[MetricSource]:
    """Return the sources of a model, by metric."""
    return [_source(row, stored) for row in _ROWS.of_model(session, stored.id)]


def all_sources(session: Session) -> list[tuple[str, str, str]]:
    """Return project, model and metric of every source there is."""
    return _ROWS.everywhere(session)


def add_source(session: Session, model_id: int, made: MetricSource) -> None:
    """Add a source."""
    _ROWS.add(session, model_id, made.metric, _columns(made))


def update_source(session: Session, model_id: int, after: MetricSource) -> None:
    """Write what is asked, how far it was read and what went wrong."""
    _ROWS.change(session, model_id, after.metric, _columns(after))


def remove_source(session: Session, model_id: int, metric: str) -> None:
    """Take a source away."""
    _ROWS.remove(session, model_id, metric)


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
