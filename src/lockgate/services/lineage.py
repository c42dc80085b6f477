"""Lineage: what was made from a version."""

from __future__ import annotations

from lockgate.domain.references import parse_reference
from lockgate.domain.versions import ModelVersion
from lockgate.errors import InvalidReference
from lockgate.services.gates import load_candidate
from lockgate.storage.database import Session
from lockgate.storage.lineage import naming_parents
from lockgate.storage.store import Store

LOOKED_AT_MAX = 1_000
CHILDREN_MAX = 100


def list_children(store: Store, project: str, name: str, label: str) -> tuple[ModelVersion, ...]:
    """Return the versions of the project that name this one as a parent, newest first.

    At most `CHILDREN_MAX`. A parent written as a moving reference (``@production``) names nobody
    for good, so it is not followed. Raises `VersionNotFound`.
    """

    def use_case(session: Session) -> tuple[ModelVersion, ...]:
        candidate = load_candidate(store, session, project, name, label)
        version = candidate.version
        found = naming_parents(session, candidate.stored.project_id, version.model, LOOKED_AT_MAX)
        stamps = [
            stamp for stamp, parents in found if any(_names(parent, version) for parent in parents)
        ]
        return tuple(store.versions.load_all(session, stamps[:CHILDREN_MAX]))

    return store.snapshot(use_case)


def _names(parent: str, version: ModelVersion) -> bool:
    """Say whether the text of a parent always means ``version``."""
    try:
        read = parse_reference(parent, version.project)
    except InvalidReference:
        return False  # sources are free text
    if (read.project, read.model) != (version.project, version.model):
        return False
    if read.kind == "digest":
        return read.selector == version.digest
    return read.kind == "label" and read.selector == version.label
