"""Routes of registered models."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockgate.domain.models import RegisteredModel
from lockgate.http.calls import CallOf
from lockgate.http.conditions import require_same, revision_wanted
from lockgate.http.representations import represent_model, represent_nothing
from lockgate.http.routing import MODEL, router
from lockgate.registry import Registry
from lockgate.wire.answers import ModelAnswer, ModelPage
from lockgate.wire.bodies import ModelChange, NewModel
from lockgate.wire.queries import ForceWords, ModelSearchWords, SearchWords

routes = router("models")


@routes.get("/models", response_model=ModelPage)
async def list_all_models(call: CallOf, words: Annotated[SearchWords, Query()]) -> Response:
    """List the models of all projects, or of one; by name unless ordered."""
    return await call.read(
        lambda registry: registry.list_models(
            project=words.project,
            filter=words.filter,
            order_by=words.order,
            limit=words.limit,
            cursor=words.cursor,
        )
    )


@routes.post("/projects/{project}/models", status_code=201, response_model=ModelAnswer)
async def create_model(call: CallOf, project: str, body: NewModel) -> Response:
    """Make a model, pinned to the newest revision of a lifecycle unless told."""
    words = body.given()
    name = f"{project}/{words.pop('name')}"
    return await call.write(
        lambda registry: registry.create_model(name, **words), represent_model, status=201
    )


@routes.get("/projects/{project}/models", response_model=ModelPage)
async def list_models(
    call: CallOf, project: str, words: Annotated[ModelSearchWords, Query()]
) -> Response:
    """List a project's models by name unless ordered."""
    return await call.read(
        lambda registry: registry.list_models(
            project=project,
            filter=words.filter,
            order_by=words.order,
            limit=words.limit,
            cursor=words.cursor,
        )
    )


@routes.get(MODEL, response_model=ModelAnswer)
async def get_model(call: CallOf, project: str, model: str) -> Response:
    """Return a model."""
    return await call.read(
        lambda registry: registry.get_model(f"{project}/{model}"), represent_model
    )


@routes.patch(MODEL, response_model=ModelAnswer)
async def update_model(call: CallOf, project: str, model: str, body: ModelChange) -> Response:
    """Change a model; what is left out stays. ``If-Match`` guards against a lost update."""
    name = f"{project}/{model}"
    wanted = revision_wanted(call.request.headers.get("if-match"))

    def change(registry: Registry) -> RegisteredModel:
        if wanted is None:
            return registry.update_model(name, **body.given())
        found = registry.get_model(name)
        require_same(wanted[0], found.uid, "Model", found.full_name, found.revision)
        return registry.update_model(name, revision=wanted[1], **body.given())

    return await call.write(change, represent_model)


@routes.delete(MODEL, status_code=204, response_model=None)
async def delete_model(
    call: CallOf, project: str, model: str, words: Annotated[ForceWords, Query()]
) -> Response:
    """Delete a model; it can be restored. Refused while a version serves, unless forced."""
    return await call.write(
        lambda registry: registry.delete_model(f"{project}/{model}", **dict(words)),
        represent_nothing,
        status=204,
        of=(project, model),
    )


@routes.post(MODEL + "/restore", response_model=ModelAnswer)
async def restore_model(call: CallOf, project: str, model: str) -> Response:
    """Bring a deleted model back as it was."""
    return await call.write(
        lambda registry: registry.restore_model(f"{project}/{model}"), represent_model
    )
