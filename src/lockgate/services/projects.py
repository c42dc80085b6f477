"""Projects: make, change and list them."""

from __future__ import annotations

from dataclasses import replace

from lockgate.domain import names
from lockgate.domain.pages import Page
from lockgate.domain.projects import Project
from lockgate.errors import AlreadyExists, LifecycleNotFound
from lockgate.services.paging import page_of
from lockgate.storage import projects as rows
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
        if rows.find_project(session, name) is not None:
            raise AlreadyExists(kind="Project", name=name)
        _require_lifecycle(session, lifecycle)
        project = Project(
            name=name,
            description=description,
            lifecycle=lifecycle,
            created_by=who.name,
            created_at=session.now,
        )
        rows.insert_project(session, project)
        record(
            session,
            rows.project_id(session, name),
            who.name,
            "create_project",
            detail={"lifecycle": lifecycle},
        )
        return project

    return store.write(who, use_case)


def update_project(
    store: Store, who: Caller, name: str, description: str | None, lifecycle: str | None
) -> Project:
    """Change a project's description or the lifecycle that new models get."""

    def use_case(session: Session) -> Project:
        before = rows.load_project(session, name)
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
