"""Registered models and their aliases: the verbs, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.domain.history import Alias
from lockgate.domain.models import RegisteredModel
from lockgate.domain.pages import Page
from lockgate.sdk.calls import Calls, given, labels, segment


class ModelVerbs(Calls):
    """Registered models, and the movable names of their versions."""

    def create_model(
        self,
        name: str,
        *,
        owner: str | None = None,
        description: str = "",
        tags: Mapping[str, str] | Sequence[str] | None = None,
        lifecycle: str | None = None,
        lifecycle_revision: int | None = None,
    ) -> RegisteredModel:
        """Make a model, pinned to the newest revision of a lifecycle unless told."""
        project, model = self._split(name)
        body = given(
            name=model,
            owner=owner,
            description=description,
            tags=labels(tags),
            lifecycle=lifecycle,
            lifecycle_revision=lifecycle_revision,
        )
        path = f"/projects/{segment(project)}/models"
        return self._change(RegisteredModel, "POST", path, body)

    def get_model(self, name: str) -> RegisteredModel:
        """Return a model. Raises `ModelNotFound`."""
        return self._load(RegisteredModel, self._model(name))

    def list_models(
        self,
        *,
        project: str | None = None,
        filter: str | None = None,
        order_by: str | Sequence[str] | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[RegisteredModel]:
        """Return a page of models, of all projects unless told, by name unless ordered."""
        return self._page(
            RegisteredModel,
            "/models",
            project=project,
            filter=filter,
            order_by=order_by,
            limit=limit,
            cursor=cursor,
        )

    def update_model(
        self, name: str, *, revision: int | None = None, **changes: Any
    ) -> RegisteredModel:
        """Change description, owner, tags, new_name, lifecycle or lifecycle_revision.

        Tags are merged; a value of None takes one away. With ``revision``, only if the model is
        still at it, else `StaleRevision`.
        """
        return self._change(RegisteredModel, "PATCH", self._model(name), changes, revision=revision)

    def delete_model(self, name: str, *, force: bool = False, reason: str = "") -> None:
        """Delete a model; `restore_model` brings it back. Raises `InUse` unless forced.

        A model that is deployed is deleted only by force and with a ``reason``.
        """
        self._write("DELETE", self._model(name), force=force, reason=reason or None)

    def restore_model(self, name: str) -> RegisteredModel:
        """Bring a deleted model back as it was."""
        return self._change(RegisteredModel, "POST", self._model(name, "restore"))

    def set_alias(
        self, name: str, alias: str, version: str | int, *, protected: bool | None = None
    ) -> Alias:
        """Make ``alias`` name a version, whatever it named before."""
        path = self._model(name, "aliases", segment(alias, "alias"))
        return self._change(Alias, "PUT", path, given(version=version, protected=protected))

    def delete_alias(self, name: str, alias: str) -> None:
        """Take an alias away. Raises `AliasNotFound`."""
        self._write("DELETE", self._model(name, "aliases", segment(alias, "alias")))

    def list_aliases(self, name: str) -> tuple[Alias, ...]:
        """Return a model's aliases by name."""
        return self._all(Alias, self._model(name, "aliases"))
