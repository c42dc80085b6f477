"""Projects and lifecycles: the verbs, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate.domain.lifecycles import Lifecycle
from lockgate.domain.pages import Page
from lockgate.domain.projects import Project
from lockgate.sdk.calls import Calls, given, segment


class ProjectVerbs(Calls):
    """Projects, and the lifecycles that their models follow."""

    def create_project(
        self, name: str, *, description: str = "", lifecycle: str = "standard"
    ) -> Project:
        """Make a project whose models get ``lifecycle`` unless they say otherwise."""
        body = {"name": name, "description": description, "lifecycle": lifecycle}
        return self._change(Project, "POST", "/projects", body)

    def get_project(self, name: str) -> Project:
        """Return a project. Raises `ProjectNotFound`."""
        return self._load(Project, f"/projects/{segment(name)}")

    def list_projects(self, *, limit: int = 100, cursor: str | None = None) -> Page[Project]:
        """Return a page of projects by name."""
        return self._page(Project, "/projects", limit=limit, cursor=cursor)

    def update_project(
        self, name: str, *, description: str | None = None, lifecycle: str | None = None
    ) -> Project:
        """Change a project; what is None stays."""
        body = given(description=description, lifecycle=lifecycle)
        return self._change(Project, "PATCH", f"/projects/{segment(name)}", body)

    def apply_lifecycle(self, document: Mapping[str, Any]) -> Lifecycle:
        """Store a lifecycle document as the next revision of its name.

        Raises `InvalidLifecycle` with every fault.
        """
        return self._change(Lifecycle, "POST", "/lifecycles", document)

    def get_lifecycle(self, name: str, revision: int | None = None) -> Lifecycle:
        """Return a lifecycle, its newest revision unless told."""
        return self._load(Lifecycle, f"/lifecycles/{segment(name)}", revision=revision)

    def list_lifecycles(self) -> tuple[Lifecycle, ...]:
        """Return every revision of every lifecycle, by name and revision."""
        return self._all(Lifecycle, "/lifecycles")
