"""Settling: what becomes of a version's open requests after its evidence changed."""

from __future__ import annotations

from lockgate.domain.approvals import PromotionRequest, RequestStatus
from lockgate.domain.gates import GateReport, next_step
from lockgate.domain.lifecycles import TRANSITION
from lockgate.errors import TransitionNotAllowed
from lockgate.services.gates import Candidate, judge, load_candidate, plan_of
from lockgate.storage import requests as rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.passages import Passage, apply_plan
from lockgate.storage.store import Store


def settle(store: Store, session: Session, candidate: Candidate) -> None:
    """Reject, carry out or leave each open request of a locked version, in its transaction.

    A request is carried out in the name of who made it. The candidate is read anew, since the
    transaction may have changed it.
    """
    stored = candidate.stored
    for request in rows.open_requests(session, candidate.key):
        now = load_candidate(
            store, session, stored.model.project, stored.model.name, candidate.version.label
        )
        stage = now.lifecycle.find_stage(request.to_stage)
        if request.status_at(session.now) == "expired" or stage is None:
            close(session, now, request, "expired", request.requested_by)
            continue
        report = judge(store, session, now, stage)
        step = next_step(request, report)
        if step == "reject":
            close(session, now, request, "rejected", request.requested_by)
        elif step == "promote":
            _carry_out(session, now, request, report)


def close(
    session: Session,
    candidate: Candidate,
    request: PromotionRequest,
    status: RequestStatus,
    by: str,
) -> None:
    """Close a request and put on record how it ended."""
    rows.close_request(session, request.uid, status, by)
    record(
        session,
        candidate.stored.project_id,
        by,
        "complete_request",
        model=request.model,
        version=request.version,
        detail={"request": request.uid, "status": status, "to": request.to_stage},
    )


def _carry_out(
    session: Session, candidate: Candidate, request: PromotionRequest, report: GateReport
) -> None:
    stage = candidate.lifecycle.stage(request.to_stage)
    try:
        plan = plan_of(session, candidate, stage, TRANSITION)
    except TransitionNotAllowed:
        return  # it stands elsewhere by now; the request waits until a step leads there
    passage = Passage(
        actor=request.requested_by, comment=request.comment, report=report.to_document()
    )
    apply_plan(session, candidate.stored, candidate.lifecycle, plan, passage)
    close(session, candidate, request, "completed", request.requested_by)
