"""Lifecycles: apply a document as a new revision, look revisions up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate.domain import names
from lockgate.domain.lifecycle_documents import parse_lifecycle
from lockgate.domain.lifecycles import Lifecycle
from lockgate.domain.permissions import WRITE_LIFECYCLE
from lockgate.domain.presets import PRESET_DOCUMENTS
from lockgate.domain.references import DEFAULT_PROJECT
from lockgate.errors import AlreadyExists, InvalidInput, LifecycleNotFound
from lockgate.storage import guard
from lockgate.storage import lifecycles as rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store

REVISION_MAX = 2**31 - 1


def apply_lifecycle(store: Store, who: Caller, document: Mapping[str, Any]) -> Lifecycle:
    """Store ``document`` as the next revision of its name; the same document twice is one.

    Models stay pinned to the revision they have. A preset's name cannot be taken. The event goes
    into the log of the project ``default``, since a lifecycle belongs to all projects.
    """
    lifecycle = parse_lifecycle(document)
    if lifecycle.name in PRESET_DOCUMENTS:
        raise AlreadyExists(kind="Preset lifecycle", name=lifecycle.name)

    def use_case(session: Session) -> Lifecycle:
        session.settle_time(0)
        guard.require_everywhere(session, WRITE_LIFECYCLE)
        rows.lock_lifecycles(session)
        latest = rows.find_latest(session, lifecycle.name)
        digest = rows.lifecycle_digest(lifecycle)
        if latest is not None and latest[1] == digest:
            return store.lifecycles.load(session, latest[0])
        _, revision = rows.insert_lifecycle(session, lifecycle, who.name)
        record(
            session,
            project_id(session, DEFAULT_PROJECT),
            who.name,
            "apply_lifecycle",
            detail={"lifecycle": lifecycle.name, "revision": revision, "digest": digest},
        )
        return parse_lifecycle(document, revision=revision)

    return store.write(who, use_case)


def get_lifecycle(store: Store, name: str, revision: int | None) -> Lifecycle:
    """Return a revision of a lifecycle, the newest unless told. Raises `LifecycleNotFound`."""

    def use_case(session: Session) -> Lifecycle:
        return store.lifecycles.load(session, find_key(session, name, revision))

    return store.snapshot(use_case)


def list_lifecycles(store: Store) -> tuple[Lifecycle, ...]:
    """Return every revision of every lifecycle, by name and revision."""

    def use_case(session: Session) -> tuple[Lifecycle, ...]:
        return tuple(store.lifecycles.load(session, key) for key in rows.all_keys(session))

    return store.snapshot(use_case)


def find_key(session: Session, name: str, revision: int | None = None) -> int:
    """Return the key of a revision, the newest unless told.

    Raises `LifecycleNotFound`, and `InvalidInput` for what is no name or no number.
    """
    name = names.sought(name, "lifecycle")
    if revision is not None:
        _require_number(revision)
        key = rows.find_revision(session, name, revision)
        if key is None:
            raise LifecycleNotFound(lifecycle=f"{name} revision {revision}")
        return key
    latest = rows.find_latest(session, name)
    if latest is None:
        raise LifecycleNotFound(lifecycle=name)
    return latest[0]


def _require_number(revision: Any) -> None:
    counts = isinstance(revision, int) and not isinstance(revision, bool)
    if not counts or not 1 <= revision <= REVISION_MAX:
        raise InvalidInput(
            detail=f"revision must be a whole number from 1 to {REVISION_MAX}, "
            f"got {revision!r:.60}",
            field="revision",
        )
