"""Evidence in SQL: decisions, check results and waivers, in the order in which they came."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select

from lockgate.domain.approvals import Decision
from lockgate.domain.checks import CheckResult
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.requirements.evidence import Waiver
from lockgate.storage import gate_tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.statements import Statement, inserting

DECODED_MAX = 4_096

_D = gate_tables.decisions
_C = gate_tables.check_results
_W = gate_tables.waivers

_DECISIONS = Statement(
    select(
        _D.c.verdict,
        _D.c.actor,
        _D.c.to_stage,
        _D.c.at,
        _D.c.content_digest,
        _D.c.policy_digest,
        _D.c.content_parts,
        _D.c.roles,
        _D.c.comment,
        _D.c.request,
    )
    .where(_D.c.version_id == bindparam("version_id"))
    .order_by(_D.c.id)
)
_CHECKS = Statement(
    select(
        _C.c.name,
        _C.c.status,
        _C.c.reported_by,
        _C.c.at,
        _C.c.url,
        _C.c.expires_at,
        _C.c.files_digest,
    )
    .where(_C.c.version_id == bindparam("version_id"))
    .order_by(_C.c.id)
)
_WAIVERS = Statement(
    select(_W.c.path, _W.c.reason, _W.c.waived_by, _W.c.at, _W.c.digest)
    .where(_W.c.version_id == bindparam("version_id"))
    .order_by(_W.c.id)
)
_DECIDE = inserting(_D, "id")
_REPORT = inserting(_C, "id")
_WAIVE = inserting(_W, "id")


def list_decisions(session: Session, version_id: int) -> tuple[Decision, ...]:
    """Return every decision on a version, oldest first."""
    return tuple(_decision(tuple(row)) for row in session.all(_DECISIONS, version_id=version_id))


def add_decision(session: Session, version_id: int, decision: Decision) -> None:
    """Keep a decision; earlier ones of the same person stay on record."""
    session.run(
        _DECIDE,
        version_id=version_id,
        request=decision.request,
        to_stage=decision.to_stage,
        verdict=decision.verdict,
        actor=decision.actor,
        roles=to_json(sorted(decision.roles)),
        comment=decision.comment,
        content_digest=decision.content_digest,
        content_parts=to_json(decision.content_parts),
        policy_digest=decision.policy_digest,
        at=to_micros(decision.at),
    )


def list_checks(session: Session, version_id: int) -> tuple[CheckResult, ...]:
    """Return every check result of a version, oldest first."""
    return tuple(_check(tuple(row)) for row in session.all(_CHECKS, version_id=version_id))


def add_check(session: Session, version_id: int, check: CheckResult) -> None:
    """Keep a check result; the last one of a name is the one that counts."""
    session.run(
        _REPORT,
        version_id=version_id,
        name=check.name,
        status=check.status,
        url=check.url,
        reported_by=check.reported_by,
        at=to_micros(check.at),
        expires_at=_micros(check.expires_at),
        files_digest=check.files_digest,
    )


def list_waivers(session: Session, version_id: int) -> tuple[Waiver, ...]:
    """Return every waiver on a version, oldest first."""
    return tuple(
        Waiver(path=path, reason=reason, by=by, at=from_micros(at), digest=digest)
        for path, reason, by, at, digest in session.all(_WAIVERS, version_id=version_id)
    )


def add_waiver(session: Session, version_id: int, waiver: Waiver) -> None:
    """Keep a waiver."""
    session.run(
        _WAIVE,
        version_id=version_id,
        path=waiver.path,
        reason=waiver.reason,
        waived_by=waiver.by,
        at=to_micros(waiver.at),
        digest=waiver.digest,
    )


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


# Evidence is written once and never changed: what was read of a row before is read of it again.


@lru_cache(maxsize=DECODED_MAX)
def _decision(row: tuple[Any, ...]) -> Decision:
    verdict, actor, to_stage, at, content, policy, parts, roles, comment, request = row
    return Decision(
        verdict=verdict,
        actor=actor,
        to_stage=to_stage,
        at=from_micros(at),
        content_digest=content,
        policy_digest=policy,
        content_parts=FrozenDict(from_json(parts)),
        roles=frozenset(from_json(roles)),
        comment=comment,
        request=request,
    )


@lru_cache(maxsize=DECODED_MAX)
def _check(row: tuple[Any, ...]) -> CheckResult:
    name, status, reported_by, at, url, expires_at, files = row
    return CheckResult(
        name=name,
        status=status,
        reported_by=reported_by,
        at=from_micros(at),
        url=url,
        expires_at=None if expires_at is None else from_micros(expires_at),
        files_digest=files,
    )
