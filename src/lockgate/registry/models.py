"""Registered models and their aliases: the verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.domain.history import Alias
from lockgate.domain.models import RegisteredModel
from lockgate.domain.pages import Page
from lockgate.registry.desk import Desk
from lockgate.services import aliases, catalog, editing, registration, retention
from lockgate.services.editing import Edit


class ModelVerbs(Desk):
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
        project, bare = self._split(name)
        new = registration.new_model(
            self._store.limits,
            bare,
            owner=owner,
            description=description,
            tags=tags,
            lifecycle=lifecycle,
            lifecycle_revision=lifecycle_revision,
        )
        return registration.create_model(self._store, self._who, project, new)

    def get_model(self, name: str) -> RegisteredModel:
        """Return a model. Raises `ModelNotFound`."""
        return catalog.get_model(self._store, *self._split(name))

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
        return catalog.list_models(self._store, project, filter, order_by, limit, cursor)

    def update_model(
        self, name: str, *, revision: int | None = None, **changes: Any
    ) -> RegisteredModel:
        """Change description, owner, tags, new_name, lifecycle or lifecycle_revision.

        Tags are merged; a value of None takes one away. With ``revision``, only if the model is
        still at it, else `StaleRevision`.
        """
        edit = Edit(changes=changes, revision=revision)
        return editing.update_model(self._store, self._who, *self._split(name), edit)

    def delete_model(self, name: str, *, force: bool = False, reason: str = "") -> None:
        """Delete a model; `restore_model` brings it back. Raises `InUse` unless forced.

        A model that is deployed is deleted only by force and with a ``reason``.
        """
        retention.delete_model(self._store, self._who, *self._split(name), force, reason)

    def restore_model(self, name: str) -> RegisteredModel:
        """Bring a deleted model back as it was."""
        return retention.restore_model(self._store, self._who, *self._split(name))

    def set_alias(
        self, name: str, alias: str, version: str | int, *, protected: bool | None = None
    ) -> Alias:
        """Make ``alias`` name a version, whatever it named before."""
        project, bare = self._split(name)
        return aliases.set_alias(
            self._store, self._who, project, bare, alias, str(version), protected
        )

    def delete_alias(self, name: str, alias: str) -> None:
        """Take an alias away. Raises `AliasNotFound`."""
        aliases.delete_alias(self._store, self._who, *self._split(name), alias)

    def list_aliases(self, name: str) -> tuple[Alias, ...]:
        """Return a model's aliases by name."""
        return aliases.list_aliases(self._store, *self._split(name))
