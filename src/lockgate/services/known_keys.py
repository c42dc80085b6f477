"""Known keys: what a search could be about, from what is newest."""

from __future__ import annotations

from lockgate.domain.known_keys import KnownKeys, keys_in, tags_in
from lockgate.storage import catalog as rows
from lockgate.storage.database import Session
from lockgate.storage.projects import project_id
from lockgate.storage.store import Store

LOOKED_AT_MAX = 500


def known_keys(store: Store, project: str) -> KnownKeys:
    """Return the keys of the newest `LOOKED_AT_MAX` models and versions of a project.

    What is asked does not grow with the project.
    """

    def use_case(session: Session) -> KnownKeys:
        key = project_id(session, project)
        versions = rows.newest_facts(session, key, LOOKED_AT_MAX)
        return KnownKeys(
            project=project,
            model_tags=tags_in(rows.newest_model_tags(session, key, LOOKED_AT_MAX)),
            version_tags=tags_in(tags for _, _, tags in versions),
            metrics=keys_in(metrics for metrics, _, _ in versions),
            params=keys_in(params for _, params, _ in versions),
        )

    return store.snapshot(use_case)
