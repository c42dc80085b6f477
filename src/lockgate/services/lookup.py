"""Which version a reference means, asked within a transaction that is under way."""

from __future__ import annotations

from lockgate.domain.references import Reference, parse_reference
from lockgate.domain.versions import ModelVersion
from lockgate.errors import ModelNotFound
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel
from lockgate.storage.store import Store
from lockgate.storage.versions import Stamp


def find_baseline(
    store: Store, session: Session, stored: StoredModel, text: str, *, lock: bool = False
) -> ModelVersion | None:
    """Return the version that a policy's baseline names, or None when there is none.

    ``@production`` and ``:1.0.0`` are of the model itself, ``other@champion`` of another one,
    which with ``lock`` nobody else changes until the transaction ends.
    """
    written = f"{stored.model.full_name}{text}" if text[:1] in ("@", ":") else text
    other = parse_reference(written, stored.model.project)
    if lock and (other.project, other.model) != (stored.model.project, stored.model.name):
        try:
            model_rows.lock_model(session, other.project, other.model)
        except ModelNotFound:
            return None
    return find_version(store, session, other)


def find_version(store: Store, session: Session, reference: Reference) -> ModelVersion | None:
    """Return the version that ``reference`` means now, or None."""
    stamp = _find_stamp(store, session, reference)
    if stamp is None:
        return None
    # Not the shared cache: what this transaction wrote is not committed yet.
    return version_rows.load_version_by_id(session, stamp[0], stamp[3])


def _find_stamp(store: Store, session: Session, reference: Reference) -> Stamp | None:
    project, name, selector = reference.project, reference.model, reference.selector
    found = model_rows.find_model(session, project, name)
    if found is None:
        return None
    lifecycle = store.lifecycles.load(session, found.lifecycle_id)
    stamp: Stamp | None
    if reference.kind == "label":
        stamp = session.one(version_rows.BY_LABEL, project=project, name=name, label=selector)
    elif reference.kind == "digest":
        stamp = session.one(version_rows.BY_DIGEST, project=project, name=name, digest=selector)
    elif reference.kind == "latest":
        latest = version_rows.LATEST_OF_MODEL[lifecycle.latest_by]
        stamp = session.one(latest, model_id=found.id)
    else:
        stamp = session.one(version_rows.ALIAS_OF_MODEL, model_id=found.id, alias=selector)
        stage = lifecycle.find_stage(selector)
        if stamp is None and stage is not None:
            stamp = session.one(
                version_rows.LATEST_OF_MODEL_IN_STAGE[lifecycle.latest_by],
                model_id=found.id,
                stage_key=stage.name.casefold(),
            )
    return stamp
