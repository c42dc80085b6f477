"""Which version a reference means, asked within a transaction that is under way."""

from __future__ import annotations

from functools import lru_cache

from lockgate.domain.policies import PromotionPolicy
from lockgate.domain.references import Reference, parse_reference
from lockgate.domain.requirements.metric_vs import baseline_reference
from lockgate.domain.versions import ModelVersion
from lockgate.errors import ModelNotFound, ProjectNotFound
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel
from lockgate.storage.store import Store
from lockgate.storage.versions import Stamp


def find_stamp(session: Session, project: str, name: str, label: str) -> Stamp | None:
    """Return the stamp of the live version called ``label``, or of that number, or None."""
    stamp: Stamp | None = session.one(
        version_rows.BY_LABEL, project=project, name=name, label=label
    )
    if stamp is None and label.isdecimal() and len(label) < 18:
        stamp = session.one(version_rows.BY_SEQ, project=project, name=name, seq=int(label))
    return stamp


def find_reference(store: Store, session: Session, reference: Reference) -> Stamp | None:
    """Return the stamp of the live version that a reference means now, or None."""
    found = model_rows.find_model(session, reference.project, reference.model)
    return None if found is None else _find_stamp(store, session, found, reference)


def find_baseline(
    store: Store, session: Session, stored: StoredModel, text: str, *, lock: bool
) -> ModelVersion | None:
    """Return the version that a policy's baseline names, or None when there is none.

    ``@production`` and ``:1.0.0`` are of the model itself, ``other@champion`` of another one.
    Looked up with nobody's eyes: whoever wrote the policy saw the baseline (`require_seen`), and
    the gate must not open for those who do not. ``lock`` says that the transaction writes: then
    nobody else changes the other model until it ends, and versions come from the tables, since
    what it wrote itself is not committed yet.
    """
    reference = _reference(stored.model.full_name, text)
    with session.unrestricted():
        return _found_baseline(store, session, stored, reference, lock=lock)


def require_seen(
    session: Session, project: str, model: str | None, policy: PromotionPolicy
) -> None:
    """Refuse a policy with a baseline in a project that the caller does not see.

    Raises `ProjectNotFound`. A verdict shows the baseline's values.
    """
    for text in sorted(policy.needs().baselines):
        named = _reference(f"{project}/{model or 'any'}", text)
        if not session.sees(named.project):
            raise ProjectNotFound(project=named.project)


def _found_baseline(
    store: Store, session: Session, stored: StoredModel, reference: Reference, *, lock: bool
) -> ModelVersion | None:
    own = (reference.project, reference.model) == (stored.model.project, stored.model.name)
    found = stored if own else _other(session, reference, lock=lock)
    stamp = None if found is None else _find_stamp(store, session, found, reference)
    if stamp is None:
        return None
    if lock:
        return version_rows.load_version_by_id(session, stamp[0], stamp[3])
    return store.versions.load(session, stamp)


@lru_cache(maxsize=1_000)
def _reference(full_name: str, text: str) -> Reference:
    return parse_reference(baseline_reference(text, full_name), full_name.partition("/")[0])


def _other(session: Session, reference: Reference, *, lock: bool) -> StoredModel | None:
    if not lock:
        return model_rows.find_model(session, reference.project, reference.model)
    try:
        return model_rows.lock_model(session, reference.project, reference.model)
    except ModelNotFound:
        return None


def _find_stamp(
    store: Store, session: Session, found: StoredModel, reference: Reference
) -> Stamp | None:
    selector = reference.selector
    lifecycle = store.lifecycles.load(session, found.lifecycle_id)
    stage = lifecycle.find_stage(selector)
    stamp: Stamp | None
    project, name = reference.project, reference.model
    if reference.kind == "label":
        stamp = find_stamp(session, project, name, selector)
    elif reference.kind == "digest":
        stamp = session.one(version_rows.BY_DIGEST, project=project, name=name, digest=selector)
    elif reference.kind == "latest":
        stamp = session.one(version_rows.LATEST_OF_MODEL, model_id=found.id)
    elif stage is not None:  # an alias is never called like a stage
        stamp = session.one(
            version_rows.LATEST_OF_MODEL_IN_STAGE,
            model_id=found.id,
            stage_key=stage.name.casefold(),
        )
    else:
        stamp = session.one(version_rows.ALIAS_OF_MODEL, model_id=found.id, alias=selector)
    return stamp
