"""Promotion requests in SQL."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, literal_column, select, update

from lockgate.domain.approvals import PromotionRequest, RequestStatus
from lockgate.domain.moments import from_micros, to_micros
from lockgate.storage import gate_tables, tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Question, Statement, among, inserting

_T = gate_tables.promotion_requests
_V = tables.versions
_M = tables.models
_P = tables.projects

# Written out: SQLite plans a statement anew for each value that decides about a partial index.
_OPEN: ColumnElement[str] = literal_column("'open'")
_COLUMNS = (
    _T.c.id,
    _T.c.uid,
    _P.c.name,
    _M.c.name,
    _V.c.label,
    _T.c.to_stage,
    _T.c.requested_by,
    _T.c.created_at,
    _T.c.comment,
    _T.c.auto_promote,
    _T.c.status,
    _T.c.expires_at,
    _T.c.closed_at,
    _T.c.closed_by,
)
_SELECT = select(*_COLUMNS).select_from(
    _T.join(_V, _V.c.id == _T.c.version_id)
    .join(_M, _M.c.id == _T.c.model_id)
    .join(_P, _P.c.id == _T.c.project_id)
)
_BY_UID = Statement(_SELECT.where(_T.c.uid == bindparam("uid")))
_OPEN_OF_VERSION = Statement(
    _SELECT.where(_T.c.version_id == bindparam("version_id"), _T.c.status == _OPEN).order_by(
        _T.c.id
    )
)
_WAITING = Statement(
    _SELECT.where(
        _T.c.status == _OPEN,
        _T.c.auto_promote.is_(True),
        _V.c.deleted_at.is_(None),
        _M.c.deleted_at.is_(None),
    ).order_by(_T.c.id)
)
_INBOX = (
    _SELECT.where(
        _T.c.id < bindparam("before"),
        _V.c.deleted_at.is_(None),
        _M.c.deleted_at.is_(None),
    )
    .order_by(_T.c.id.desc())
    .limit(bindparam("count"))
)
_CLOSE = Statement(
    update(_T)
    .where(_T.c.uid == bindparam("which"), _T.c.status == _OPEN)
    .values(
        status=bindparam("new_status"),
        closed_at=bindparam("moment"),
        closed_by=bindparam("actor"),
    )
)
_ADD = inserting(_T, "id", "closed_at", "closed_by")
_D = gate_tables.decisions
_inboxes: dict[tuple[str, ...], Statement] = {}
_FILTERS = {
    "project_id": _T.c.project_id == bindparam("project_id"),
    "model_id": _T.c.model_id == bindparam("model_id"),
    "version_id": _T.c.version_id == bindparam("version_id"),
    "status": _T.c.status == bindparam("status"),
}


def find_request(session: Session, uid: str) -> PromotionRequest | None:
    """Return a request by its uid, or None."""
    row = session.one(_BY_UID, uid=uid)
    return None if row is None or not session.sees(row[2]) else _request(row)


def open_requests(session: Session, version_id: int) -> list[PromotionRequest]:
    """Return the open requests of a version, oldest first."""
    return [_request(row) for row in session.all(_OPEN_OF_VERSION, version_id=version_id)]


def open_requests_of(
    session: Session, version_ids: Sequence[int]
) -> dict[int, list[PromotionRequest]]:
    """Return the open requests of several versions by the version's key, oldest first."""
    asked = _SELECT.add_columns(_T.c.version_id).where(
        _T.c.version_id.in_(version_ids), _T.c.status == _OPEN
    )
    found: dict[int, list[PromotionRequest]] = {}
    for row in session.all(Statement(asked.order_by(_T.c.id))):
        found.setdefault(row[-1], []).append(_request(row))
    return found


def list_waiting(session: Session) -> list[PromotionRequest]:
    """Return the open requests that are to happen by themselves, oldest first."""
    return [_request(row) for row in session.all(_WAITING)]


def list_requests(
    session: Session, *, before: int, count: int, **filters: Any
) -> list[tuple[int, PromotionRequest]]:
    """Return ``(key, request)`` of visible projects, newest first, filtered by what is not None."""
    given = {name: value for name, value in filters.items() if value is not None}
    keys = session.visible_keys
    if keys is not None and not given.keys() & {"project_id", "model_id"}:
        found: list[tuple[int, PromotionRequest]] = []
        for key in keys:
            found += list_requests(
                session, before=before, count=count, **{**given, "project_id": key}
            )
        return heapq.nlargest(count, found, key=lambda each: each[0])
    names = tuple(sorted(given))
    if names not in _inboxes:
        _inboxes[names] = Statement(_INBOX.where(*(_FILTERS[name] for name in names)))
    rows = session.all(_inboxes[names], before=before, count=count, **given)
    return [(row[0], _request(row)) for row in rows]


def bearing_on(session: Session, keys: Sequence[int], actor: str) -> dict[int, tuple[bool, bool]]:
    """Return, by a request's key, whether ``actor`` registered its version, and has decided."""
    decided = exists().where(
        _D.c.version_id == _T.c.version_id, _D.c.to_stage == _T.c.to_stage, _D.c.actor == actor
    )
    rows = select(_T.c.id, _V.c.created_by == actor, decided).select_from(
        _T.join(_V, _V.c.id == _T.c.version_id)
    )
    found = session.all(Question(rows.where(among(_T.c.id, keys))))
    return {row[0]: (bool(row[1]), bool(row[2])) for row in found}


def add_request(
    session: Session, project_id: int, model_id: int, version_id: int, request: PromotionRequest
) -> None:
    """Keep a new request."""
    session.run(
        _ADD,
        uid=request.uid,
        project_id=project_id,
        model_id=model_id,
        version_id=version_id,
        to_stage=request.to_stage,
        requested_by=request.requested_by,
        comment=request.comment,
        auto_promote=request.auto_promote,
        status=request.status,
        created_at=to_micros(request.created_at),
        expires_at=None if request.expires_at is None else to_micros(request.expires_at),
    )


def close_request(session: Session, uid: str, status: RequestStatus, by: str) -> None:
    """Close an open request."""
    session.run(_CLOSE, which=uid, new_status=status, moment=session.now_us, actor=by)


def _request(row: Any) -> PromotionRequest:
    expires_at, closed_at = row[11], row[12]
    return PromotionRequest(
        uid=row[1],
        project=row[2],
        model=row[3],
        version=row[4],
        to_stage=row[5],
        requested_by=row[6],
        created_at=from_micros(row[7]),
        comment=row[8],
        auto_promote=bool(row[9]),
        status=row[10],
        expires_at=None if expires_at is None else from_micros(expires_at),
        closed_at=None if closed_at is None else from_micros(closed_at),
        closed_by=row[13],
    )
