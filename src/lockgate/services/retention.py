"""Retention: deleting models and versions, and bringing them back."""

from __future__ import annotations

import uuid
from dataclasses import replace

from lockgate.domain.frozen import EMPTY
from lockgate.domain.history import Transition
from lockgate.domain.lifecycles import Lifecycle
from lockgate.domain.models import RegisteredModel
from lockgate.domain.permissions import DELETE, DELETE_MODEL
from lockgate.domain.versions import ModelVersion
from lockgate.errors import AlreadyExists, Conflict, InUse, ModelNotFound, VersionNotFound
from lockgate.services.usage import USERS_TOLD_MAX, deployed, require_unused, usage_of, users_of
from lockgate.storage import artifacts as artifact_rows
from lockgate.storage import deployments as deployment_rows
from lockgate.storage import guard, history
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.models import StoredModel
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store


def delete_model(
    store: Store, who: Caller, project: str, name: str, force: bool, reason: str = ""
) -> None:
    """Delete a model; it can be restored as it was. Its events stay.

    Raises `InUse` while a version is in production or deployed, unless forced; what is deployed
    needs a ``reason`` as well.
    """

    def use_case(session: Session) -> None:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, DELETE_MODEL, stored)
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        serving = lifecycle.serving_stage.name
        users = [label for _, label in history.standing_in(session, stored.id, serving)]
        if users and lifecycle.protects(lifecycle.serving_stage) and not force:
            raise InUse(
                kind="Model",
                name=stored.model.full_name,
                detail=f"version '{users[0]}' stands in {serving}; move it first, or force",
                users=[f"{stored.model.full_name}:{label}" for label in users],
            )
        deployments = deployment_rows.open_of_model(session, stored.id)
        why = require_unused(
            store, "Model", stored.model.full_name, deployed(session, deployments), force, reason
        )
        history.close_model(session, stored.id, who.name)
        gone = replace(stored.model, deleted_at=session.now, updated_at=session.now)
        model_rows.update_model(session, stored, replace(stored, model=gone))
        detail = {"reason": why} if why else {}
        record(session, stored.project_id, who.name, "delete_model", model=name, detail=detail)

    store.write(who, use_case)


def restore_model(store: Store, who: Caller, project: str, name: str) -> RegisteredModel:
    """Bring back the model of this name that was deleted last, with its stages and aliases.

    Raises `AlreadyExists` when the name has been taken since.
    """

    def use_case(session: Session) -> RegisteredModel:
        guard.require(session, DELETE_MODEL, project_id(session, project), project)
        if model_rows.find_model(session, project, name) is not None:
            raise AlreadyExists(kind="Model", name=f"{project}/{name}", model=name)
        stored = model_rows.lock_deleted_model(session, project, name)
        if stored is None:
            raise ModelNotFound(model=name, project=project)
        if artifact_rows.has_purged(session, stored.id):
            raise _gone(stored.model.full_name)
        back = replace(stored.model, deleted_at=None, updated_at=session.now)
        model_rows.update_model(session, stored, replace(stored, model=back))
        for key, label, stage, aliases in history.live_versions(session, stored.id):
            stay = _stay(stored, label, stage, who, session)
            history.record_passage(session, stored, key, stay, first=True)
            for alias in aliases:
                history.reopen_alias(session, stored, key, alias, who.name)
        record(session, stored.project_id, who.name, "restore_model", model=name)
        return model_rows.load_model(session, project, name).model

    return store.write(who, use_case)


def delete_version(
    store: Store,
    who: Caller,
    project: str,
    name: str,
    label: str,
    force: bool,
    reason: str = "",
) -> None:
    """Delete a version; it can be restored.

    Raises `InUse` while it is in production, in an exclusive stage, or named by an alias, unless
    forced; its aliases then go with it. While others use it (it is deployed, was just pulled, or
    lies in a cache) a ``reason`` is needed as well.
    """
    cached = list(usage_of(store).cached())

    def use_case(session: Session) -> None:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, DELETE, stored)
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        key, version = version_rows.load_version(session, stored, label)
        others = users_of(session, key, version, cached, but=who.name)
        users = _users(lifecycle, version)
        if users and not force:
            users += map(str, others)
            raise InUse(
                kind="Version",
                name=version.reference,
                detail=f"{'; '.join(users[:USERS_TOLD_MAX])}; change that first, or force",
                users=users,
            )
        why = require_unused(store, "Version", version.reference, others, force, reason)
        for alias in version.aliases:
            history.close_alias(session, stored, alias, who.name)
        history.close_stay(session, key, who.name)
        gone = replace(version, deleted_at=session.now, aliases=())
        version_rows.update_version(session, key, version, gone, exclusive=False)
        _count(session, stored, -1, dropped=version.aliases)
        record(
            session,
            stored.project_id,
            who.name,
            "delete_version",
            model=name,
            version=version.label,
            detail={
                "stage": version.stage,
                "aliases": list(version.aliases),
                **({"reason": why} if why else {}),
            },
        )

    store.write(who, use_case)


def restore_version(store: Store, who: Caller, project: str, name: str, label: str) -> ModelVersion:
    """Bring back a deleted version, in the initial stage and without aliases.

    What it had been promoted to, it is promoted to again, through the gates.
    """

    def use_case(session: Session) -> ModelVersion:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, DELETE, stored)
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        found = version_rows.find_key(session, stored, label)
        if found is None:
            raise VersionNotFound(version=label, model=name)
        key, deleted = found
        before = version_rows.load_version_by_id(session, key, name)
        if not deleted:
            return before
        if artifact_rows.is_purged(session, key):
            raise _gone(before.reference)
        initial = lifecycle.stage(lifecycle.initial)
        after = replace(before, deleted_at=None, stage=initial.name, stage_since=session.now)
        version_rows.update_version(session, key, before, after, initial.exclusive)
        stay = _stay(stored, before.label, initial.name, who, session)
        history.record_passage(session, stored, key, stay, first=True)
        _count(session, stored, +1)
        record(
            session,
            stored.project_id,
            who.name,
            "restore_version",
            model=name,
            version=before.label,
            detail={"stage": initial.name},
        )
        return version_rows.load_version_by_id(session, key, name)

    return store.write(who, use_case)


def _gone(name: str) -> Conflict:
    return Conflict(
        detail=f"{name} cannot be restored: it was deleted too long ago, and `lockgate gc` has "
        "swept its files.",
        name=name,
    )


def _users(lifecycle: Lifecycle, version: ModelVersion) -> list[str]:
    users = [f"alias '{alias}' names it" for alias in version.aliases]
    stage = lifecycle.stage(version.stage)
    if lifecycle.protects(stage):
        users.append(f"it stands in {stage.name}")
    return users


def _count(
    session: Session, stored: StoredModel, change: int, dropped: tuple[str, ...] = ()
) -> None:
    """Bring the model's own row up to date after a version went or came back."""
    model = stored.model
    left = {alias: label for alias, label in model.aliases.items() if alias not in dropped}
    after = replace(
        model,
        version_count=model.version_count + change,
        latest_version=version_rows.latest_label(session, stored.id),
        aliases=EMPTY if not left else type(EMPTY)(left),
        updated_at=session.now,
    )
    model_rows.update_model(session, stored, replace(stored, model=after))


def _stay(stored: StoredModel, label: str, stage: str, who: Caller, session: Session) -> Transition:
    return Transition(
        uid=uuid.uuid4().hex,
        project=stored.model.project,
        model=stored.model.name,
        version=label,
        from_stage=stage,
        to_stage=stage,
        verb="restore",
        actor=who.name,
        at=session.now,
    )
