"""People, service accounts, teams and roles of one's own in SQL, and whether control is on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from lockgate.domain.access import Account, Team
from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.roles import Role
from lockgate.storage import access_tables as tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.statements import Statement, inserting

_THE_ROW = 1
_S = tables.access_state
_STATE = select(_S.c.revision, _S.c.enabled_at).where(_S.c.id == _THE_ROW)
_READ = Statement(_STATE)
_LOCK = Statement(_STATE.with_for_update())
_FIRST = inserting(_S)
_MOVE = Statement(
    update(_S)
    .where(_S.c.id == _THE_ROW)
    .values(revision=bindparam("new_revision"), enabled_at=bindparam("new_enabled_at"))
)

_A = tables.accounts
_ACCOUNTS = select(
    _A.c.name, _A.c.kind, _A.c.roles, _A.c.created_by, _A.c.created_at, _A.c.disabled_at
)
_ACCOUNT = Statement(_ACCOUNTS.where(_A.c.name == bindparam("name")))
_ALL_ACCOUNTS = Statement(_ACCOUNTS.order_by(_A.c.name))
_ADD_ACCOUNT = inserting(_A)
_CHANGE_ACCOUNT = Statement(
    update(_A)
    .where(_A.c.name == bindparam("who"))
    .values(roles=bindparam("new_roles"), disabled_at=bindparam("new_disabled_at"))
)

_T = tables.teams
_M = tables.team_members
_TEAMS = Statement(select(_T.c.name, _T.c.roles).order_by(_T.c.name))
_MEMBERS = Statement(select(_M.c.team, _M.c.member).order_by(_M.c.team, _M.c.member))
_TEAMS_OF = Statement(
    select(_T.c.name, _T.c.roles)
    .select_from(_M.join(_T, _T.c.name == _M.c.team))
    .where(_M.c.member == bindparam("member"))
    .order_by(_T.c.name)
)
_ADD_TEAM = inserting(_T)
_ADD_TEAM_MEMBER = inserting(_M)
_DROP_TEAM = Statement(delete(_T).where(_T.c.name == bindparam("which")))
_DROP_TEAM_MEMBERS = Statement(delete(_M).where(_M.c.team == bindparam("which")))

_R = tables.roles
_ROLES = Statement(select(_R.c.name, _R.c.permissions, _R.c.description).order_by(_R.c.name))
_ADD_ROLE = inserting(_R)
_DROP_ROLE = Statement(delete(_R).where(_R.c.name == bindparam("which")))


@dataclass(frozen=True, slots=True)
class AccessState:
    """Whether access control is on, and how often anything of it was changed."""

    revision: int
    enabled: bool


OFF = AccessState(0, enabled=False)


def read_state(session: Session) -> AccessState:
    """Return whether access control is on."""
    row = session.one(_READ)
    return OFF if row is None else AccessState(row[0], row[1] is not None)


def raise_revision(session: Session, *, enable: bool = False) -> None:
    """Let every process know that something changed; with ``enable``, switch control on."""
    row = session.one(_LOCK)
    if row is None:
        # Two may try: one is then refused by the primary key, and runs again.
        enabled_at = session.settle_time(0) if enable else None
        session.run(_FIRST, id=_THE_ROW, revision=1, enabled_at=enabled_at)
        return
    enabled_at = row[1]
    if enable and enabled_at is None:
        enabled_at = session.settle_time(0)
    session.run(_MOVE, new_revision=row[0] + 1, new_enabled_at=enabled_at)


# --- accounts ----------------------------------------------------------------------------------


def find_account(session: Session, name: str) -> Account | None:
    """Return a person or service account, disabled or not, or None."""
    row = session.one(_ACCOUNT, name=name)
    return None if row is None else _account(row)


def list_accounts(session: Session) -> list[Account]:
    """Return every account by name."""
    return [_account(row) for row in session.all(_ALL_ACCOUNTS)]


def put_account(session: Session, account: Account) -> None:
    """Add an account, or change the roles of one and whether it is disabled."""
    disabled = None if account.disabled_at is None else to_micros(account.disabled_at)
    roles = to_json(list(account.roles))
    if find_account(session, account.name) is not None:
        session.run(_CHANGE_ACCOUNT, who=account.name, new_roles=roles, new_disabled_at=disabled)
        return
    session.run(
        _ADD_ACCOUNT,
        name=account.name,
        kind=account.kind,
        roles=roles,
        created_by=account.created_by,
        created_at=to_micros(account.created_at),
        disabled_at=disabled,
    )


# --- teams -------------------------------------------------------------------------------------


def list_teams(session: Session) -> list[Team]:
    """Return every team by name."""
    members: dict[str, list[str]] = {}
    for team, member in session.all(_MEMBERS):
        members.setdefault(team, []).append(member)
    return [
        Team(name=name, members=tuple(members.get(name, ())), roles=tuple(from_json(roles)))
        for name, roles in session.all(_TEAMS)
    ]


def teams_of(session: Session, member: str) -> dict[str, tuple[str, ...]]:
    """Return the teams that somebody is in, and each one's roles in the installation."""
    rows = session.all(_TEAMS_OF, member=member)
    return {name: tuple(from_json(roles)) for name, roles in rows}


def put_team(session: Session, team: Team) -> None:
    """Make a team, or give one these members and roles and no others."""
    drop_team(session, team.name)
    session.run(_ADD_TEAM, name=team.name, roles=to_json(list(team.roles)))
    session.many(
        _ADD_TEAM_MEMBER, [{"team": team.name, "member": member} for member in team.members]
    )


def drop_team(session: Session, name: str) -> bool:
    """Take a team away; return whether there was one."""
    session.run(_DROP_TEAM_MEMBERS, which=name)
    return session.run(_DROP_TEAM, which=name) > 0


# --- roles of one's own --------------------------------------------------------------------------


def list_roles(session: Session) -> list[Role]:
    """Return the roles of this installation's own, by name."""
    return [
        Role(name=name, permissions=tuple(from_json(permissions)), description=description)
        for name, permissions, description in session.all(_ROLES)
    ]


def own_roles(session: Session) -> dict[str, frozenset[str]]:
    """Return the permissions of each role of one's own."""
    return {role.name: frozenset(role.permissions) for role in list_roles(session)}


def put_role(session: Session, role: Role) -> None:
    """Make a role, or change one."""
    drop_role(session, role.name)
    session.run(
        _ADD_ROLE,
        name=role.name,
        permissions=to_json(list(role.permissions)),
        description=role.description,
    )


def drop_role(session: Session, name: str) -> bool:
    """Take a role away; return whether there was one."""
    return session.run(_DROP_ROLE, which=name) > 0


def _account(row: Any) -> Account:
    name, kind, roles, created_by, created_at, disabled_at = row
    return Account(
        name=name,
        kind=kind,
        roles=tuple(from_json(roles)),
        created_by=created_by,
        created_at=from_micros(created_at),
        disabled_at=None if disabled_at is None else from_micros(disabled_at),
    )
