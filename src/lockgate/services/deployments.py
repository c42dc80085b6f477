"""Deployments: report, keep alive, end and list them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from lockgate.domain.deployments import REPORTED, Deployment
from lockgate.domain.pages import Page
from lockgate.domain.permissions import REPORT_DEPLOYMENT
from lockgate.errors import DeploymentNotFound, InvalidInput
from lockgate.services.paging import page_of
from lockgate.storage import deployments as rows
from lockgate.storage import guard
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store


@dataclass(frozen=True, kw_only=True)
class Report:
    """What somebody says about a deployment."""

    environment: str
    target: str = ""
    status: str = "running"
    url: str | None = None
    heartbeat_s: int | None = None


def report_deployment(
    store: Store, who: Caller, project: str, name: str, label: str, report: Report
) -> Deployment:
    """Put on record that a version runs at a target; another one that ran there has ended.

    Reporting the same again is a sign of life; only what changed is an event.
    """
    if report.status not in REPORTED:
        raise InvalidInput(
            detail=f"The status of a deployment is {', '.join(REPORTED)}, "
            f"got {report.status!r:.60}; end_deployment ends one",
            field="status",
        )

    def use_case(session: Session) -> Deployment:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, REPORT_DEPLOYMENT, stored)
        key, version = version_rows.load_version(session, stored, label)
        found = rows.find_open_at(session, stored.id, report.environment, report.target)
        made = Deployment(
            uid=uuid.uuid4().hex,
            project=project,
            model=stored.model.name,
            version=version.label,
            digest=version.digest,
            reported_by=who.name,
            reported_at=session.now,
            seen_at=session.now,
            **vars(report),
        )
        if found is not None and found[1].version == version.label:
            before = found[1]
            after = replace(
                before,
                status=made.status,
                url=made.url,
                heartbeat_s=made.heartbeat_s,
                seen_at=session.now,
            )
            rows.update_deployment(session, found[0], after)
            if (before.status, before.url) != (after.status, after.url):
                _record(session, stored.project_id, who, "report_deployment", after)
            return after
        if found is not None:
            rows.update_deployment(session, found[0], _ended(session, who, found[1]))
        rows.add_deployment(session, stored.project_id, stored.id, key, made)
        previous = None if found is None else found[1].version
        _record(session, stored.project_id, who, "report_deployment", made, previous=previous)
        return made

    return store.write(who, use_case)


def heartbeat_deployment(store: Store, who: Caller, uid: str) -> Deployment:
    """Give a sign of life. Raises `DeploymentNotFound` for one that has ended."""

    def use_case(session: Session) -> Deployment:
        session.settle_time(0)
        key, before = _load(session, uid)
        _require_reporter(session, before)
        if before.ended_at is not None:
            raise DeploymentNotFound(deployment=uid)
        after = replace(before, seen_at=session.now)
        rows.update_deployment(session, key, after)
        return after

    return store.write(who, use_case)


def end_deployment(store: Store, who: Caller, uid: str) -> Deployment:
    """Put on record that a version runs at a target no more; one that has ended stays so."""

    def use_case(session: Session) -> Deployment:
        session.settle_time(0)
        key, before = _load(session, uid)
        _require_reporter(session, before)
        if before.ended_at is not None:
            return before
        after = _ended(session, who, before)
        rows.update_deployment(session, key, after)
        _record(session, project_id(session, before.project), who, "end_deployment", after)
        return after

    return store.write(who, use_case)


def get_deployment(store: Store, uid: str) -> Deployment:
    """Return a deployment. Raises `DeploymentNotFound`."""
    return store.read(lambda session: _load(session, uid)[1])


def list_deployments(
    store: Store,
    project: str,
    model: str | None,
    environment: str | None,
    include_ended: bool,
    limit: int,
    cursor: str | None,
) -> Page[Deployment]:
    """Return a page of a project's deployments, newest first."""

    def fetch(before: int, count: int) -> list[tuple[int, Deployment]]:
        def use_case(session: Session) -> list[tuple[int, Deployment]]:
            model_id = None if model is None else model_rows.load_model(session, project, model).id
            return rows.list_deployments(
                session,
                project_id(session, project),
                before,
                count,
                not include_ended,
                model_id=model_id,
                environment=environment,
            )

        return store.snapshot(use_case)

    page = page_of(
        store,
        f"deployments {project} {model} {environment} {include_ended}",
        limit,
        cursor,
        first=2**62,
        fetch=fetch,
        position=lambda each: each[0],
    )
    return page.map(lambda each: each[1])


def _load(session: Session, uid: str) -> tuple[int, Deployment]:
    found = rows.find_deployment(session, uid)
    if found is None or not session.sees(found[1].project):
        raise DeploymentNotFound(deployment=uid)
    return found


def _require_reporter(session: Session, deployment: Deployment) -> None:
    project = deployment.project
    guard.require(session, REPORT_DEPLOYMENT, project_id(session, project), project)


def _ended(session: Session, who: Caller, before: Deployment) -> Deployment:
    return replace(before, status="ended", ended_at=session.now, ended_by=who.name)


def _record(
    session: Session,
    key: int,
    who: Caller,
    action: str,
    deployment: Deployment,
    previous: str | None = None,
) -> None:
    record(
        session,
        key,
        who.name,
        action,
        model=deployment.model,
        version=deployment.version,
        detail={
            "deployment": deployment.uid,
            "environment": deployment.environment,
            "target": deployment.target,
            "status": deployment.status,
            "digest": deployment.digest,
            "previous": previous,
        },
    )
