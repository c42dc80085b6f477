"""Projects in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select, update

from lockgate.domain import names
from lockgate.domain.merkle import Frontier
from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.projects import Project
from lockgate.errors import ProjectNotFound
from lockgate.storage import tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

_T = tables.projects
_COLUMNS = select(
    _T.c.name, _T.c.description, _T.c.lifecycle, _T.c.created_by, _T.c.created_at, _T.c.revision
)
_ID = Statement(select(_T.c.id).where(_T.c.name == bindparam("name")))
_LOCK = Statement(select(_T.c.id).where(_T.c.name == bindparam("name")).with_for_update())
_LOAD = Statement(_COLUMNS.where(_T.c.name == bindparam("name")))
_PAGE = Statement(
    _COLUMNS.where(_T.c.name > bindparam("after")).order_by(_T.c.name).limit(bindparam("count"))
)
_INSERT = inserting(_T, "id")
_UPDATE = Statement(
    update(_T)
    .where(_T.c.name == bindparam("key"))
    .values(
        description=bindparam("new_description"),
        lifecycle=bindparam("new_lifecycle"),
        revision=bindparam("new_revision"),
    )
)
_HEAD = inserting(tables.audit_heads)


def project_id(session: Session, name: str) -> int:
    """Return the key of a project. Raises `ProjectNotFound`."""
    found = session.value(_ID, name=names.sought(name, "project"))
    if found is None or not session.sees(name):
        raise ProjectNotFound(project=name)
    return int(found)


def lock_project(session: Session, name: str) -> int:
    """Return the key of a project whose members nobody else changes meanwhile.

    Raises `ProjectNotFound`.
    """
    found = session.value(_LOCK, name=names.sought(name, "project"))
    if found is None or not session.sees(name):
        raise ProjectNotFound(project=name)
    return int(found)


def find_project(session: Session, name: str) -> Project | None:
    """Return a project or None."""
    row = session.one(_LOAD, name=names.sought(name, "project"))
    return None if row is None or not session.sees(name) else _project(row)


def find_key(session: Session, name: str) -> int | None:
    """Return the key of a project, visible or not, or None."""
    found = session.value(_ID, name=name)
    return None if found is None else int(found)


def load_project(session: Session, name: str) -> Project:
    """Return a project. Raises `ProjectNotFound`."""
    project = find_project(session, name)
    if project is None:
        raise ProjectNotFound(project=name)
    return project


def list_projects(session: Session, after: str, count: int) -> list[Project]:
    """Return up to ``count`` projects by name, those after ``after``."""
    visible = None if session.viewer is None else session.viewer.visible
    if visible is not None:
        chosen = [name for name in visible if name > after][:count]
        return [load_project(session, name) for name in chosen]
    return [_project(row) for row in session.all(_PAGE, after=after, count=count)]


def insert_project(session: Session, project: Project) -> int:
    """Add a project and the empty log that goes with it; return its key."""
    session.run(
        _INSERT,
        name=project.name,
        description=project.description,
        lifecycle=project.lifecycle,
        created_by=project.created_by,
        created_at=to_micros(project.created_at),
        revision=project.revision,
    )
    key = int(session.value(_ID, name=project.name))
    session.run(
        _HEAD,
        project_id=key,
        size=0,
        frontier=Frontier().to_bytes(),
        last_hash=bytes(32),
    )
    return key


def update_project(session: Session, project: Project) -> None:
    """Write the description and default lifecycle of a project."""
    session.run(
        _UPDATE,
        key=project.name,
        new_description=project.description,
        new_lifecycle=project.lifecycle,
        new_revision=project.revision,
    )


def _project(row: Any) -> Project:
    name, description, lifecycle, created_by, created_at, revision = row
    return Project(
        name=name,
        description=description,
        lifecycle=lifecycle,
        created_by=created_by,
        created_at=from_micros(created_at),
        revision=revision,
    )
