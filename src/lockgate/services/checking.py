"""Checks and waivers: what machines report on a version, and what a person answers for."""

from __future__ import annotations

from datetime import datetime

from lockgate.domain import access, names
from lockgate.domain.approvals import files_digest
from lockgate.domain.checks import CheckResult
from lockgate.domain.moments import to_text
from lockgate.domain.permissions import REPORT_CHECK
from lockgate.domain.requirements.evidence import Waiver
from lockgate.errors import InvalidInput
from lockgate.services.gates import lock_candidate
from lockgate.services.settling import settle
from lockgate.storage import evidence as rows
from lockgate.storage import guard
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.store import Caller, Store


def report_check(
    store: Store,
    who: Caller,
    project: str,
    name: str,
    label: str,
    check: str,
    status: str,
    url: str | None,
    expires_at: datetime | None,
) -> CheckResult:
    """Keep the result of a check; the last one of its name counts, for the files as they are.

    Open requests that waited for it are carried out.
    """

    def use_case(session: Session) -> CheckResult:
        candidate = lock_candidate(store, session, project, name, label)
        guard.require_here(session, REPORT_CHECK, candidate.stored)
        result = CheckResult(
            name=check,
            status=status,  # type: ignore[arg-type]  # CheckResult refuses what is none
            reported_by=who.name,
            at=session.now,
            url=url,
            expires_at=expires_at,
            files_digest=files_digest(candidate.version),
        )
        rows.add_check(session, candidate.key, result)
        model_rows.touch_model(session, candidate.stored)
        record(
            session,
            candidate.stored.project_id,
            who.name,
            "report_check",
            model=candidate.version.model,
            version=candidate.version.label,
            detail={
                "check": result.name,
                "status": status,
                "url": url,
                "expires_at": None if expires_at is None else to_text(expires_at),
            },
        )
        settle(store, session, candidate)
        return result

    return store.write(who, use_case)


def list_checks(store: Store, project: str, name: str, label: str) -> tuple[CheckResult, ...]:
    """Return every result that was reported on a version, oldest first."""

    def use_case(session: Session) -> tuple[CheckResult, ...]:
        stored = model_rows.load_model(session, project, name)
        key, _ = version_rows.load_version(session, stored, label)
        return rows.list_checks(session, key)

    return store.snapshot(use_case)


def waive_scan(
    store: Store, who: Caller, project: str, name: str, label: str, path: str, reason: str
) -> Waiver:
    """Answer for a file (or ``*``, all) that is not proved harmless. Needs ``scan.waive``.

    Holds for the files as they are; open requests that waited for it are carried out.
    """
    path = names.plain_text(path, "path", store.limits.uri_chars_max)
    reason = names.plain_text(reason, "reason", store.limits.comment_chars_max)
    if not reason.strip():
        raise InvalidInput(detail="A waiver needs a reason, which goes on record", field="reason")

    def use_case(session: Session) -> Waiver:
        candidate = lock_candidate(store, session, project, name, label)
        guard.require_here(session, access.WAIVE, candidate.stored)
        waiver = Waiver(
            path=path,
            reason=reason,
            by=who.name,
            at=session.now,
            digest=candidate.version.digest,
        )
        rows.add_waiver(session, candidate.key, waiver)
        model_rows.touch_model(session, candidate.stored)
        record(
            session,
            candidate.stored.project_id,
            who.name,
            "waive",
            model=candidate.version.model,
            version=candidate.version.label,
            detail={"path": path, "reason": reason, "digest": candidate.version.digest},
        )
        settle(store, session, candidate)
        return waiver

    return store.write(who, use_case)
