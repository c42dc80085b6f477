"""Signed checkpoints in SQL: what the log was, as it was said to others."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from lockgate.domain.moments import from_micros
from lockgate.domain.outcomes import SignedCheckpoint
from lockgate.storage import gate_tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

_T = gate_tables.checkpoints
_COLUMNS = select(_T.c.size, _T.c.note, _T.c.verifier_key, _T.c.made_by, _T.c.at)
_ALL = Statement(
    _COLUMNS.where(_T.c.project_id == bindparam("project_id"))
    .order_by(_T.c.id.desc())
    .limit(bindparam("count"))
)
_COVERING = Statement(
    _COLUMNS.where(
        _T.c.project_id == bindparam("project_id"),
        _T.c.verifier_key == bindparam("key"),
        _T.c.size >= bindparam("seq"),
    )
    .order_by(_T.c.size, _T.c.id)
    .limit(1)
)
_ADD = inserting(_T, "id")


def list_checkpoints(
    session: Session, project_id: int, project: str, count: int
) -> list[SignedCheckpoint]:
    """Return the newest checkpoints of a project's log, newest first."""
    rows = session.all(_ALL, project_id=project_id, count=count)
    return [_checkpoint(project, row) for row in rows]


def find_covering(
    session: Session, project_id: int, project: str, key: str, seq: int
) -> SignedCheckpoint | None:
    """Return the earliest checkpoint by a key that covers an event, or None."""
    row = session.one(_COVERING, project_id=project_id, key=key, seq=seq)
    return None if row is None else _checkpoint(project, row)


def add_checkpoint(session: Session, project_id: int, checkpoint: SignedCheckpoint) -> None:
    """Keep a checkpoint."""
    session.run(
        _ADD,
        project_id=project_id,
        size=checkpoint.size,
        note=checkpoint.note,
        verifier_key=checkpoint.verifier_key,
        made_by=checkpoint.made_by,
        at=session.now_us,
    )


def _checkpoint(project: str, row: Any) -> SignedCheckpoint:
    size, note, verifier_key, made_by, at = row
    return SignedCheckpoint(
        project=project,
        size=size,
        note=note,
        verifier_key=verifier_key,
        made_by=made_by,
        at=from_micros(at),
    )
