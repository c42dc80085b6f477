"""Members of projects in SQL: people, service accounts and teams, and the roles they come to."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from lockgate.domain.access import Member
from lockgate.storage import gate_tables, tables
from lockgate.storage.accounts import list_teams, teams_of
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.statements import Statement, inserting

_T = gate_tables.members
_ALL = Statement(
    select(_T.c.person, _T.c.roles)
    .where(_T.c.project_id == bindparam("project_id"))
    .order_by(_T.c.person)
)
_DROP = Statement(
    delete(_T).where(_T.c.project_id == bindparam("key"), _T.c.person == bindparam("who"))
)
_ADD = inserting(_T)
_P = tables.projects
_PROJECTS_OF = Statement(
    select(_P.c.name)
    .select_from(_T.join(_P, _P.c.id == _T.c.project_id))
    .where(_T.c.person == bindparam("person"))
    .order_by(_P.c.name)
)


def list_members(session: Session, project_id: int, project: str) -> list[Member]:
    """Return the members of a project, by name."""
    return [
        Member(project=project, person=person, roles=tuple(from_json(roles)))
        for person, roles in session.all(_ALL, project_id=project_id)
    ]


def list_people(session: Session, project_id: int, project: str) -> list[Member]:
    """Return who has roles in a project, teams taken apart into those who are in them."""
    members = list_members(session, project_id, project)
    teams = {team.name: team.members for team in list_teams(session)} if members else {}
    roles: dict[str, set[str]] = {}
    for member in members:
        for person in teams.get(member.person, (member.person,)):
            roles.setdefault(person, set()).update(member.roles)
    return [
        Member(project=project, person=person, roles=tuple(sorted(held)))
        for person, held in sorted(roles.items())
    ]


def roles_of(session: Session, project_id: int, person: str) -> tuple[str, ...] | None:
    """Return a person's roles, those of their teams too.

    None when the project has no members at all.
    """
    members = list_members(session, project_id, "")
    if not members:
        return None
    names = {person, *teams_of(session, person)}
    held = {role for member in members if member.person in names for role in member.roles}
    return tuple(sorted(held))


def projects_of(session: Session, person: str) -> list[str]:
    """Return the names of the projects that somebody, or a team, is a member of."""
    return [row[0] for row in session.all(_PROJECTS_OF, person=person)]


def put_member(session: Session, project_id: int, member: Member) -> None:
    """Give a person these roles and no others."""
    drop_member(session, project_id, member.person)
    session.run(
        _ADD, project_id=project_id, person=member.person, roles=to_json(list(member.roles))
    )


def drop_member(session: Session, project_id: int, person: str) -> bool:
    """Take a person out; return whether they were in."""
    return session.run(_DROP, key=project_id, who=person) > 0
