"""Accounts, teams and roles: who there is in an installation, and what its words mean.

What is done here goes into the log of a project of its own, `access.ADMIN_PROJECT`, which only
those see who see every project.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from lockgate.domain import access, names
from lockgate.domain.access import ADMIN_PROJECT, Account, AccountKind, Team
from lockgate.domain.permissions import CREATE_PROJECT, MANAGE_ACCESS, known_permissions
from lockgate.domain.projects import Project
from lockgate.domain.roles import ADMIN, ROLES, Role, role_name
from lockgate.errors import AlreadyExists, Conflict, InUse, InvalidInput, NotFound
from lockgate.storage import accounts as rows
from lockgate.storage import guard, members
from lockgate.storage import projects as project_rows
from lockgate.storage import tokens as token_rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.store import Caller, Store

T = TypeVar("T")
TEAM_MEMBERS_MAX = 1_000
DESCRIPTION_CHARS_MAX = 1_000


def set_account(
    store: Store, who: Caller, name: str, kind: str | None, roles: Sequence[str]
) -> Account:
    """Add a person or a service account, or give one these roles in the installation.

    Without a ``kind`` it stays what it is, and a new one is a person. One that was disabled is
    enabled again; its old tokens work no more. Needs ``access.manage``.
    """
    name = names.key_name(name, "name", store.limits)
    wanted = None if kind is None else _kind(kind)

    def use_case(session: Session) -> Account:
        _begin(session)
        chosen = access.known_roles(roles, rows.own_roles(session), required=False)
        before = rows.find_account(session, name)
        sort = wanted or ("person" if before is None else before.kind)
        if before is not None and before.kind != sort:
            raise Conflict(detail=f"'{name}' is a {before.kind} account already")
        if before is None and name in {team.name for team in rows.list_teams(session)}:
            raise AlreadyExists(kind="Team", name=name)
        after = Account(
            name=name,
            kind=sort,
            roles=chosen,
            created_by=who.name if before is None else before.created_by,
            created_at=session.now if before is None else before.created_at,
        )
        rows.put_account(session, after)
        _require_administrator(session)
        note(session, who, "set_account", {"account": name, "kind": sort, "roles": list(chosen)})
        return after

    return _changed(store, who, use_case)


def disable_account(store: Store, who: Caller, name: str) -> Account:
    """Disable an account: it stays on record, and its tokens stop. Needs ``access.manage``."""

    def use_case(session: Session) -> Account:
        _begin(session)
        before = rows.find_account(session, name)
        if before is None:
            raise NotFound(detail=f"There is no person or service account '{name}'.", name=name)
        after = Account(
            name=name,
            kind=before.kind,
            roles=(),
            created_by=before.created_by,
            created_at=before.created_at,
            disabled_at=session.now,
        )
        rows.put_account(session, after)
        token_rows.revoke_tokens_of(session, name, who.name)
        _require_administrator(session)
        note(session, who, "disable_account", {"account": name})
        return after

    return _changed(store, who, use_case)


def list_accounts(store: Store) -> tuple[Account, ...]:
    """Return every account by name. Needs ``access.manage``."""

    def use_case(session: Session) -> tuple[Account, ...]:
        guard.require_everywhere(session, MANAGE_ACCESS)
        return tuple(rows.list_accounts(session))

    return store.snapshot(use_case)


def set_team(
    store: Store, who: Caller, name: str, people: Sequence[str], roles: Sequence[str]
) -> Team:
    """Make a team, or give one these members and these roles in the installation.

    Needs ``access.manage``. Raises `NotFound` for a member that is no account.
    """
    name = names.key_name(name, "team", store.limits)
    if len(people) > TEAM_MEMBERS_MAX:
        raise InvalidInput(detail=f"A team has at most {TEAM_MEMBERS_MAX} members", field="members")

    def use_case(session: Session) -> Team:
        _begin(session)
        chosen = access.known_roles(roles, rows.own_roles(session), required=False)
        if rows.find_account(session, name) is not None:
            raise AlreadyExists(kind="Account", name=name)
        team = Team(name=name, members=tuple(sorted(set(people))), roles=chosen)
        for member in team.members:
            if rows.find_account(session, member) is None:
                raise NotFound(
                    detail=f"There is no person or service account '{member}'.", name=member
                )
        rows.put_team(session, team)
        _require_administrator(session)
        note(
            session,
            who,
            "set_team",
            {"team": name, "members": list(team.members), "roles": list(chosen)},
        )
        return team

    return _changed(store, who, use_case)


def remove_team(store: Store, who: Caller, name: str) -> None:
    """Take a team away. Raises `InUse` while it is a member of a project."""

    def use_case(session: Session) -> None:
        _begin(session)
        users = members.projects_of(session, name)
        if users:
            raise InUse(
                kind="Team",
                name=name,
                detail=f"it is a member of {', '.join(users[:5])}; remove it there first",
                users=users,
            )
        if not rows.drop_team(session, name):
            raise NotFound(detail=f"There is no team '{name}'.", name=name)
        _require_administrator(session)
        note(session, who, "remove_team", {"team": name})

    _changed(store, who, use_case)


def list_teams(store: Store) -> tuple[Team, ...]:
    """Return every team by name. Needs ``access.manage``."""

    def use_case(session: Session) -> tuple[Team, ...]:
        guard.require_everywhere(session, MANAGE_ACCESS)
        return tuple(rows.list_teams(session))

    return store.snapshot(use_case)


def set_role(
    store: Store, who: Caller, name: str, permissions: Sequence[str], description: str
) -> Role:
    """Make a role of one's own, or change one, for everybody who has it. Needs ``access.manage``.

    A role with any permission in projects also sees them.
    """
    role = Role(
        name=role_name(name),
        permissions=tuple(sorted(known_permissions(permissions, "A role"))),
        description=names.plain_text(description, "description", DESCRIPTION_CHARS_MAX),
    )

    def use_case(session: Session) -> Role:
        _begin(session)
        rows.put_role(session, role)
        _require_administrator(session)
        note(session, who, "set_role", {"role": name, "permissions": list(role.permissions)})
        return role

    return _changed(store, who, use_case)


def remove_role(store: Store, who: Caller, name: str) -> None:
    """Take a role of one's own away; who has it keeps the name and loses what it gave."""

    def use_case(session: Session) -> None:
        _begin(session)
        if not rows.drop_role(session, name):
            raise NotFound(detail=f"There is no role of this installation's own '{name}'.")
        _require_administrator(session)
        note(session, who, "remove_role", {"role": name})

    _changed(store, who, use_case)


def list_roles(store: Store) -> tuple[Role, ...]:
    """Return every role: the five that are always there, then those of one's own."""
    built_in = tuple(
        Role(name=name, permissions=tuple(sorted(held)), built_in=True)
        for name, held in ROLES.items()
    )
    return built_in + tuple(store.read(rows.list_roles))


def note(session: Session, who: Caller, action: str, detail: dict[str, object]) -> None:
    """Put on record what was done about access, in the log that is kept for it."""
    key = log_key(session)
    record(session, key, who.name, action, detail=detail)


def log_key(session: Session) -> int:
    """Return the key of the project whose log tells of access, made when first needed."""
    key = project_rows.find_key(session, ADMIN_PROJECT)
    if key is not None:
        return key
    session.settle_time(0)
    project = Project(
        name=ADMIN_PROJECT,
        description="People, teams, roles and tokens: the log of access control",
        created_by="lockgate",
        created_at=session.now,
    )
    key = project_rows.insert_project(session, project)
    guard.vouch(session, CREATE_PROJECT, key)
    record(session, key, "lockgate", "create_project", detail={"lifecycle": project.lifecycle})
    return key


def require_controlled(session: Session) -> None:
    """Refuse to manage access that nobody is asked for: whoever came first would own it later."""
    if not rows.read_state(session).enabled:
        raise Conflict(
            detail="Access control is off. Whoever runs the server's database switches it on: "
            "lockgate admin init"
        )


def _kind(text: str) -> AccountKind:
    if text == "person":
        return "person"
    if text == "service":
        return "service"
    raise InvalidInput(detail=f"kind must be person or service, got {text!r:.40}", field="kind")


def _begin(session: Session) -> None:
    session.settle_time(0)
    require_controlled(session)
    guard.require_everywhere(session, MANAGE_ACCESS)


def _require_administrator(session: Session) -> None:
    """Refuse a change after which nobody could manage access any more, while it is on."""
    if not rows.read_state(session).enabled:
        return
    teams = {
        member
        for team in rows.list_teams(session)
        if ADMIN in team.roles
        for member in team.members
    }
    for account in rows.list_accounts(session):
        if account.disabled_at is None and (ADMIN in account.roles or account.name in teams):
            return
    raise Conflict(detail="An installation with access control has at least one administrator")


def _changed(store: Store, who: Caller, use_case: Callable[[Session], T]) -> T:
    """Run a change of access, and let every process know."""

    def told(session: Session) -> T:
        done = use_case(session)
        rows.raise_revision(session)
        return done

    done = store.write(who, told)
    store.grants.refresh()
    return done
