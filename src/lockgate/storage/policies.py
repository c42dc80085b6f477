"""Policies in SQL: attached to a project or to a model, each for one stage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from lockgate.domain.moments import from_micros
from lockgate.domain.policies import PromotionPolicy
from lockgate.storage import gate_tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.statements import Statement, inserting

PROJECT_KEY = 0
_T = gate_tables.policies
_COLUMNS = (_T.c.model_key, _T.c.stage_key, _T.c.document, _T.c.set_by, _T.c.set_at)
_OPEN = (
    select(*_COLUMNS)
    .where(_T.c.project_id == bindparam("project_id"), _T.c.ended_at.is_(None))
    .order_by(_T.c.model_key, _T.c.stage_key)
)
_OF_MODEL = Statement(_OPEN.where(_T.c.model_key.in_([PROJECT_KEY, bindparam("model_key")])))
_END = Statement(
    update(_T)
    .where(
        _T.c.project_id == bindparam("key"),
        _T.c.model_key == bindparam("model"),
        _T.c.stage_key == bindparam("stage"),
        _T.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("moment"), ended_by=bindparam("actor"))
)
_BEGIN = inserting(_T, "id", "ended_at", "ended_by")


@dataclass(frozen=True, kw_only=True)
class StoredPolicy:
    """A policy and what it is attached to; ``of_model`` is False for one of the whole project."""

    of_model: bool
    stage: str
    policy: PromotionPolicy
    set_by: str
    set_at: datetime


def list_policies(session: Session, project_id: int, model_id: int) -> list[StoredPolicy]:
    """Return the policies of a project and (unless `PROJECT_KEY`) of a model, in force now."""
    rows = session.all(_OF_MODEL, project_id=project_id, model_key=model_id)
    return [_policy(row) for row in rows]


def attach(
    session: Session, project_id: int, model_id: int, stage: str, policy: PromotionPolicy, by: str
) -> None:
    """Let ``policy`` take the place of the one that is attached there."""
    detach(session, project_id, model_id, stage, by)
    session.run(
        _BEGIN,
        project_id=project_id,
        model_key=model_id,
        stage_key=stage.casefold(),
        document=to_json(policy.to_document()),
        digest=policy.digest(),
        set_by=by,
        set_at=session.now_us,
    )


def detach(session: Session, project_id: int, model_id: int, stage: str, by: str) -> bool:
    """End the policy that is attached there; return whether there was one."""
    return (
        session.run(
            _END,
            key=project_id,
            model=model_id,
            stage=stage.casefold(),
            moment=session.now_us,
            actor=by,
        )
        > 0
    )


_parsed: dict[str, PromotionPolicy] = {}


def _policy(row: Any) -> StoredPolicy:
    model_key, stage, document, set_by, set_at = row
    policy = _parsed.get(document)
    if policy is None:
        if len(_parsed) >= 1_000:
            _parsed.clear()
        policy = _parsed[document] = PromotionPolicy.from_document(from_json(document))
    return StoredPolicy(
        of_model=model_key != PROJECT_KEY,
        stage=stage,
        policy=policy,
        set_by=set_by,
        set_at=from_micros(set_at),
    )
