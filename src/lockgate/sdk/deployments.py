"""Deployments: the verbs, over HTTP."""

from __future__ import annotations

from lockgate.domain.deployments import Deployment, VersionUser
from lockgate.domain.pages import Page
from lockgate.sdk.calls import Calls, given, segment


class DeploymentVerbs(Calls):
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
        body = given(
            environment=environment,
            target=target,
            status=status,
            url=url,
            heartbeat_s=heartbeat_s,
        )
        path = self._version(name, version, "deployments")
        return self._change(Deployment, "POST", path, body)

    def heartbeat_deployment(self, deployment: str) -> Deployment:
        """Give a sign of life of a deployment (by its uid). Raises `DeploymentNotFound`."""
        return self._change(Deployment, "POST", _deployment(deployment, "heartbeat"))

    def end_deployment(self, deployment: str) -> Deployment:
        """Put on record that a deployment (by its uid) is over."""
        return self._change(Deployment, "POST", _deployment(deployment, "end"))

    def get_deployment(self, deployment: str) -> Deployment:
        """Return a deployment by its uid. Raises `DeploymentNotFound`."""
        return self._load(Deployment, _deployment(deployment))

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
        return self._page(
            Deployment,
            "/deployments",
            project=owner,
            model=bare and f"{owner}/{bare}",
            environment=environment,
            include_ended=include_ended,
            limit=limit,
            cursor=cursor,
        )

    def used_by(self, name: str, version: str | int) -> tuple[VersionUser, ...]:
        """Return who uses a version: deployments, who pulled it lately, nodes that cache it."""
        return self._all(VersionUser, self._version(name, version, "users"))


def _deployment(uid: str, *rest: str) -> str:
    return "/".join(("/deployments", segment(uid, "deployment"), *rest))
