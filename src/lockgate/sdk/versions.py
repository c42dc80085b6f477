"""Model versions: the verbs, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.domain.pages import Page
from lockgate.domain.versions import ModelVersion
from lockgate.sdk.calls import Calls, given, labels


class VersionVerbs(Calls):
    """Versions of models."""

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
        body = given(
            version=version,
            artifact_uri=artifact_uri,
            metrics=metrics,
            params=params,
            tags=labels(tags),
            metadata=metadata,
            run_id=run_id,
            dataset=dataset,
            code=code,
            parents=parents,
            description=description,
            stage=stage,
            lifecycle=lifecycle,
        )
        return self._change(ModelVersion, "POST", self._model(name, "versions"), body)

    def get_version(self, name: str, version: str | int) -> ModelVersion:
        """Return a version. Raises `VersionNotFound`."""
        return self._load(ModelVersion, self._version(name, version))

    def list_versions(
        self,
        name: str,
        *,
        stage: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[ModelVersion]:
        """Return a page of a model's versions, newest first."""
        path = self._model(name, "versions")
        return self._page(ModelVersion, path, stage=stage, limit=limit, cursor=cursor)

    def update_version(
        self, name: str, version: str | int, *, revision: int | None = None, **changes: Any
    ) -> ModelVersion:
        """Change description, tags, params, metadata or artifact_uri.

        Mappings are merged; a value of None takes a key away.
        """
        path = self._version(name, version)
        return self._change(ModelVersion, "PATCH", path, changes, revision=revision)

    def log_metrics(
        self,
        name: str,
        version: str | int,
        metrics: Mapping[str, float | None],
        *,
        revision: int | None = None,
    ) -> ModelVersion:
        """Add or change metrics; a value of None takes one away."""
        path = self._version(name, version, "metrics")
        return self._change(ModelVersion, "POST", path, {"metrics": metrics}, revision=revision)

    def delete_version(
        self, name: str, version: str | int, *, force: bool = False, reason: str = ""
    ) -> None:
        """Delete a version. Raises `InUse` while it serves or an alias names it, unless forced.

        What others use (see `used_by`) is deleted only by force and with a ``reason``.
        """
        path = self._version(name, version)
        self._write("DELETE", path, force=force, reason=reason or None)

    def restore_version(self, name: str, version: str | int) -> ModelVersion:
        """Bring a deleted version back, in the initial stage."""
        return self._change(ModelVersion, "POST", self._version(name, version, "restore"))
