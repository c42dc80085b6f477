"""Lineups: several versions of a model side by side."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.domain import names
from lockgate.domain.lineups import Lineup, line_up, require_some
from lockgate.domain.versions import ModelVersion
from lockgate.errors import VersionNotFound
from lockgate.services.depot import find_depot
from lockgate.services.lookup import find_stamp
from lockgate.storage import models as model_rows
from lockgate.storage.database import Session
from lockgate.storage.store import Store


def compare_many(store: Store, project: str, name: str, labels: Sequence[str]) -> Lineup:
    """Return two to six versions side by side. Raises `InvalidInput`, `VersionNotFound`."""
    sought = [names.sought(label, "version") for label in labels]
    require_some(sought)

    def use_case(session: Session) -> list[ModelVersion]:
        model_rows.load_model(session, project, name)
        found = []
        for label in sought:
            stamp = find_stamp(session, project, name, label)
            if stamp is None:
                raise VersionNotFound(version=label, model=name)
            found.append(store.versions.load(session, stamp))
        return found

    versions = store.snapshot(use_case)
    require_some([version.label for version in versions])
    depot = find_depot(store)
    return line_up(
        versions,
        [
            None if version.digest is None or depot is None else depot.manifest(version.digest)
            for version in versions
        ],
    )
