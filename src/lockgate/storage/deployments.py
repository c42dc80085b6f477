"""Deployments and pulls in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, select, update

from lockgate.domain.deployments import Deployment
from lockgate.domain.moments import from_micros, to_micros
from lockgate.storage import deployment_tables, tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

_T = deployment_tables.deployments
_L = deployment_tables.pulls
_V = tables.versions
_M = tables.models
_P = tables.projects
_COLUMNS = (
    _T.c.id,
    _T.c.uid,
    _P.c.name,
    _M.c.name,
    _V.c.label,
    _T.c.environment,
    _T.c.target,
    _T.c.digest,
    _T.c.status,
    _T.c.url,
    _T.c.heartbeat_s,
    _T.c.reported_by,
    _T.c.reported_at,
    _T.c.seen_at,
    _T.c.ended_at,
    _T.c.ended_by,
)
_SELECT = select(*_COLUMNS).select_from(
    _T.join(_V, _V.c.id == _T.c.version_id)
    .join(_M, _M.c.id == _T.c.model_id)
    .join(_P, _P.c.id == _T.c.project_id)
)
_OPEN = _T.c.ended_at.is_(None)
_BY_UID = Statement(_SELECT.where(_T.c.uid == bindparam("uid")))
_AT = Statement(
    _SELECT.where(
        _T.c.model_id == bindparam("model_id"),
        _T.c.environment == bindparam("environment"),
        _T.c.target == bindparam("target"),
        _OPEN,
    )
)
_OF_VERSION = Statement(
    _SELECT.where(_T.c.version_id == bindparam("version_id"), _OPEN).order_by(_T.c.id)
)
_OF_MODEL = Statement(
    _SELECT.where(_T.c.model_id == bindparam("model_id"), _OPEN).order_by(_T.c.id)
)
_FILTERS = {
    "model_id": _T.c.model_id == bindparam("model_id"),
    "environment": _T.c.environment == bindparam("environment"),
    "open": _OPEN,
}
_CHANGE = Statement(
    update(_T)
    .where(_T.c.id == bindparam("key"))
    .values(
        status=bindparam("new_status"),
        url=bindparam("new_url"),
        heartbeat_s=bindparam("new_heartbeat_s"),
        seen_at=bindparam("new_seen_at"),
        ended_at=bindparam("new_ended_at"),
        ended_by=bindparam("new_ended_by"),
    )
)
_ADD = inserting(_T, "id", "ended_at", "ended_by")
_PULLS = Statement(
    select(_L.c.client, _L.c.last_at)
    .where(_L.c.version_id == bindparam("version_id"), _L.c.last_at >= bindparam("since"))
    .order_by(_L.c.last_at.desc())
    .limit(bindparam("count"))
)
_PULL_AGAIN = Statement(
    update(_L)
    .where(_L.c.version_id == bindparam("key"), _L.c.client == bindparam("who"))
    .values(last_at=bindparam("moment"))
)
_PULL = inserting(_L)
_pages: dict[tuple[str, ...], Statement] = {}


def find_deployment(session: Session, uid: str) -> tuple[int, Deployment] | None:
    """Return key and deployment by its uid, or None."""
    row = session.one(_BY_UID, uid=uid)
    return None if row is None else _deployment(row)


def find_open_at(
    session: Session, model_id: int, environment: str, target: str
) -> tuple[int, Deployment] | None:
    """Return what of a model runs at a target, or None."""
    row = session.one(_AT, model_id=model_id, environment=environment, target=target)
    return None if row is None else _deployment(row)


def open_of_version(session: Session, version_id: int) -> list[Deployment]:
    """Return where a version runs, oldest first."""
    return [_deployment(row)[1] for row in session.all(_OF_VERSION, version_id=version_id)]


def open_of_model(session: Session, model_id: int) -> list[Deployment]:
    """Return where versions of a model run, oldest first."""
    return [_deployment(row)[1] for row in session.all(_OF_MODEL, model_id=model_id)]


def list_deployments(
    session: Session, project_id: int, before: int, count: int, only_open: bool, **filters: Any
) -> list[tuple[int, Deployment]]:
    """Return up to ``count`` deployments of a project, newest first."""
    given = {name: value for name, value in filters.items() if value is not None}
    names = (*sorted(given), *(["open"] if only_open else []))
    if names not in _pages:
        query: Select[Any] = _SELECT.where(
            _T.c.project_id == bindparam("project_id"),
            _T.c.id < bindparam("before"),
            *(_FILTERS[name] for name in names),
        )
        _pages[names] = Statement(query.order_by(_T.c.id.desc()).limit(bindparam("count")))
    rows = session.all(_pages[names], project_id=project_id, before=before, count=count, **given)
    return [_deployment(row) for row in rows]


def add_deployment(
    session: Session, project_id: int, model_id: int, version_id: int, made: Deployment
) -> None:
    """Add a deployment."""
    session.run(
        _ADD,
        uid=made.uid,
        project_id=project_id,
        model_id=model_id,
        version_id=version_id,
        environment=made.environment,
        target=made.target,
        digest=made.digest,
        status=made.status,
        url=made.url,
        heartbeat_s=made.heartbeat_s,
        reported_by=made.reported_by,
        reported_at=to_micros(made.reported_at),
        seen_at=to_micros(made.seen_at),
    )


def update_deployment(session: Session, key: int, after: Deployment) -> None:
    """Write what of a deployment can change."""
    session.run(
        _CHANGE,
        key=key,
        new_status=after.status,
        new_url=after.url,
        new_heartbeat_s=after.heartbeat_s,
        new_seen_at=to_micros(after.seen_at),
        new_ended_at=None if after.ended_at is None else to_micros(after.ended_at),
        new_ended_by=after.ended_by,
    )


def note_pull(session: Session, version_id: int, client: str) -> None:
    """Write down that somebody has pulled a version now."""
    moment = session.settle_time(0)
    if session.run(_PULL_AGAIN, key=version_id, who=client, moment=moment) == 0:
        session.run(_PULL, version_id=version_id, client=client, first_at=moment, last_at=moment)


def list_pulls(
    session: Session, version_id: int, since_us: int, count: int
) -> list[tuple[str, int]]:
    """Return who has pulled a version since a moment, and when last, the latest first."""
    found = session.all(_PULLS, version_id=version_id, since=since_us, count=count)
    return [(row[0], row[1]) for row in found]


def _deployment(row: Any) -> tuple[int, Deployment]:
    key, uid, project, model, version, environment, target, digest, status, url, *rest = row
    heartbeat_s, reported_by, reported_at, seen_at, ended_at, ended_by = rest
    return key, Deployment(
        uid=uid,
        project=project,
        model=model,
        version=version,
        environment=environment,
        target=target,
        digest=digest,
        status=status,
        url=url,
        heartbeat_s=heartbeat_s,
        reported_by=reported_by,
        reported_at=from_micros(reported_at),
        seen_at=from_micros(seen_at),
        ended_at=None if ended_at is None else from_micros(ended_at),
        ended_by=ended_by,
    )
