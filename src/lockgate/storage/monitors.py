"""Monitors in SQL."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.monitors import Monitor, MonitorRule
from lockgate.storage import monitor_tables, tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.models import StoredModel
from lockgate.storage.statements import Statement, inserting

_T = monitor_tables.monitors
_M = tables.models
_P = tables.projects
_OF_MODEL = Statement(
    select(*_T.c).where(_T.c.model_id == bindparam("model_id")).order_by(_T.c.name)
)
_EVERYWHERE = Statement(
    select(_P.c.name, _M.c.name, _T.c.name)
    .select_from(_T.join(_M, _M.c.id == _T.c.model_id).join(_P, _P.c.id == _M.c.project_id))
    .where(_M.c.deleted_at.is_(None))
    .order_by(_T.c.model_id, _T.c.name)
)
_ADD = inserting(_T)
_CHANGE = Statement(
    update(_T)
    .where(_T.c.model_id == bindparam("key"), _T.c.name == bindparam("sought"))
    .values({each: bindparam(f"new_{each}") for each in _T.c.keys()[2:]})
)
_REMOVE = Statement(
    delete(_T).where(_T.c.model_id == bindparam("model_id"), _T.c.name == bindparam("sought"))
)


def list_monitors(session: Session, stored: StoredModel) -> list[Monitor]:
    """Return the monitors of a model, by name."""
    return [_monitor(row, stored) for row in session.all(_OF_MODEL, model_id=stored.id)]


def all_monitors(session: Session) -> list[tuple[str, str, str]]:
    """Return project, model and name of every monitor there is."""
    return [(row[0], row[1], row[2]) for row in session.all(_EVERYWHERE)]


def add_monitor(session: Session, model_id: int, made: Monitor) -> None:
    """Add a monitor."""
    session.run(_ADD, model_id=model_id, name=made.name, **_columns(made))


def update_monitor(session: Session, model_id: int, after: Monitor) -> None:
    """Write a monitor's rule and how it stands."""
    columns = {f"new_{name}": value for name, value in _columns(after).items()}
    session.run(_CHANGE, key=model_id, sought=after.name, **columns)


def remove_monitor(session: Session, model_id: int, name: str) -> None:
    """Take a monitor away."""
    session.run(_REMOVE, model_id=model_id, sought=name)


def _columns(monitor: Monitor) -> dict[str, Any]:
    rolled = monitor.rolled_back_at
    return {
        "rule": to_json(asdict(monitor.rule)),
        "state": monitor.state,
        "version": monitor.version,
        "since": None if monitor.since is None else to_micros(monitor.since),
        "rolled_back_at": None if rolled is None else to_micros(rolled),
        "set_by": monitor.set_by,
        "set_at": to_micros(monitor.set_at),
    }


def _monitor(row: Any, stored: StoredModel) -> Monitor:
    _, name, rule, state, version, since, rolled_back_at, set_by, set_at = row
    return Monitor(
        project=stored.model.project,
        model=stored.model.name,
        name=name,
        rule=MonitorRule(**from_json(rule)),
        state=state,
        version=version,
        since=None if since is None else from_micros(since),
        rolled_back_at=None if rolled_back_at is None else from_micros(rolled_back_at),
        set_by=set_by,
        set_at=from_micros(set_at),
    )
