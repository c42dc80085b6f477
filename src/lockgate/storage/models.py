"""Registered models in SQL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from lockgate.domain.models import RegisteredModel
from lockgate.domain.moments import from_micros, to_micros
from lockgate.errors import ModelNotFound
from lockgate.storage import tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import frozen_from_json, to_json, to_json_in_order
from lockgate.storage.log import find_renaming
from lockgate.storage.statements import Statement, adding, inserting, updating

_T = tables.models
_L = tables.lifecycles
_P = tables.projects

COLUMNS = (
    _T.c.id,
    _T.c.project_id,
    _T.c.lifecycle_id,
    _T.c.next_seq,
    _T.c.changed_at,
    _T.c.uid,
    _P.c.name.label("project"),
    _T.c.name,
    _T.c.owner,
    _T.c.description,
    _T.c.tags,
    _L.c.name.label("lifecycle"),
    _L.c.revision.label("lifecycle_revision"),
    _T.c.aliases,
    _T.c.version_count,
    _T.c.latest_version,
    _T.c.created_by,
    _T.c.created_at,
    _T.c.updated_at,
    _T.c.deleted_at,
    _T.c.revision,
)
FROM = _T.join(_P, _P.c.id == _T.c.project_id).join(_L, _L.c.id == _T.c.lifecycle_id)

_BY_NAME = (
    select(*COLUMNS)
    .select_from(FROM)
    .where(_P.c.name == bindparam("project"), _T.c.name == bindparam("name"))
)
_LIVE = Statement(_BY_NAME.where(_T.c.deleted_at.is_(None)))
_PIN = Statement(
    select(_T.c.id, _T.c.lifecycle_id)
    .select_from(_T.join(_P, _P.c.id == _T.c.project_id))
    .where(
        _P.c.name == bindparam("project"),
        _T.c.name == bindparam("name"),
        _T.c.deleted_at.is_(None),
    )
)
_LOCK = Statement(_BY_NAME.where(_T.c.deleted_at.is_(None)).with_for_update(of=_T))
_BY_ID_LOCK = Statement(
    select(*COLUMNS).select_from(FROM).where(_T.c.id == bindparam("id")).with_for_update(of=_T)
)
_LOCK_ALL = Statement(
    select(_T.c.id, _T.c.changed_at)
    .where(_T.c.project_id == bindparam("project_id"))
    .order_by(_T.c.id)
    .with_for_update(of=_T)
)
_DELETED = Statement(
    _BY_NAME.where(_T.c.deleted_at.is_not(None)).order_by(_T.c.deleted_at.desc()).limit(1)
)
_THEN = Statement(
    _BY_NAME.where(
        _T.c.created_at <= bindparam("at"),
        (_T.c.deleted_at.is_(None)) | (_T.c.deleted_at > bindparam("at")),
    )
    .order_by(_T.c.created_at.desc())
    .limit(1)
)
_PROJECT = Statement(select(_P.c.id).where(_P.c.name == bindparam("project")))
RENAMINGS_MAX = 1_000
_INSERT = adding(_T)
_TOUCH = Statement(
    update(_T).where(_T.c.id == bindparam("key")).values(changed_at=bindparam("moment"))
)
_TAGS_GO = Statement(
    delete(tables.model_tags).where(tables.model_tags.c.model_id == bindparam("key"))
)
_TAGS_COME = inserting(tables.model_tags)


@dataclass(frozen=True, kw_only=True)
class StoredModel:
    """A model with the keys that only storage knows."""

    id: int
    project_id: int
    lifecycle_id: int
    next_seq: int
    changed_us: int
    model: RegisteredModel


def find_model(session: Session, project: str, name: str) -> StoredModel | None:
    """Return a live model, or None."""
    return stored_model(session.one(_LIVE, project=project, name=name))


def load_model(session: Session, project: str, name: str) -> StoredModel:
    """Return a live model. Raises `ModelNotFound`."""
    return _required(find_model(session, project, name), project, name)


def load_pin(session: Session, project: str, name: str) -> tuple[int, int]:
    """Return the keys of a live model and of its lifecycle. Raises `ModelNotFound`."""
    row = session.one(_PIN, project=project, name=name)
    if row is None:
        raise ModelNotFound(model=name, project=project)
    return row[0], row[1]


def load_model_at(session: Session, project: str, name: str, at_us: int) -> StoredModel:
    """Return the model that had this name at a moment, or else one that had it later.

    Raises `ModelNotFound`.
    """
    found = _renamed_since(session, project, name, at_us)
    found = found or stored_model(session.one(_THEN, project=project, name=name, at=at_us))
    return _required(found, project, name)


def _renamed_since(session: Session, project: str, name: str, at_us: int) -> StoredModel | None:
    """Return the model that was called ``name`` at a moment and is called otherwise now."""
    key = session.value(_PROJECT, project=project)
    names: list[str] = []
    later, since_us = name, at_us
    while key is not None and len(names) < RENAMINGS_MAX:
        renaming = find_renaming(session, key, later, since_us)
        if renaming is None:
            break
        later, since_us = renaming
        names.append(later)
    for each in reversed(names):  # another model may have taken a name that ours had
        found = stored_model(session.one(_THEN, project=project, name=each, at=at_us))
        if found is not None:
            return found
    return None


def lock_model(session: Session, project: str, name: str) -> StoredModel:
    """Return a live model whose row no other transaction changes until this one ends.

    The moment of the transaction is settled here, later than anything on the model's record.
    Raises `ModelNotFound`.
    """
    return _required(find_locked_model(session, project, name), project, name)


def find_locked_model(session: Session, project: str, name: str) -> StoredModel | None:
    """Return a live model, locked as by `lock_model`, or None."""
    found = stored_model(session.one(_LOCK, project=project, name=name))
    if found is not None:
        session.settle_time(found.changed_us)
    return found


def lock_models(session: Session, project_id: int) -> None:
    """Let no other transaction change any model of a project until this one ends."""
    changed = [row[1] for row in session.all(_LOCK_ALL, project_id=project_id)]
    session.settle_time(max(changed, default=0))


def lock_deleted_model(session: Session, project: str, name: str) -> StoredModel | None:
    """Return the most recently deleted model of this name, locked, or None."""
    found = stored_model(session.one(_DELETED, project=project, name=name))
    if found is None:
        return None
    locked = stored_model(session.one(_BY_ID_LOCK, id=found.id))
    session.settle_time(found.changed_us)
    return locked


def lock_model_by_id(session: Session, key: int) -> None:
    """Let no other transaction change a model, deleted or not, until this one ends."""
    found = stored_model(session.one(_BY_ID_LOCK, id=key))
    session.settle_time(0 if found is None else found.changed_us)


def insert_model(session: Session, model: RegisteredModel, project_id: int, lifecycle: int) -> None:
    """Add a model without versions."""
    stored = StoredModel(
        id=0,
        project_id=project_id,
        lifecycle_id=lifecycle,
        next_seq=1,
        changed_us=to_micros(model.created_at),
        model=replace(model, revision=1),
    )
    key: int = session.value(
        _INSERT,
        uid=model.uid,
        project_id=project_id,
        created_by=model.created_by,
        created_at=stored.changed_us,
        changed_at=stored.changed_us,
        **_columns(stored),
    )
    _write_tags(session, key, model)


def update_model(session: Session, before: StoredModel, after: StoredModel) -> None:
    """Write a changed model, which must be locked, at the moment of the transaction."""
    model, old = after.model, _columns(before)
    changed = {name: value for name, value in _columns(after).items() if value != old[name]}
    changed["revision"] = before.model.revision + 1
    changed["changed_at"] = session.now_us
    new = {f"new_{name}": value for name, value in changed.items()}
    session.run(updating(_T, tuple(changed)), key=after.id, **new)
    if model.tags != before.model.tags:
        session.run(_TAGS_GO, key=after.id)
        _write_tags(session, after.id, model)


def touch_model(session: Session, stored: StoredModel) -> None:
    """Write down that something of a locked model happened at the transaction's moment."""
    session.run(_TOUCH, key=stored.id, moment=session.now_us)


def _columns(stored: StoredModel) -> dict[str, Any]:
    """Return what may change of a model, as it is written."""
    model = stored.model
    return {
        "name": model.name,
        "owner": model.owner,
        "description": model.description,
        "tags": to_json_in_order(model.tags),
        "lifecycle_id": stored.lifecycle_id,
        "next_seq": stored.next_seq,
        "version_count": model.version_count,
        "latest_version": model.latest_version,
        "aliases": to_json(model.aliases),
        "updated_at": to_micros(model.updated_at),
        "deleted_at": None if model.deleted_at is None else to_micros(model.deleted_at),
        "revision": model.revision,
    }


def _write_tags(session: Session, key: int, model: RegisteredModel) -> None:
    session.many(
        _TAGS_COME, [{"model_id": key, "key": k, "value": v} for k, v in model.tags.items()]
    )


def _required(found: StoredModel | None, project: str, name: str) -> StoredModel:
    if found is None:
        raise ModelNotFound(model=name, project=project)
    return found


def stored_model(row: Any) -> StoredModel | None:
    """Return the model of a row of `COLUMNS`, or None for no row."""
    if row is None:
        return None
    return StoredModel(
        id=row[0],
        project_id=row[1],
        lifecycle_id=row[2],
        next_seq=row[3],
        changed_us=row[4],
        model=RegisteredModel(
            uid=row[5],
            project=row[6],
            name=row[7],
            owner=row[8],
            description=row[9],
            tags=frozen_from_json(row[10]),
            lifecycle=row[11],
            lifecycle_revision=row[12],
            aliases=frozen_from_json(row[13]),
            version_count=row[14],
            latest_version=row[15],
            created_by=row[16],
            created_at=from_micros(row[17]),
            updated_at=from_micros(row[18]),
            deleted_at=None if row[19] is None else from_micros(row[19]),
            revision=row[20],
        ),
    )
