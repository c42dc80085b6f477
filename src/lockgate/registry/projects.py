"""Projects and lifecycles: the verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate.domain.lifecycles import Lifecycle
from lockgate.domain.pages import Page
from lockgate.domain.projects import Project
from lockgate.registry.desk import Desk
from lockgate.services import lifecycles, projects


class ProjectVerbs(Desk):
    """Projects, and the lifecycles that their models follow."""

    def create_project(
        self, name: str, *, description: str = "", lifecycle: str = "standard"
    ) -> Project:
        """Make a project whose models get ``lifecycle`` unless they say otherwise."""
        return projects.create_project(self._store, self._who, name, description, lifecycle)

    def get_project(self, name: str) -> Project:
        """Return a project. Raises `ProjectNotFound`."""
        return projects.get_project(self._store, name)

    def list_projects(self, *, limit: int = 100, cursor: str | None = None) -> Page[Project]:
        """Return a page of projects by name."""
        return projects.list_projects(self._store, limit, cursor)

    def update_project(
        self, name: str, *, description: str | None = None, lifecycle: str | None = None
    ) -> Project:
        """Change a project; what is None stays."""
        return projects.update_project(self._store, self._who, name, description, lifecycle)

    def apply_lifecycle(self, document: Mapping[str, Any]) -> Lifecycle:
        """Store a lifecycle document as the next revision of its name.

        Raises `InvalidLifecycle` with every fault.
        """
        return lifecycles.apply_lifecycle(self._store, self._who, document)

    def get_lifecycle(self, name: str, revision: int | None = None) -> Lifecycle:
        """Return a lifecycle, its newest revision unless told."""
        return lifecycles.get_lifecycle(self._store, name, revision)

    def list_lifecycles(self) -> tuple[Lifecycle, ...]:
        """Return every revision of every lifecycle, by name and revision."""
        return lifecycles.list_lifecycles(self._store)
