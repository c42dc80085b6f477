"""Routes of projects."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockgate.http.calls import CallOf
from lockgate.http.routing import router
from lockgate.wire.answers import ProjectAnswer, ProjectPage
from lockgate.wire.bodies import NewProject, ProjectChange
from lockgate.wire.queries import PageWords

routes = router("projects")


@routes.post("/projects", status_code=201, response_model=ProjectAnswer)
async def create_project(call: CallOf, body: NewProject) -> Response:
    """Make a project."""
    return await call.write(lambda registry: registry.create_project(**body.given()), status=201)


@routes.get("/projects", response_model=ProjectPage)
async def list_projects(call: CallOf, words: Annotated[PageWords, Query()]) -> Response:
    """List projects by name."""
    return await call.read(
        lambda registry: registry.list_projects(limit=words.limit, cursor=words.cursor)
    )


@routes.get("/projects/{project}", response_model=ProjectAnswer)
async def get_project(call: CallOf, project: str) -> Response:
    """Return a project."""
    return await call.read(lambda registry: registry.get_project(project))


@routes.patch("/projects/{project}", response_model=ProjectAnswer)
async def update_project(call: CallOf, project: str, body: ProjectChange) -> Response:
    """Change a project; what is left out stays."""
    return await call.write(lambda registry: registry.update_project(project, **body.given()))
