"""Routes of deployments: which version runs where, and who uses it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockgate.http.calls import CallOf
from lockgate.http.routing import VERSION, router
from lockgate.wire.answers import DeploymentAnswer, DeploymentPage, UserAnswer
from lockgate.wire.bodies import NewDeployment
from lockgate.wire.queries import DeploymentWords

routes = router("deployments")
ONE = "/deployments/{deployment}"


@routes.post(VERSION + "/deployments", status_code=201, response_model=DeploymentAnswer)
async def report_deployment(
    call: CallOf, project: str, model: str, version: str, body: NewDeployment
) -> Response:
    """Put on record that a version runs at a target; another that ran there has ended."""
    return await call.write(
        lambda registry: registry.report_deployment(f"{project}/{model}", version, **body.given()),
        status=201,
    )


@routes.get(VERSION + "/users", response_model=list[UserAnswer])  # type: ignore[valid-type]
async def used_by(call: CallOf, project: str, model: str, version: str) -> Response:
    """List who uses a version."""
    return await call.read(lambda registry: registry.used_by(f"{project}/{model}", version))


@routes.get("/deployments", response_model=DeploymentPage)
async def list_deployments(call: CallOf, words: Annotated[DeploymentWords, Query()]) -> Response:
    """List deployments, newest first."""
    return await call.read(lambda registry: registry.list_deployments(**dict(words)))


@routes.get(ONE, response_model=DeploymentAnswer)
async def get_deployment(call: CallOf, deployment: str) -> Response:
    """Return a deployment."""
    return await call.read(lambda registry: registry.get_deployment(deployment))


@routes.post(ONE + "/heartbeat", response_model=DeploymentAnswer)
async def heartbeat_deployment(call: CallOf, deployment: str) -> Response:
    """Give a sign of life."""
    return await call.write(lambda registry: registry.heartbeat_deployment(deployment))


@routes.post(ONE + "/end", response_model=DeploymentAnswer)
async def end_deployment(call: CallOf, deployment: str) -> Response:
    """Put on record that it is over."""
    return await call.write(lambda registry: registry.end_deployment(deployment))
