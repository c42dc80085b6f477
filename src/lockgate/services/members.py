"""Members: which people, service accounts and teams have which roles in a project."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.domain import access, names
from lockgate.domain.access import Member
from lockgate.domain.roles import permissions_of
from lockgate.errors import Conflict, NotFound
from lockgate.storage import accounts, guard
from lockgate.storage import members as rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.projects import lock_project, project_id
from lockgate.storage.store import Caller, Store


def set_member(
    store: Store, who: Caller, project: str, person: str, roles: Sequence[str]
) -> Member:
    """Give a person, a service account or a team these roles and no others.

    Needs ``member.manage``. The first member of a project must be an admin, so that somebody can
    manage the others. Under access control a member must be known here: `NotFound` if not.
    """
    person = names.key_name(person, "person", store.limits)

    def use_case(session: Session) -> Member:
        key, before = _managed(session, project)
        chosen = access.known_roles(roles, accounts.own_roles(session))
        member = Member(project=project, person=person, roles=chosen)
        _require_held(session, key, member, before)
        _require_known(session, person)
        after = [*(each for each in before if each.person != person), member]
        _require_admin(session, after)
        rows.put_member(session, key, member)
        accounts.raise_revision(session)
        record(
            session,
            key,
            who.name,
            "set_member",
            detail={"person": person, "roles": list(member.roles)},
        )
        return member

    done = store.write(who, use_case)
    store.grants.refresh()
    return done


def remove_member(store: Store, who: Caller, project: str, person: str) -> None:
    """Take a person out of a project. Needs ``member.manage``."""

    def use_case(session: Session) -> None:
        key, before = _managed(session, project)
        after = [each for each in before if each.person != person]
        if len(after) == len(before):
            raise NotFound(detail=f"'{person}' is no member of project '{project}'.")
        if after:
            _require_admin(session, after)
        rows.drop_member(session, key, person)
        accounts.raise_revision(session)
        record(session, key, who.name, "remove_member", detail={"person": person})

    store.write(who, use_case)
    store.grants.refresh()


def list_members(store: Store, project: str) -> tuple[Member, ...]:
    """Return the members of a project by name."""

    def use_case(session: Session) -> tuple[Member, ...]:
        return tuple(rows.list_members(session, project_id(session, project), project))

    return store.snapshot(use_case)


def _managed(session: Session, project: str) -> tuple[int, list[Member]]:
    key = lock_project(session, project)
    session.settle_time(0)
    guard.require(session, access.MANAGE_MEMBERS, key, project)
    return key, rows.list_members(session, key, project)


def _require_held(session: Session, key: int, member: Member, before: list[Member]) -> None:
    """Raise `Forbidden` for a role that lets somebody do what who gives it may not do.

    Who manages members, and no more, would otherwise make an admin of themselves.
    """
    own = accounts.own_roles(session)
    had = {name for each in before if each.person == member.person for name in each.roles}
    for permission in sorted(permissions_of(member.roles, own) - permissions_of(had, own)):
        guard.require(session, permission, key, member.project)


def _require_known(session: Session, name: str) -> None:
    if not accounts.read_state(session).enabled:
        return
    if accounts.find_account(session, name) is None and not any(
        team.name == name for team in accounts.list_teams(session)
    ):
        raise NotFound(
            detail=f"There is no person, service account or team '{name}'; add it first.",
            name=name,
        )


def _require_admin(session: Session, members: list[Member]) -> None:
    own = accounts.own_roles(session)
    if not any(access.may(access.MANAGE_MEMBERS, member.roles, own) for member in members):
        raise Conflict(
            detail="A project with members has at least one admin among them: give somebody that "
            "role first"
        )
