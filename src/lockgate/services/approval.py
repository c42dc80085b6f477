"""Approval: ask for a promotion, and decide on it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lockgate.domain import access, names
from lockgate.domain.approvals import (
    Decision,
    DecisionVerdict,
    PromotionRequest,
    require_may_decide,
    require_may_withdraw,
)
from lockgate.domain.outcomes import Asked
from lockgate.domain.pages import Page
from lockgate.domain.permissions import ASK, PROMOTE
from lockgate.domain.policies import PromotionPolicy
from lockgate.errors import AlreadyExists, InvalidInput, RequestNotFound
from lockgate.services.gates import (
    Candidate,
    gather,
    judge,
    load_candidate,
    lock_candidate,
    policy_in_force,
)
from lockgate.services.paging import page_of
from lockgate.services.settling import settle
from lockgate.storage import evidence as evidence_rows
from lockgate.storage import guard
from lockgate.storage import models as model_rows
from lockgate.storage import requests as rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store

_NEWEST = 2**62


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody asks for: a stage, why, and whether it is to happen by itself."""

    to: str
    comment: str = ""
    auto_promote: bool = False
    expires_at: datetime | None = None


def request_promotion(
    store: Store, who: Caller, project: str, name: str, label: str, wish: Wish
) -> Asked:
    """Ask that a version be let into a stage.

    With ``auto_promote`` it is promoted as soon as the gate opens, at once if it is open.
    Raises `AlreadyExists` when the same is asked for already.
    """

    def use_case(session: Session) -> Asked:
        candidate = lock_candidate(store, session, project, name, label)
        guard.require_here(session, ASK, candidate.stored)
        stage = candidate.lifecycle.stage(wish.to)
        if wish.auto_promote:
            # What happens by itself happens in the name of who asked.
            guard.require_here(session, PROMOTE, candidate.stored)
            guard.require_unprotected(session, candidate.stored, "stage", stage.name)
        for other in rows.open_requests(session, candidate.key):
            if other.to_stage == stage.name:
                raise AlreadyExists(
                    kind="Request",
                    name=f"{candidate.version.reference} to {stage.name}",
                    request=other.uid,
                )
        if candidate.version.stage == stage.name:
            raise InvalidInput(
                detail=f"Version '{candidate.version.label}' stands in {stage.name} already",
                field="to",
            )
        request = PromotionRequest(
            uid=uuid.uuid4().hex,
            project=project,
            model=candidate.version.model,
            version=candidate.version.label,
            to_stage=stage.name,
            requested_by=who.name,
            created_at=session.now,
            comment=names.plain_text(wish.comment, "comment", store.limits.comment_chars_max),
            auto_promote=wish.auto_promote,
            expires_at=wish.expires_at,
        )
        stored = candidate.stored
        rows.add_request(session, stored.project_id, stored.id, candidate.key, request)
        model_rows.touch_model(session, stored)
        _record(
            session,
            candidate,
            who,
            "request_promotion",
            request,
            auto_promote=wish.auto_promote,
            comment=request.comment,
        )
        return _settled(store, session, candidate, request)

    return store.write(who, use_case)


def decide(store: Store, who: Caller, uid: str, verdict: DecisionVerdict, comment: str) -> Asked:
    """Approve or reject what a request asks for. Needs ``version.approve``.

    The decision is bound to the version's content and to the policy in force. Raises
    `RequestClosed`, `Conflict` for the author's own approval.
    """
    comment = names.plain_text(comment, "comment", store.limits.comment_chars_max)

    def use_case(session: Session) -> Asked:
        request = _load(session, uid)
        candidate = lock_candidate(store, session, request.project, request.model, request.version)
        request = _load(session, uid)  # again, now that nobody else can change it
        guard.require_here(session, access.APPROVE, candidate.stored)
        request.require_open(session.now)
        roles = guard.caller_roles(session, candidate.stored.project_id, request.project)
        stage = candidate.lifecycle.stage(request.to_stage)
        policy = policy_in_force(session, candidate.stored, candidate.lifecycle, stage)
        policy = policy or PromotionPolicy()
        require_may_decide(
            who.name,
            verdict,
            author=candidate.version.created_by,
            author_may_approve=policy.author_may_approve,
        )
        evidence = gather(store, session, candidate, stage, policy)
        decision = Decision(
            verdict=verdict,
            actor=who.name,
            to_stage=stage.name,
            at=session.now,
            content_digest=evidence.content_digest,
            content_parts=evidence.content_parts,
            policy_digest=policy.digest(),
            roles=frozenset(roles or ()),
            comment=comment,
            request=uid,
        )
        evidence_rows.add_decision(session, candidate.key, decision)
        model_rows.touch_model(session, candidate.stored)
        _record(
            session,
            candidate,
            who,
            verdict,
            request,
            comment=comment,
            content=decision.content_digest,
            policy=decision.policy_digest,
        )
        rejection = decision if verdict == "reject" else None
        return _settled(store, session, candidate, request, rejection)

    return store.write(who, use_case)


def withdraw(store: Store, who: Caller, uid: str, comment: str) -> PromotionRequest:
    """Take a request back: one's own, or anybody's with ``request.manage``."""
    comment = names.plain_text(comment, "comment", store.limits.comment_chars_max)

    def use_case(session: Session) -> PromotionRequest:
        request = _load(session, uid)
        candidate = lock_candidate(store, session, request.project, request.model, request.version)
        request = _load(session, uid)
        key = candidate.stored.project_id
        manages = guard.is_allowed(session, access.MANAGE_REQUESTS, key, request.project)
        if not manages:
            guard.require_here(session, ASK, candidate.stored)
        request.require_open(session.now)
        require_may_withdraw(request, who.name, may_manage=manages)
        guard.vouch(session, ASK, key)
        rows.close_request(session, uid, "withdrawn", who.name)
        model_rows.touch_model(session, candidate.stored)
        _record(session, candidate, who, "withdraw", request, comment=comment)
        return _load(session, uid)

    return store.write(who, use_case)


def get_request(store: Store, uid: str) -> Asked:
    """Return a request and what the gate says of it now. Raises `RequestNotFound`."""

    def use_case(session: Session) -> Asked:
        session.settle_time(0)
        request = _load(session, uid)
        candidate = load_candidate(store, session, request.project, request.model, request.version)
        return _asked(store, session, candidate, request)

    return store.snapshot(use_case)


@dataclass(frozen=True)
class Asking:
    """Which requests: of a project, a model of it, or a version of that; in any status or one."""

    project: str | None = None
    model: str | None = None
    version: str | None = None
    status: str | None = None


def list_requests(
    store: Store, asking: Asking, limit: int, cursor: str | None
) -> Page[PromotionRequest]:
    """Return a page of requests, newest first: the inbox, when ``status`` is open."""
    project, name, label = asking.project, asking.model, asking.version
    if label is not None and name is None:
        raise InvalidInput(detail="A version is one of a model: name the model too", field="model")
    keys: dict[str, int] = {}

    def fetch(before: int, count: int) -> list[PromotionRequest]:
        def use_case(session: Session) -> list[PromotionRequest]:
            filters: dict[str, Any] = {"status": asking.status}
            if name is not None:
                stored = model_rows.load_model(session, project or "", name)
                filters["model_id"] = stored.id
                if label is not None:
                    filters["version_id"] = version_rows.load_version(session, stored, label)[0]
            elif project is not None:
                filters["project_id"] = project_id(session, project)
            found = rows.list_requests(session, before=before, count=count, **filters)
            keys.update({request.uid: key for key, request in found})
            return [request for _, request in found]

        return store.snapshot(use_case)

    return page_of(
        store,
        f"requests {project} {name} {label} {asking.status}",
        limit,
        cursor,
        first=_NEWEST,
        fetch=fetch,
        position=lambda request: keys[request.uid],
    )


def _settled(
    store: Store,
    session: Session,
    candidate: Candidate,
    request: PromotionRequest,
    rejection: Decision | None = None,
) -> Asked:
    settle(store, session, candidate, rejection)
    after = lock_candidate(store, session, request.project, request.model, request.version)
    return _asked(store, session, after, _load(session, request.uid))


def _asked(
    store: Store, session: Session, candidate: Candidate, request: PromotionRequest
) -> Asked:
    stage = candidate.lifecycle.stage(request.to_stage)
    report = judge(store, session, candidate, stage)
    return Asked(request=replace(request, status=request.status_at(session.now)), report=report)


def _load(session: Session, uid: str) -> PromotionRequest:
    request = rows.find_request(session, uid)
    if request is None:
        raise RequestNotFound(request=uid)
    return request


def _record(
    session: Session,
    candidate: Candidate,
    who: Caller,
    action: str,
    request: PromotionRequest,
    **detail: Any,
) -> None:
    record(
        session,
        candidate.stored.project_id,
        who.name,
        action,
        model=request.model,
        version=request.version,
        detail={"request": request.uid, "to": request.to_stage, **detail},
    )
