"""Monitors in SQL."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.monitors import Monitor, MonitorRule
from lockgate.storage import monitor_tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.models import StoredModel
from lockgate.storage.named import Named

_ROWS = Named(monitor_tables.monitors)


def list_monitors(session: Session, stored: StoredModel) -> list[Monitor]:
    """Return the monitors of a model, by name."""
    return [_monitor(row, stored) for row in _ROWS.of_model(session, stored.id)]


def all_monitors(session: Session) -> list[tuple[str, str, str]]:
    """Return project, model and name of every monitor there is."""
    return _ROWS.everywhere(session)


def add_monitor(session: Session, model_id: int, made: Monitor) -> None:
    """Add a monitor."""
    _ROWS.add(session, model_id, made.name, _columns(made))


def update_monitor(session: Session, model_id: int, after: Monitor) -> None:
    """Write a monitor's rule and how it stands."""
    _ROWS.change(session, model_id, after.name, _columns(after))


def remove_monitor(session: Session, model_id: int, name: str) -> None:
    """Take a monitor away."""
    _ROWS.remove(session, model_id, name)


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
