"""Inboxes: which open requests wait for one person's decision."""

from __future__ import annotations

from lockgate.domain.access import APPROVE
from lockgate.domain.approvals import (
    PromotionRequest,
    content_digest,
    content_parts,
    latest_decisions,
    void_reason,
)
from lockgate.domain.pages import Page
from lockgate.domain.policies import PromotionPolicy
from lockgate.services.gates import load_candidate, policy_in_force
from lockgate.services.paging import page_of
from lockgate.storage import evidence as evidence_rows
from lockgate.storage import guard
from lockgate.storage import requests as rows
from lockgate.storage.database import Session
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store

LOOKED_AT_MAX = 2_000
_BATCH = 200
_NEWEST = 2**62


def list_mine(
    store: Store, who: Caller, project: str | None, limit: int, cursor: str | None
) -> Page[PromotionRequest]:
    """Return a page of the open requests that the caller may approve and has not decided.

    Newest first, of the newest `LOOKED_AT_MAX`. A decision that no longer counts, because the
    version or the policy changed since, is none.
    """
    keys: dict[str, int] = {}

    def fetch(before: int, count: int) -> list[PromotionRequest]:
        def use_case(session: Session) -> list[PromotionRequest]:
            session.settle_time(0)
            filters = {"project_id": None if project is None else project_id(session, project)}
            found: list[PromotionRequest] = []
            last = before
            for _ in range(LOOKED_AT_MAX // _BATCH):
                batch = rows.list_requests(
                    session, before=last, count=_BATCH, status="open", **filters
                )
                keys.update({request.uid: key for key, request in batch})
                found += _waiting_for(store, session, who, batch)
                if len(batch) < _BATCH or len(found) >= count:
                    break
                last = batch[-1][0]
            return found[:count]

        return store.snapshot(use_case, who)

    return page_of(
        store,
        f"inbox of {who.name} in {project}",
        limit,
        cursor,
        first=_NEWEST,
        fetch=fetch,
        position=lambda request: keys[request.uid],
    )


def _waiting_for(
    store: Store, session: Session, who: Caller, batch: list[tuple[int, PromotionRequest]]
) -> list[PromotionRequest]:
    """Return the requests of a batch that the caller may decide, and has not."""
    projects = {request.project for _, request in batch}
    open_to = {
        name for name in projects if guard.may(session, APPROVE, project_id(session, name), name)
    }
    asked = [
        (key, request)
        for key, request in batch
        if request.project in open_to and request.status_at(session.now) == "open"
    ]
    known = rows.bearing_on(session, [key for key, _ in asked], who.name)
    return [
        request
        for key, request in asked
        if known[key] == (False, False) or _open_to(store, session, who, request, *known[key])
    ]


def _open_to(
    store: Store,
    session: Session,
    who: Caller,
    request: PromotionRequest,
    is_author: bool,
    has_decided: bool,
) -> bool:
    """Say whether somebody who wrote the version, or has decided, may (again)."""
    candidate = load_candidate(store, session, request.project, request.model, request.version)
    stage = candidate.lifecycle.stage(request.to_stage)
    policy = policy_in_force(session, candidate.stored, candidate.lifecycle, stage)
    policy = policy or PromotionPolicy()
    if is_author and not policy.author_may_approve:
        return False
    if not has_decided:
        return True
    decisions = evidence_rows.list_decisions(session, candidate.key)
    return not any(
        each.actor == who.name
        and void_reason(
            each,
            content=content_digest(candidate.version),
            parts=content_parts(candidate.version),
            policy=policy.digest(),
        )
        is None
        for each in latest_decisions(decisions, stage.name)
    )
