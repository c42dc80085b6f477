"""Settling: what becomes of a version's open requests after its evidence changed."""

from __future__ import annotations

from collections.abc import Callable

from lockgate.domain.approvals import Decision, PromotionRequest, RequestStatus
from lockgate.domain.gates import GateReport, next_step
from lockgate.domain.lifecycles import TRANSITION
from lockgate.domain.permissions import PROMOTE, SETTLE
from lockgate.errors import NotFound, TransitionNotAllowed
from lockgate.services.gates import Candidate, judge, lock_candidate, plan_of
from lockgate.storage import guard
from lockgate.storage import requests as rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.passages import Passage, apply_plan
from lockgate.storage.store import Caller, Store

SETTLED_MAX = 10_000


def settle(
    store: Store, session: Session, candidate: Candidate, rejection: Decision | None = None
) -> None:
    """Reject, carry out or leave each open request of a locked version, in its transaction.

    A request is carried out in the name of who made it. ``rejection`` is the one that was just
    made: the request that it answers may be over by it. Asked for again, a request waits for
    those who said no to change their mind. The candidate is read anew, since the transaction may
    have changed it.
    """
    stored = candidate.stored
    for request in rows.open_requests(session, candidate.key):
        now = lock_candidate(
            store, session, stored.model.project, stored.model.name, candidate.version.label
        )
        stage = now.lifecycle.find_stage(request.to_stage)
        if request.status_at(session.now) == "expired" or stage is None:
            close(session, now, request, "expired", request.requested_by)
            continue
        report = judge(store, session, now, stage)
        step = next_step(request, report)
        if step == "reject":
            if rejection is not None and rejection.request == request.uid:
                close(session, now, request, "rejected", rejection.actor)
        elif step == "promote":
            _carry_out(session, now, request, report)


def settle_project(store: Store, session: Session, project_id: int, model_id: int | None) -> None:
    """Settle what waits in a project, or at one model of it, whose models are locked."""
    found = rows.list_requests(
        session,
        before=2**62,
        count=SETTLED_MAX,
        project_id=project_id,
        model_id=model_id,
        status="open",
    )
    for project, model, version in {(r.project, r.model, r.version): None for _, r in found}:
        settle(store, session, lock_candidate(store, session, project, model, version))


def complete_requests(session: Session, candidate: Candidate, stage: str, by: str) -> None:
    """Close the open requests of a version that has just entered the stage they asked for."""
    for request in rows.open_requests(session, candidate.key):
        if request.to_stage == stage:
            close(session, candidate, request, "completed", by)


def settle_waiting(store: Store, who: Caller) -> int:
    """Settle every open request that is to happen by itself, each in its own transaction.

    For requirements that time alone meets (a soak, an expiry): the server asks now and then.
    Returns how many are no longer open.
    """
    if who.grant is not None:
        who.grant.require_everywhere(SETTLE)
    waiting = store.snapshot(rows.list_waiting)
    for request in waiting:
        store.write(who, _settling(store, request))
    return len(waiting) - len(store.snapshot(rows.list_waiting))


def _settling(store: Store, request: PromotionRequest) -> Callable[[Session], None]:
    def use_case(session: Session) -> None:
        try:
            candidate = lock_candidate(
                store, session, request.project, request.model, request.version
            )
        except NotFound:
            return  # deleted meanwhile, and its request with it
        settle(store, session, candidate)

    return use_case


def close(
    session: Session,
    candidate: Candidate,
    request: PromotionRequest,
    status: RequestStatus,
    by: str,
) -> None:
    """Close a request and put on record how it ended."""
    guard.vouch(session, PROMOTE, candidate.stored.project_id)
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
    who = request.requested_by
    if not guard.may_still(session, who, PROMOTE, candidate.stored, stage.name):
        return  # who asked lost the right to; somebody else may promote it
    guard.vouch(session, PROMOTE, candidate.stored.project_id)
    passage = Passage(
        actor=request.requested_by, comment=request.comment, report=report.to_document()
    )
    standing = (candidate.key, candidate.version)
    apply_plan(session, candidate.stored, candidate.lifecycle, plan, passage, standing)
    close(session, candidate, request, "completed", request.requested_by)
