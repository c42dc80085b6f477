"""Protecting: which stages and aliases are kept for those with a role or permission of its own."""

from __future__ import annotations

from lockgate.domain import names
from lockgate.domain.access import Protection, ProtectionKind
from lockgate.domain.permissions import IN_PROJECTS
from lockgate.domain.roles import known_roles
from lockgate.errors import InvalidInput, NotFound
from lockgate.services.policies import Place, lock_place, stage_named
from lockgate.storage import accounts
from lockgate.storage import protections as rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store


def set_protection(
    store: Store, who: Caller, place: Place, kind: str, name: str, needs: str
) -> Protection:
    """Keep a stage or alias for those who have ``needs``, a role or a permission in the project.

    Needs ``policy.write``. Raises `InvalidInput` for a stage, role or permission there is not.
    """

    def use_case(session: Session) -> Protection:
        key, model_key, lifecycles = lock_place(store, session, place)
        made = Protection(
            project=place.project,
            model=place.model,
            kind=_kind(kind),
            name=stage_named(lifecycles, name) if kind == "stage" else _alias(store, kind, name),
            needs=_known(session, needs),
            set_by=who.name,
            set_at=session.now,
        )
        rows.put_protection(session, key, model_key, made)
        record(
            session,
            key,
            who.name,
            "set_protection",
            model=place.model,
            detail={"kind": kind, "name": made.name, "needs": needs},
        )
        return made

    return store.write(who, use_case)


def remove_protection(store: Store, who: Caller, place: Place, kind: str, name: str) -> None:
    """Take a protection off a stage or alias. Needs ``policy.write``. Raises `NotFound`."""

    def use_case(session: Session) -> None:
        key, model_key, lifecycles = lock_place(store, session, place)
        plain = stage_named(lifecycles, name) if kind == "stage" else _alias(store, kind, name)
        if not rows.drop_protection(session, key, model_key, kind, plain):
            raise NotFound(detail=f"The {kind} '{plain}' of {place} is not protected.")
        record(
            session,
            key,
            who.name,
            "remove_protection",
            model=place.model,
            detail={"kind": kind, "name": plain},
        )

    store.write(who, use_case)


def list_protections(store: Store, place: Place) -> tuple[Protection, ...]:
    """Return what is protected in a project, or of one model: the project's own as well."""

    def use_case(session: Session) -> tuple[Protection, ...]:
        found = rows.list_protections(session, project_id(session, place.project), place.project)
        return tuple(
            each for each in found if place.model is None or each.model in (None, place.model)
        )

    return store.snapshot(use_case)


def _kind(text: str) -> ProtectionKind:
    if text == "stage":
        return "stage"
    if text == "alias":
        return "alias"
    raise InvalidInput(detail=f"kind must be stage or alias, got {text!r:.40}", field="kind")


def _alias(store: Store, kind: str, name: str) -> str:
    _kind(kind)
    return names.alias_name(name, frozenset(), store.limits)


def _known(session: Session, needs: str) -> str:
    if needs in IN_PROJECTS:
        return needs
    return known_roles([needs], accounts.own_roles(session))[0]
