"""Registration: new models and new versions of them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lockgate.domain import names
from lockgate.domain.frozen import EMPTY, FrozenDict
from lockgate.domain.history import Transition
from lockgate.domain.lifecycles import TRANSITION, Lifecycle, Stage
from lockgate.domain.models import RegisteredModel
from lockgate.domain.names import Limits, Scalar
from lockgate.domain.permissions import PROMOTE, REGISTER, REGISTER_MODEL
from lockgate.domain.references import parse_reference
from lockgate.domain.versions import NO_SOURCES, ModelVersion, Sources
from lockgate.errors import (
    AlreadyExists,
    InvalidInput,
    LimitExceeded,
    PolicyViolated,
    TransitionNotAllowed,
)
from lockgate.services.gates import judge, lock_candidate, plan_of
from lockgate.services.labels import label_of
from lockgate.services.lifecycles import find_key
from lockgate.services.lineage import keep_parents
from lockgate.storage import guard, history
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.models import StoredModel
from lockgate.storage.passages import Passage, apply_plan
from lockgate.storage.projects import load_project, project_id
from lockgate.storage.store import Caller, Store


@dataclass(frozen=True, kw_only=True)
class NewModel:
    """What a caller says of a new model, validated."""

    name: str
    owner: str = ""
    description: str = ""
    tags: FrozenDict[str, str] = EMPTY
    lifecycle: str | None = None
    lifecycle_revision: int | None = None


@dataclass(frozen=True, kw_only=True)
class NewVersion:
    """What a caller says of a new version, validated."""

    label: str | None = None
    stage: str | None = None
    description: str = ""
    artifact_uri: str | None = None
    digest: str | None = None
    metrics: FrozenDict[str, int | float] = EMPTY
    params: FrozenDict[str, Scalar] = EMPTY
    tags: FrozenDict[str, str] = EMPTY
    metadata: FrozenDict[str, Any] = EMPTY
    sources: Sources = NO_SOURCES
    # Where an imported version comes from, for the record.
    origin: FrozenDict[str, Any] = EMPTY


def new_model(limits: Limits, name: Any, **words: Any) -> NewModel:
    """Return the caller's words about a model, validated. Raises `InvalidInput`."""
    return NewModel(
        name=names.model_name(name, limits),
        owner=names.key_name(words["owner"], "owner", limits) if words.get("owner") else "",
        description=description_of(limits, words.get("description")),
        tags=names.tags(words.get("tags"), limits),
        lifecycle=words.get("lifecycle"),
        lifecycle_revision=words.get("lifecycle_revision"),
    )


def new_version(limits: Limits, **words: Any) -> NewVersion:
    """Return the caller's words about a version, validated. Raises `InvalidInput`."""
    label = words.get("version")
    uri = words.get("artifact_uri")
    return NewVersion(
        label=None if label is None else names.version_label(label, limits),
        stage=words.get("stage"),
        description=description_of(limits, words.get("description")),
        artifact_uri=None
        if uri is None
        else names.plain_text(uri, "artifact_uri", limits.uri_chars_max),
        metrics=names.metrics(words.get("metrics"), limits),
        params=names.params(words.get("params"), limits),
        tags=names.tags(words.get("tags"), limits),
        metadata=names.metadata(words.get("metadata"), limits),
        sources=sources_of(limits, words),
    )


def description_of(limits: Limits, text: Any) -> str:
    """Return a description, validated; None is an empty one."""
    if text is None:
        return ""
    return names.plain_text(text, "description", limits.description_chars_max)


def sources_of(limits: Limits, words: dict[str, Any]) -> Sources:
    """Return where a version came from, validated."""

    def text(field: str, chars_max: int = limits.uri_chars_max) -> str | None:
        value = words.get(field)
        return None if value is None else names.plain_text(value, field, chars_max)

    parents: Any = words.get("parents") or ()
    if isinstance(parents, (str, bytes, Mapping)) or not isinstance(parents, Collection):
        raise InvalidInput(
            detail=f"parents must be a list of references, got {parents!r:.60}", field="parents"
        )
    if len(parents) > limits.entries_max:
        raise LimitExceeded(
            what="The number of parents", observed=len(parents), limit=limits.entries_max
        )
    return Sources(
        run_id=text("run_id", limits.run_id_chars_max),
        dataset=text("dataset"),
        code=text("code"),
        parents=tuple(str(parse_reference(parent)) for parent in parents),
    )


def create_model(store: Store, who: Caller, project: str, new: NewModel) -> RegisteredModel:
    """Make a model. A name that is taken is settled by the lifecycle of the model that has it."""

    def use_case(session: Session) -> RegisteredModel:
        guard.require(session, REGISTER_MODEL, project_id(session, project), project)
        found = model_rows.find_model(session, project, new.name)
        if found is None:
            return _add_model(store, session, who, project, new).model
        if store.lifecycles.load(session, found.lifecycle_id).on_duplicate_model == "conflict":
            raise AlreadyExists(kind="Model", name=f"{project}/{new.name}", model=new.name)
        return found.model

    return store.write(who, use_case)


def register_version(
    store: Store, who: Caller, project: str, model: NewModel, new: NewVersion
) -> ModelVersion:
    """Register a version, and the model with it when the name is new.

    A label that is taken is the lifecycle's ``on_duplicate_version``.
    """

    return store.write(who, lambda session: register_in(store, session, who, project, model, new))


def register_known(
    store: Store, who: Caller, project: str, name: str, new: NewVersion
) -> ModelVersion:
    """Register a version of a model that is there already. Raises `ModelNotFound`."""

    def use_case(session: Session) -> ModelVersion:
        stored = model_rows.lock_model(session, project, name)
        return _register(store, session, who, stored, new)

    return store.write(who, use_case)


def register_in(
    store: Store, session: Session, who: Caller, project: str, model: NewModel, new: NewVersion
) -> ModelVersion:
    """Register a version within a transaction that is under way; see `register_version`."""
    stored = model_rows.find_locked_model(session, project, model.name)
    if stored is None:
        guard.require(session, REGISTER, project_id(session, project), project)
        _add_model(store, session, who, project, model)
        stored = model_rows.lock_model(session, project, model.name)
    return _register(store, session, who, stored, new)


def _register(
    store: Store, session: Session, who: Caller, stored: StoredModel, new: NewVersion
) -> ModelVersion:
    """Register a version of a locked model."""
    guard.require_here(session, REGISTER, stored)
    lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
    label = label_of(session, lifecycle, stored, new.label)
    existing = version_rows.find_key(session, stored, label) if new.label else None
    if existing is not None and version_rows.label_taken(session, stored.id, label):
        return _duplicate(session, lifecycle, stored, label, existing)
    stage = _initial_stage(lifecycle, new.stage)
    version = _add_version(store, session, who, stored, lifecycle, label, new)
    if stage.name == lifecycle.initial:
        return version
    return _enter(store, session, who, stored, version.label, stage)


def _enter(
    store: Store, session: Session, who: Caller, stored: StoredModel, label: str, stage: Stage
) -> ModelVersion:
    """Take a new version to the stage its creator chose: on record, and by the same rules."""
    model = stored.model
    guard.require_here(session, PROMOTE, stored)
    guard.require_unprotected(session, stored, "stage", stage.name)
    candidate = lock_candidate(store, session, model.project, model.name, label)
    plan = plan_of(session, candidate, stage, TRANSITION)
    report = judge(store, session, candidate, stage)
    if not report.allowed:
        raise PolicyViolated(
            detail=report.sentence,
            model=model.name,
            version=label,
            from_stage=candidate.version.stage,
            to_stage=stage.name,
            report=report.to_document(),
        )
    passage = Passage(actor=who.name, report=report.to_document() if report.rows else None)
    standing = (candidate.key, candidate.version)
    apply_plan(session, stored, candidate.lifecycle, plan, passage, standing)
    return version_rows.load_version(session, stored, label)[1]


def _lifecycle_key(session: Session, project: str, new: NewModel) -> int:
    name = new.lifecycle or load_project(session, project).lifecycle
    return find_key(session, name, new.lifecycle_revision)


def _add_model(
    store: Store, session: Session, who: Caller, project: str, new: NewModel
) -> StoredModel:
    lifecycle_key = _lifecycle_key(session, project, new)
    lifecycle = store.lifecycles.load(session, lifecycle_key)
    session.settle_time(0)
    key = project_id(session, project)
    guard.require(session, REGISTER_MODEL, key, project)
    model = RegisteredModel(
        uid=uuid.uuid4().hex,
        project=project,
        name=new.name,
        owner=new.owner or who.name,
        description=new.description,
        tags=new.tags,
        lifecycle=lifecycle.name,
        lifecycle_revision=lifecycle.revision,
        created_by=who.name,
        created_at=session.now,
        updated_at=session.now,
    )
    model_rows.insert_model(session, model, key, lifecycle_key)
    record(
        session,
        key,
        who.name,
        "create_model",
        model=model.name,
        detail={
            "lifecycle": lifecycle.name,
            "lifecycle_revision": lifecycle.revision,
            "owner": model.owner,
        },
    )
    return model_rows.load_model(session, project, new.name)


def _duplicate(
    session: Session,
    lifecycle: Lifecycle,
    stored: StoredModel,
    label: str,
    existing: tuple[int, bool],
) -> ModelVersion:
    key, deleted = existing
    if lifecycle.on_duplicate_version == "return_existing" and not deleted:
        return version_rows.load_version_by_id(session, key, stored.model.name)
    name = f"{stored.model.full_name}:{label}"
    error = AlreadyExists(kind="Version", name=name, model=stored.model.name, version=label)
    if deleted:
        error.add_note("It was deleted; restore it, or choose another label.")
    raise error


def _initial_stage(lifecycle: Lifecycle, asked: str | None) -> Stage:
    initial = lifecycle.stage(lifecycle.initial)
    if asked is None:
        return initial
    stage = lifecycle.stage(asked)
    if stage != initial and not lifecycle.initial_choice:
        raise TransitionNotAllowed(
            detail=f"Versions under lifecycle '{lifecycle.name}' begin in {initial.name}, not in "
            f"{stage.name}; register first, then promote.",
            lifecycle=lifecycle.name,
            to_stage=stage.name,
            allowed=[{"verb": "register", "stage": initial.name}],
        )
    return stage


def _add_version(
    store: Store,
    session: Session,
    who: Caller,
    stored: StoredModel,
    lifecycle: Lifecycle,
    label: str,
    new: NewVersion,
) -> ModelVersion:
    initial = lifecycle.stage(lifecycle.initial)
    now = session.now
    version = ModelVersion(
        uid=uuid.uuid4().hex,
        project=stored.model.project,
        model=stored.model.name,
        label=label,
        seq=stored.next_seq,
        stage=initial.name,
        stage_since=now,
        description=new.description,
        artifact_uri=new.artifact_uri,
        digest=new.digest,
        metrics=new.metrics,
        params=new.params,
        tags=new.tags,
        metadata=new.metadata,
        sources=new.sources,
        created_by=who.name,
        created_at=now,
        updated_at=now,
    )
    key = version_rows.insert_version(session, stored, version, initial.exclusive)
    keep_parents(store, session, key, version)
    history.record_passage(session, stored, key, _birth(version, who), first=True)
    after = replace(
        stored,
        next_seq=stored.next_seq + 1,
        model=replace(
            stored.model,
            version_count=stored.model.version_count + 1,
            latest_version=version.label,
            updated_at=now,
        ),
    )
    model_rows.update_model(session, stored, after)
    record(
        session,
        stored.project_id,
        who.name,
        "register_version",
        model=version.model,
        version=version.label,
        detail={
            "seq": version.seq,
            "stage": version.stage,
            "artifact_uri": version.artifact_uri,
            "digest": version.digest,
            "metrics": version.metrics,
            "run_id": version.run_id,
            **({"origin": new.origin} if new.origin else {}),
        },
    )
    return version


def _birth(version: ModelVersion, who: Caller) -> Transition:
    return Transition(
        uid=uuid.uuid4().hex,
        project=version.project,
        model=version.model,
        version=version.label,
        from_stage=version.stage,
        to_stage=version.stage,
        verb="register",
        actor=who.name,
        at=version.created_at,
    )
