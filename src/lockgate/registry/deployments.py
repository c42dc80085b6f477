"""Deployments: the verbs."""

from __future__ import annotations

from lockgate.domain.deployments import Deployment, VersionUser
from lockgate.domain.pages import Page
from lockgate.registry.desk import Desk
from lockgate.services import deployments, usage
from lockgate.services.deployments import Report


class DeploymentVerbs(Desk):
    """Which version runs where, and who uses it."""

    def report_deployment(
        self,
        name: str,
        version: str | int,
        environment: str,
        *,
        target: str = "",
        status: str = "running",
        url: str | None = None,
        heartbeat_s: int | None = None,
    ) -> Deployment:
        """Put on record that a version runs at a target of an environment.

        Another version of the model that ran there has ended by that. ``status`` is deploying,
        running or failed. With ``heartbeat_s`` it promises a sign of life that often, and counts
        for lost when three are missed; without, it runs until somebody ends it.
        """
        project, bare = self._split(name)
        report = Report(
            environment=environment,
            target=target,
            status=status,
            url=url,
            heartbeat_s=heartbeat_s,
        )
        return deployments.report_deployment(
            self._store, self._who, project, bare, str(version), report
        )

    def heartbeat_deployment(self, deployment: str) -> Deployment:
        """Give a sign of life of a deployment (by its uid). Raises `DeploymentNotFound`."""
        return deployments.heartbeat_deployment(self._store, self._who, deployment)

    def end_deployment(self, deployment: str) -> Deployment:
        """Put on record that a deployment (by its uid) is over."""
        return deployments.end_deployment(self._store, self._who, deployment)

    def get_deployment(self, deployment: str) -> Deployment:
        """Return a deployment by its uid. Raises `DeploymentNotFound`."""
        return deployments.get_deployment(self._store, deployment)

    def list_deployments(
        self,
        *,
        model: str | None = None,
        environment: str | None = None,
        project: str | None = None,
        include_ended: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Deployment]:
        """Return a page of a project's deployments, newest first; of one model if it is named."""
        owner, bare = (project or self.project, None) if model is None else self._split(model)
        return deployments.list_deployments(
            self._store, owner, bare, environment, include_ended, limit, cursor
        )

    def used_by(self, name: str, version: str | int) -> tuple[VersionUser, ...]:
        """Return who uses a version: deployments, who pulled it lately, nodes that cache it."""
        return usage.used_by(self._store, *self._split(name), str(version))
