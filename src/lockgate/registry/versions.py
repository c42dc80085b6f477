"""Model versions: the verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.domain.pages import Page
from lockgate.domain.versions import ModelVersion
from lockgate.registry.counted import CountedVersions
from lockgate.registry.desk import Desk
from lockgate.services import catalog, editing, registration, resolution, retention
from lockgate.services.editing import Edit


class VersionVerbs(Desk):
    """Versions of models."""

    @property
    def counted(self) -> CountedVersions:
        """Versions as clients know them that make models first, and call versions by number."""
        return CountedVersions(self._store, self._who)

    def register_model(
        self,
        name: str,
        version: str | int | None = None,
        artifact_uri: str | None = None,
        *,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        dataset: str | None = None,
        code: str | None = None,
        parents: Sequence[str] | None = None,
        description: str = "",
        stage: str | None = None,
        lifecycle: str | None = None,
    ) -> ModelVersion:
        """Register a version; a model of that name is made if there is none.

        ``version`` is numbered by the server when left out. ``lifecycle`` is for a new model.
        """
        project, bare = self._split(name)
        new = registration.new_version(
            self._store.limits,
            version=version,
            artifact_uri=artifact_uri,
            metrics=metrics,
            params=params,
            tags=tags,
            metadata=metadata,
            run_id=run_id,
            dataset=dataset,
            code=code,
            parents=parents,
            description=description,
            stage=stage,
        )
        model = registration.new_model(self._store.limits, bare, lifecycle=lifecycle)
        return registration.register_version(self._store, self._who, project, model, new)

    def get_version(self, name: str, version: str | int) -> ModelVersion:
        """Return a version. Raises `VersionNotFound`."""
        return resolution.get_version(self._store, *self._split(name), str(version))

    def list_versions(
        self,
        name: str,
        *,
        stage: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[ModelVersion]:
        """Return a page of a model's versions, newest first."""
        return catalog.list_versions(self._store, *self._split(name), stage, limit, cursor)

    def update_version(
        self, name: str, version: str | int, *, revision: int | None = None, **changes: Any
    ) -> ModelVersion:
        """Change description, tags, params, metadata or artifact_uri.

        Mappings are merged; a value of None takes a key away.
        """
        edit = Edit(changes=changes, revision=revision)
        project, bare = self._split(name)
        return editing.update_version(self._store, self._who, project, bare, str(version), edit)

    def log_metrics(
        self,
        name: str,
        version: str | int,
        metrics: Mapping[str, float | None],
        *,
        revision: int | None = None,
    ) -> ModelVersion:
        """Add or change metrics; a value of None takes one away."""
        edit = Edit(changes={"metrics": metrics}, revision=revision)
        project, bare = self._split(name)
        return editing.log_metrics(self._store, self._who, project, bare, str(version), edit)

    def delete_version(
        self, name: str, version: str | int, *, force: bool = False, reason: str = ""
    ) -> None:
        """Delete a version. Raises `InUse` while it serves or an alias names it, unless forced.

        What others use (see `used_by`) is deleted only by force and with a ``reason``.
        """
        project, bare = self._split(name)
        retention.delete_version(self._store, self._who, project, bare, str(version), force, reason)

    def restore_version(self, name: str, version: str | int) -> ModelVersion:
        """Bring a deleted version back, in the initial stage."""
        project, bare = self._split(name)
        return retention.restore_version(self._store, self._who, project, bare, str(version))
