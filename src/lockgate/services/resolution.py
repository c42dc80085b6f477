"""Resolution: which version a reference means, now or at a moment in the past."""

from __future__ import annotations

from dataclasses import replace

from lockgate.domain import names
from lockgate.domain.history import Occupancy
from lockgate.domain.lifecycles import Lifecycle, Stage
from lockgate.domain.moments import from_micros
from lockgate.domain.references import Reference
from lockgate.domain.versions import ModelVersion
from lockgate.errors import AliasNotFound, StageEmpty, VersionNotFound
from lockgate.services.lifecycles import find_key
from lockgate.services.lookup import find_stamp
from lockgate.storage import history, log
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel
from lockgate.storage.store import Store
from lockgate.storage.versions import Stamp

OCCUPANCIES_MAX = 10_000


def get_version(store: Store, project: str, name: str, label: str) -> ModelVersion:
    """Return a version by its label or, if no label matches, by its number."""
    label = names.sought(label, "version")

    def use_case(session: Session) -> ModelVersion:
        stamp = find_stamp(session, project, name, label)
        if stamp is None:
            model_rows.load_model(session, project, name)
            raise VersionNotFound(version=label, model=name)
        return store.versions.load(session, stamp)

    return store.read(use_case)


def resolve(store: Store, reference: Reference, at_us: int | None) -> ModelVersion:
    """Return the version that ``reference`` means, at ``at_us`` if given.

    In the past, ``stage``, ``stage_since`` and ``aliases`` are those of that moment; metrics,
    tags and description are today's. Raises `AliasNotFound`, `StageEmpty`, `VersionNotFound`.
    """
    if at_us is not None:
        return _resolve_then(store, reference, at_us)
    project, name = reference.project, reference.model
    if reference.kind == "label":
        return get_version(store, project, name, reference.selector)
    if reference.kind == "latest":
        return get_latest(store, project, name, None)
    if reference.kind == "digest":
        return _by_digest(store, reference)
    return _by_word(store, project, name, reference.selector)


def get_latest(store: Store, project: str, name: str, stage: str | None) -> ModelVersion:
    """Return the latest version of a model, or the latest that stands in ``stage``."""

    def use_case(session: Session) -> ModelVersion:
        model_id, pin = model_rows.load_pin(session, project, name)
        if stage is not None:
            lifecycle = store.lifecycles.load(session, pin)
            return _in_stage(store, session, model_id, name, lifecycle.stage(stage))
        stamp = session.one(version_rows.LATEST_OF_MODEL, model_id=model_id)
        if stamp is None:
            raise VersionNotFound(version="latest", model=name)
        return store.versions.load(session, stamp)

    return store.read(use_case)


def list_latest(store: Store, project: str, name: str) -> tuple[ModelVersion, ...]:
    """Return the latest version of a model in each stage that has one, by stage."""

    def use_case(session: Session) -> tuple[ModelVersion, ...]:
        model_id, pin = model_rows.load_pin(session, project, name)
        lifecycle = store.lifecycles.load(session, pin)
        latest = version_rows.LATEST_OF_MODEL_IN_STAGE
        stamps = [
            session.one(latest, model_id=model_id, stage_key=stage.name.casefold())
            for stage in lifecycle.stages
        ]
        return tuple(store.versions.load_all(session, [s for s in stamps if s is not None]))

    return store.snapshot(use_case)


def serving(store: Store, project: str, name: str, at_us: int | None) -> ModelVersion:
    """Return the version in production: the latest in the lifecycle's serving stage.

    In the past, in that of the lifecycle that the model was pinned to then.
    """

    def use_case(session: Session) -> ModelVersion:
        model_id, pin = model_rows.load_pin(session, project, name)
        lifecycle = store.lifecycles.load(session, pin)
        return _in_stage(store, session, model_id, name, lifecycle.serving_stage)

    def stage_then(session: Session) -> str:
        stored = model_rows.load_model_at(session, project, name, at_us or 0)
        key = stored.lifecycle_id
        moved = log.find_next(session, stored.project_id, name, "move_lifecycle", at_us or 0)
        if moved is not None:
            key = find_key(session, *moved["from"])
        return store.lifecycles.load(session, key).serving_stage.name

    if at_us is None:
        return store.read(use_case)
    stage = store.snapshot(stage_then)
    return _resolve_then(store, Reference(project, name, "moving", stage), at_us)


def list_history(store: Store, project: str, name: str) -> tuple[Occupancy, ...]:
    """Return who stood where from when to when, stages and aliases, oldest first.

    Of more than `OCCUPANCIES_MAX`, the newest.
    """

    def use_case(session: Session) -> tuple[Occupancy, ...]:
        stored = model_rows.load_model(session, project, name)
        return tuple(history.list_occupancies(session, stored, OCCUPANCIES_MAX))

    return store.snapshot(use_case)


def _by_word(store: Store, project: str, name: str, word: str) -> ModelVersion:
    """Return what ``name@word`` means: a stage, or else an alias (never called like a stage)."""

    def use_case(session: Session) -> ModelVersion:
        model_id, pin = model_rows.load_pin(session, project, name)
        lifecycle = store.lifecycles.load(session, pin)
        stage = lifecycle.find_stage(word)
        if stage is not None:
            return _in_stage(store, session, model_id, name, stage)
        stamp = session.one(version_rows.ALIAS_OF_MODEL, model_id=model_id, alias=word)
        if stamp is None:
            stored = model_rows.load_model(session, project, name)
            raise _unknown_word(stored, lifecycle, word)
        return store.versions.load(session, stamp)

    return store.read(use_case)


def _in_stage(
    store: Store, session: Session, model_id: int, name: str, stage: Stage
) -> ModelVersion:
    stamp = session.one(
        version_rows.LATEST_OF_MODEL_IN_STAGE,
        model_id=model_id,
        stage_key=stage.name.casefold(),
    )
    if stamp is None:
        raise StageEmpty(model=name, stage=stage.name)
    return store.versions.load(session, stamp)


def _by_digest(store: Store, reference: Reference) -> ModelVersion:
    def use_case(session: Session) -> ModelVersion:
        stamp = session.one(
            version_rows.BY_DIGEST,
            project=reference.project,
            name=reference.model,
            digest=reference.selector,
        )
        if stamp is None:
            model_rows.load_model(session, reference.project, reference.model)
            raise VersionNotFound(version=reference.selector, model=reference.model)
        return store.versions.load(session, stamp)

    return store.read(use_case)


def _resolve_then(store: Store, reference: Reference, at_us: int) -> ModelVersion:
    def use_case(session: Session) -> ModelVersion:
        stored = model_rows.load_model_at(session, reference.project, reference.model, at_us)
        stamp, missing = _find_then(store, session, stored, reference, at_us)
        if stamp is None:
            raise missing
        version = store.versions.load(session, stamp)
        then = history.stage_then(session, stamp[0], at_us)
        if then is None:
            raise VersionNotFound(version=reference.selector, model=reference.model)
        stage, since = then
        return replace(
            version,
            stage=stage,
            stage_since=from_micros(since),
            aliases=history.aliases_then(session, stamp[0], at_us),
        )

    return store.snapshot(use_case)


def _find_then(
    store: Store, session: Session, stored: StoredModel, reference: Reference, at_us: int
) -> tuple[Stamp | None, Exception]:
    """Return the stamp of the version meant at a moment, or what to raise without one."""
    project, name, selector = reference.project, reference.model, reference.selector
    missing: Exception = VersionNotFound(version=selector, model=name)
    if reference.kind == "label":
        found = version_rows.find_key(session, stored, selector)
        stamp = None if found is None else version_rows.stamp_of(session, found[0])
        return stamp, missing
    if reference.kind == "latest":
        return history.find_latest_then(session, stored.id, at_us), missing
    if reference.kind == "digest":
        stamp = session.one(version_rows.BY_DIGEST, project=project, name=name, digest=selector)
        return stamp, missing
    stamp = history.find_alias_then(session, stored.id, selector, at_us)
    if stamp is not None:
        return stamp, missing
    lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
    stage = lifecycle.find_stage(selector)
    # A model may have been moved since from a lifecycle that called its stages otherwise.
    place = history.find_place(session, stored.id, selector) if stage is None else stage.name
    if place is None:
        return None, _unknown_word(stored, lifecycle, selector)
    stamp = history.find_in_stage_then(session, stored.id, place, at_us)
    return stamp, StageEmpty(model=name, stage=place)


def _unknown_word(stored: StoredModel, lifecycle: Lifecycle, word: str) -> AliasNotFound:
    return AliasNotFound(
        model=stored.model.name,
        alias=word,
        aliases=sorted(stored.model.aliases),
        stages=[stage.name for stage in lifecycle.stages],
    )
