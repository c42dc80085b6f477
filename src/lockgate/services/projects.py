"""Projects: make, change and list them."""

from __future__ import annotations

from dataclasses import replace

from lockgate.domain import names
from lockgate.domain.access import Member
from lockgate.domain.pages import Page
from lockgate.domain.permissions import CREATE_PROJECT, EDIT_PROJECT, MANAGE_MEMBERS
from lockgate.domain.projects import Project
from lockgate.domain.roles import ADMIN
from lockgate.errors import AlreadyExists, LifecycleNotFound
from lockgate.services.paging import page_of
from lockgate.storage import guard, members
from lockgate.storage import projects as rows
from lockgate.storage.accounts import raise_revision
from lockgate.storage.database import Session
from lockgate.storage.lifecycles import find_latest
from lockgate.storage.log import record
from lockgate.storage.store import Caller, Store


def create_project(
    store: Store, who: Caller, name: str, description: str, lifecycle: str
) -> Project:
    """Make a project. Raises `AlreadyExists`."""
    name = names.project_name(name)
    description = names.plain_text(description, "description", store.limits.description_chars_max)

    def use_case(session: Session) -> Project:
        session.settle_time(0)
        guard.require_everywhere(session, CREATE_PROJECT)
        if rows.find_key(session, name) is not None:
            raise AlreadyExists(kind="Project", name=name)
        _require_lifecycle(session, lifecycle)
        project = Project(
            name=name,
            description=description,
            lifecycle=lifecycle,
            created_by=who.name,
            created_at=session.now,
        )
        key = rows.insert_project(session, project)
        record(session, key, who.name, "create_project", detail={"lifecycle": lifecycle})
        if who.grant is not None:
            _give_to_maker(session, key, name, who)
        return project

    made = store.write(who, use_case)
    if who.grant is not None:
        store.grants.refresh()
    return made


def _give_to_maker(session: Session, key: int, project: str, who: Caller) -> None:
    """Make whoever makes a project its admin, unless they are that in every project anyway."""
    if session.viewer is not None and session.viewer.may_everywhere(MANAGE_MEMBERS):
        return
    guard.vouch(session, MANAGE_MEMBERS, key)
    members.put_member(session, key, Member(project=project, person=who.name, roles=(ADMIN,)))
    record(session, key, who.name, "set_member", detail={"person": who.name, "roles": [ADMIN]})
    raise_revision(session)


def update_project(
    store: Store, who: Caller, name: str, description: str | None, lifecycle: str | None
) -> Project:
    """Change a project's description or the lifecycle that new models get."""

    def use_case(session: Session) -> Project:
        before = rows.load_project(session, name)
        guard.require(session, EDIT_PROJECT, rows.project_id(session, name), name)
        after = before
        if description is not None:
            text = names.plain_text(description, "description", store.limits.description_chars_max)
            after = replace(after, description=text)
        if lifecycle is not None:
            _require_lifecycle(session, lifecycle)
            after = replace(after, lifecycle=lifecycle)
        if after == before:
            return before
        after = replace(after, revision=before.revision + 1)
        rows.update_project(session, after)
        changes = {
            field: [getattr(before, field), getattr(after, field)]
            for field in ("description", "lifecycle")
            if getattr(before, field) != getattr(after, field)
        }
        key = rows.project_id(session, name)
        record(session, key, who.name, "update_project", detail={"changes": changes})
        return after

    return store.write(who, use_case)


def get_project(store: Store, name: str) -> Project:
    """Return a project. Raises `ProjectNotFound`."""
    return store.read(lambda session: rows.load_project(session, name))


def list_projects(store: Store, limit: int, cursor: str | None) -> Page[Project]:
    """Return a page of projects by name."""
    return page_of(
        store,
        "projects",
        limit,
        cursor,
        first="",
        fetch=lambda after, count: store.read(
            lambda session: rows.list_projects(session, str(after), count)
        ),
        position=lambda project: project.name,
    )


def _require_lifecycle(session: Session, name: str) -> None:
    if find_latest(session, name) is None:
        raise LifecycleNotFound(lifecycle=name)
