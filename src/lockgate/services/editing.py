"""Editing: what may change of a model or a version after it was registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lockgate.domain import names
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.lifecycles import Lifecycle
from lockgate.domain.models import RegisteredModel
from lockgate.domain.names import Limits
from lockgate.domain.permissions import EDIT, EDIT_MODEL, WRITE_POLICY
from lockgate.domain.versions import ModelVersion
from lockgate.errors import AlreadyExists, Conflict, InvalidInput, StaleRevision, VersionSealed
from lockgate.services.gates import lock_candidate
from lockgate.services.lifecycles import find_key
from lockgate.services.settling import settle
from lockgate.storage import guard, history, requests
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.encoding import to_json
from lockgate.storage.log import record
from lockgate.storage.models import StoredModel
from lockgate.storage.store import Caller, Store

MODEL_FIELDS = ("description", "owner", "tags", "new_name", "lifecycle", "lifecycle_revision")
VERSION_FIELDS = ("description", "tags", "params", "metadata", "artifact_uri")


@dataclass(frozen=True, slots=True)
class Exactly:
    """As the value of a mapping's change: these entries in this order, and no others."""

    value: Any


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Changes by field name; a field that is not there stays as it is.

    ``tags``, ``params`` and ``metadata`` are merged into what is there; a value of None takes
    the key away, and `Exactly` replaces all there is. ``revision`` is the one the caller saw,
    checked when it is not None.
    """

    changes: Mapping[str, Any]
    revision: int | None = None


def update_model(store: Store, who: Caller, project: str, name: str, edit: Edit) -> RegisteredModel:
    """Change a model: description, owner, tags, name, or the lifecycle revision it is pinned to.

    A lifecycle is changed only when every version stands in a stage that the new one has.
    Raises `StaleRevision`, `AlreadyExists` for a name that is taken.
    """
    _refuse_unknown(edit, MODEL_FIELDS)

    def use_case(session: Session) -> RegisteredModel:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, EDIT_MODEL, stored)
        _require_revision(edit, "Model", stored.model.full_name, stored.model.revision)
        after = _edited_model(session, store, stored, edit.changes)
        untouched = after.model == stored.model and _same(after.model.tags, stored.model.tags)
        if untouched and after.lifecycle_id == stored.lifecycle_id:
            return stored.model
        after = replace(after, model=replace(after.model, updated_at=session.now))
        model_rows.update_model(session, stored, after)
        _record_model(session, who, stored, after)
        return model_rows.load_model(session, project, after.model.name).model

    return store.write(who, use_case)


def update_version(
    store: Store, who: Caller, project: str, name: str, label: str, edit: Edit
) -> ModelVersion:
    """Change a version's description, tags, params, metadata or artifact URI."""
    _refuse_unknown(edit, VERSION_FIELDS)
    return _edit_version(store, who, project, name, label, edit, "update_version")


def log_metrics(
    store: Store, who: Caller, project: str, name: str, label: str, edit: Edit
) -> ModelVersion:
    """Add metrics to a version, or change them; a value of None takes one away."""
    _refuse_unknown(edit, ("metrics",))
    return _edit_version(store, who, project, name, label, edit, "log_metrics")


def _edit_version(
    store: Store, who: Caller, project: str, name: str, label: str, edit: Edit, action: str
) -> ModelVersion:
    def use_case(session: Session) -> ModelVersion:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, EDIT, stored)
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        key, before = version_rows.load_version(session, stored, label)
        _require_revision(edit, "Version", before.reference, before.revision)
        after = replace(before, **_version_changes(store.limits, before, edit.changes))
        changes = {
            field: [getattr(before, field), getattr(after, field)]
            for field in edit.changes
            if not _same(getattr(before, field), getattr(after, field))
        }
        if not changes:
            return before
        if after.artifact_uri != before.artifact_uri:
            _require_unsealed(lifecycle, before)
        exclusive = lifecycle.stage(before.stage).exclusive
        written = version_rows.update_version(session, key, before, after, exclusive)
        model_rows.touch_model(session, stored)
        detail: dict[str, Any] = {"changes": changes}
        if action == "log_metrics":
            detail = {"metrics": after.metrics}
        record(
            session,
            stored.project_id,
            who.name,
            action,
            model=name,
            version=before.label,
            detail=detail,
        )
        if requests.open_requests(session, key):
            settle(store, session, lock_candidate(store, session, project, name, label))
            return version_rows.load_version(session, stored, before.label)[1]
        return written

    return store.write(who, use_case)


def _require_unsealed(lifecycle: Lifecycle, version: ModelVersion) -> None:
    """What was looked at on the way up does not change: only a beginner's files may."""
    if version.digest is not None or version.stage != lifecycle.initial:
        raise VersionSealed(version=version.label, model=version.model, stage=version.stage)


def _edited_model(
    session: Session, store: Store, stored: StoredModel, changes: Mapping[str, Any]
) -> StoredModel:
    limits = store.limits
    model = stored.model
    lifecycle_id = stored.lifecycle_id
    if "description" in changes:
        text = names.plain_text(changes["description"], "description", limits.description_chars_max)
        model = replace(model, description=text)
    if "owner" in changes:
        model = replace(model, owner=names.key_name(changes["owner"], "owner", limits))
    if "tags" in changes:
        model = replace(model, tags=_merged(model.tags, changes["tags"], names.tags, limits))
    if "new_name" in changes:
        name = names.model_name(changes["new_name"], limits)
        if name != model.name and model_rows.find_model(session, model.project, name):
            raise AlreadyExists(kind="Model", name=f"{model.project}/{name}", model=name)
        model = replace(model, name=name)
    if "lifecycle" in changes or "lifecycle_revision" in changes:
        # Another lifecycle has other gates.
        guard.require_here(session, WRITE_POLICY, stored)
        wanted = changes.get("lifecycle") or model.lifecycle
        lifecycle_id = find_key(session, wanted, changes.get("lifecycle_revision"))
        lifecycle = store.lifecycles.load(session, lifecycle_id)
        _move_versions(session, store, stored, lifecycle)
        model = replace(model, lifecycle=lifecycle.name, lifecycle_revision=lifecycle.revision)
    return replace(stored, model=model, lifecycle_id=lifecycle_id)


def _move_versions(
    session: Session, store: Store, stored: StoredModel, lifecycle: Lifecycle
) -> None:
    """Check that every version has a place in ``lifecycle``, in the spelling that it has."""
    homeless: dict[str, list[str]] = {}
    holders: dict[str, list[str]] = {}
    respelt: list[tuple[int, str]] = []
    for key, label, stage, aliases in history.live_versions(session, stored.id):
        found = lifecycle.find_stage(stage)
        if found is None or found.name != stage:
            homeless.setdefault(stage, []).append(label)
            continue
        if found.exclusive:
            holders.setdefault(stage, []).append(label)
        respelt.append((key, stage))
        for alias in aliases:
            names.alias_name(alias, lifecycle.stage_words)
    crowded = {stage: labels for stage, labels in holders.items() if len(labels) > 1}
    former = store.lifecycles.load(session, stored.lifecycle_id)
    if homeless or crowded:
        parts = [
            f"it has no stage '{stage}', where {len(labels)} versions stand (such as {labels[0]})"
            for stage, labels in homeless.items()
        ] + [
            f"its stage '{stage}' is exclusive, and {len(labels)} versions stand there"
            for stage, labels in crowded.items()
        ]
        raise Conflict(
            detail=f"Model '{stored.model.name}' cannot move to lifecycle '{lifecycle.name}': "
            + "; ".join(parts)
            + _way_out(former, lifecycle),
            model=stored.model.name,
            lifecycle=lifecycle.name,
        )
    for key, stage in respelt:
        version = version_rows.load_version_by_id(session, key, stored.model.name)
        exclusive = lifecycle.stage(stage).exclusive
        old = former.stage(stage).exclusive
        if exclusive != old:
            version_rows.update_version(session, key, version, version, exclusive)


def _way_out(former: Lifecycle, lifecycle: Lifecycle) -> str:
    """Say where a version can stand under either lifecycle, if anywhere."""
    there = {stage.name for stage in lifecycle.stages}
    shared = [stage.name for stage in former.stages if stage.name in there]
    return f". First take them where both have a stage: {', '.join(shared)}" if shared else ""


def _version_changes(
    limits: Limits, before: ModelVersion, changes: Mapping[str, Any]
) -> dict[str, Any]:
    after: dict[str, Any] = {}
    for field, value in changes.items():
        if field == "description":
            after[field] = names.plain_text(value, field, limits.description_chars_max)
        elif field == "artifact_uri":
            after[field] = (
                None if value is None else names.plain_text(value, field, limits.uri_chars_max)
            )
        else:
            check = getattr(names, field)
            after[field] = _merged(getattr(before, field), value, check, limits)
    return after


def _same(old: Any, new: Any) -> bool:
    """Say whether two values read the same: to Python, 1 and true are equal, in any order."""
    if old is new:
        return True
    ordered = not isinstance(old, Mapping) or list(old) == list(new)
    return old == new and ordered and to_json(old) == to_json(new)


def _merged(old: FrozenDict[str, Any], new: Any, check: Any, limits: Limits) -> Any:
    """Merge validated entries into ``old``; None takes a key away."""
    if isinstance(new, Exactly):
        return check(new.value, limits)
    gone: list[str] = []
    if isinstance(new, Mapping):
        gone = [names.sought(key, "key") for key, value in new.items() if value is None]
        new = {key: value for key, value in new.items() if value is not None}
    kept = {key: value for key, value in old.items() if key not in gone}
    return check({**kept, **check(new, limits)}, limits)


def _record_model(session: Session, who: Caller, before: StoredModel, after: StoredModel) -> None:
    changes = {
        field: [getattr(before.model, field), getattr(after.model, field)]
        for field in ("name", "description", "owner", "tags")
        if getattr(before.model, field) != getattr(after.model, field)
    }
    if changes:
        record(
            session,
            before.project_id,
            who.name,
            "update_model",
            model=before.model.name,
            detail={"changes": changes},
        )
    if before.lifecycle_id != after.lifecycle_id:
        record(
            session,
            before.project_id,
            who.name,
            "move_lifecycle",
            model=after.model.name,
            detail={
                "from": [before.model.lifecycle, before.model.lifecycle_revision],
                "to": [after.model.lifecycle, after.model.lifecycle_revision],
            },
        )


def _require_revision(edit: Edit, kind: str, name: str, revision: int) -> None:
    if edit.revision is not None and edit.revision != revision:
        raise StaleRevision(kind=kind, name=name, revision=revision, expected=edit.revision)


def _refuse_unknown(edit: Edit, known: tuple[str, ...]) -> None:
    for field in edit.changes:
        if field not in known:
            raise InvalidInput(
                detail=f"{field!r} cannot be changed here; what can: {', '.join(known)}",
                field=field,
            )
