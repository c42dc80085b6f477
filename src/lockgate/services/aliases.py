"""Aliases: movable names for versions."""

from __future__ import annotations

from dataclasses import replace

from lockgate.domain import names
from lockgate.domain.history import Alias
from lockgate.domain.permissions import PROTECT_ALIAS, SET_ALIAS
from lockgate.errors import AliasNotFound
from lockgate.storage import guard, history
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.models import StoredModel
from lockgate.storage.store import Caller, Store


def set_alias(
    store: Store,
    who: Caller,
    project: str,
    name: str,
    alias: str,
    label: str,
    protected: bool | None,
) -> Alias:
    """Make ``alias`` name a version of the model, whatever it named before.

    Naming the same version again changes nothing and leaves no event.
    """

    def use_case(session: Session) -> Alias:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, SET_ALIAS, stored)
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        checked = names.alias_name(alias, lifecycle.stage_words, store.limits)
        key, version = version_rows.load_version(session, stored, label)
        found = history.find_alias(session, stored, checked)
        before = None if found is None else found[1]
        kept = before.protected if before and protected is None else bool(protected)
        if before is not None and before.version == version.label and before.protected == kept:
            return before
        _require_movable(session, stored, checked, before, kept)
        after = Alias(
            project=project,
            model=stored.model.name,
            alias=checked,
            version=version.label,
            protected=kept,
            set_by=who.name,
            set_at=session.now,
        )
        if found is not None and before is not None and before.version != version.label:
            drop_from_version(session, store, stored, found[0], checked)
        history.open_alias(session, stored, key, after)
        if checked not in version.aliases:
            named = replace(version, aliases=tuple(sorted({*version.aliases, checked})))
            exclusive = lifecycle.stage(version.stage).exclusive
            version_rows.update_version(session, key, version, named, exclusive)
        model_rows.update_model(
            session,
            stored,
            replace(
                stored,
                model=replace(
                    stored.model,
                    aliases={**stored.model.aliases, checked: version.label},  # type: ignore[arg-type]
                ),
            ),
        )
        record(
            session,
            stored.project_id,
            who.name,
            "set_alias",
            model=stored.model.name,
            version=version.label,
            detail={
                "alias": checked,
                "version": version.label,
                "previous": None if before is None else before.version,
                "protected": kept,
            },
        )
        return after

    return store.write(who, use_case)


def delete_alias(store: Store, who: Caller, project: str, name: str, alias: str) -> None:
    """Take an alias away. Raises `AliasNotFound`."""
    alias = names.sought(alias, "alias")

    def use_case(session: Session) -> None:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, SET_ALIAS, stored)
        found = history.find_alias(session, stored, alias)
        if found is None:
            raise AliasNotFound(model=name, alias=alias)
        key, before = found
        _require_movable(session, stored, alias, before, before.protected)
        history.close_alias(session, stored, alias, who.name)
        drop_from_version(session, store, stored, key, alias)
        left = {k: v for k, v in stored.model.aliases.items() if k != alias}
        model_rows.update_model(
            session,
            stored,
            replace(stored, model=replace(stored.model, aliases=left)),  # type: ignore[arg-type]
        )
        record(
            session,
            stored.project_id,
            who.name,
            "delete_alias",
            model=name,
            version=before.version,
            detail={"alias": alias, "version": before.version},
        )

    store.write(who, use_case)


def list_aliases(store: Store, project: str, name: str) -> tuple[Alias, ...]:
    """Return the aliases of a model, by name."""

    def use_case(session: Session) -> tuple[Alias, ...]:
        stored = model_rows.load_model(session, project, name)
        return tuple(history.list_aliases(session, stored))

    return store.snapshot(use_case)


def _require_movable(
    session: Session, stored: StoredModel, alias: str, before: Alias | None, protect: bool
) -> None:
    """Refuse to touch a protected alias, or to protect one, without what that needs."""
    if protect or (before is not None and before.protected):
        guard.require_here(session, PROTECT_ALIAS, stored)
    guard.require_unprotected(session, stored, "alias", alias)


def drop_from_version(
    session: Session, store: Store, stored: StoredModel, key: int, alias: str
) -> None:
    """Take an alias off the row of the version that it named."""
    version = version_rows.load_version_by_id(session, key, stored.model.name)
    lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
    left = tuple(each for each in version.aliases if each != alias)
    exclusive = lifecycle.stage(version.stage).exclusive
    version_rows.update_version(session, key, version, replace(version, aliases=left), exclusive)
