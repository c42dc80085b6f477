"""Routes of model versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockgate.domain.versions import ModelVersion
from lockgate.http.calls import Call, CallOf
from lockgate.http.conditions import require_same, revision_wanted
from lockgate.http.representations import represent_nothing
from lockgate.http.routing import MODEL, VERSION, router
from lockgate.registry import Registry
from lockgate.wire.answers import VersionAnswer, VersionPage
from lockgate.wire.bodies import MetricsChange, NewVersion, VersionChange
from lockgate.wire.queries import ForceWords, StageWords

routes = router("versions")


@routes.post(MODEL + "/versions", status_code=201, response_model=VersionAnswer)
async def register_model(call: CallOf, project: str, model: str, body: NewVersion) -> Response:
    """Register a version; a model of that name is made if there is none."""
    return await call.write(
        lambda registry: registry.register_model(f"{project}/{model}", **body.given()),
        call.kept.represent,
        status=201,
    )


@routes.get(MODEL + "/versions", response_model=VersionPage)
async def list_versions(
    call: CallOf, project: str, model: str, words: Annotated[StageWords, Query()]
) -> Response:
    """List a model's versions, newest first; all, or those in a stage."""
    return await call.read(
        lambda registry: registry.list_versions(
            f"{project}/{model}", stage=words.stage, limit=words.limit, cursor=words.cursor
        ),
        call.kept.represent_page,
    )


@routes.get(VERSION, response_model=VersionAnswer)
async def get_version(call: CallOf, project: str, model: str, version: str) -> Response:
    """Return a version by its label or its number."""
    return await call.read(
        lambda registry: registry.get_version(f"{project}/{model}", version), call.kept.represent
    )


@routes.patch(VERSION, response_model=VersionAnswer)
async def update_version(
    call: CallOf, project: str, model: str, version: str, body: VersionChange
) -> Response:
    """Change a version; what is left out stays. ``If-Match`` guards against a lost update."""
    name, changes = f"{project}/{model}", body.given()

    def change(registry: Registry, revision: int | None) -> ModelVersion:
        return registry.update_version(name, version, revision=revision, **changes)

    return await _change(call, name, version, change)


@routes.post(VERSION + "/metrics", response_model=VersionAnswer)
async def log_metrics(
    call: CallOf, project: str, model: str, version: str, body: MetricsChange
) -> Response:
    """Add metrics or change them; null takes one away. ``If-Match`` is honoured."""
    name = f"{project}/{model}"

    def change(registry: Registry, revision: int | None) -> ModelVersion:
        return registry.log_metrics(name, version, body.metrics, revision=revision)

    return await _change(call, name, version, change)


@routes.delete(VERSION, status_code=204, response_model=None)
async def delete_version(
    call: CallOf, project: str, model: str, version: str, words: Annotated[ForceWords, Query()]
) -> Response:
    """Delete a version; it can be restored. Refused while it is in use, unless forced."""
    return await call.write(
        lambda registry: registry.delete_version(f"{project}/{model}", version, **dict(words)),
        represent_nothing,
        status=204,
        of=(project, model, version),
    )


@routes.post(VERSION + "/restore", response_model=VersionAnswer)
async def restore_version(call: CallOf, project: str, model: str, version: str) -> Response:
    """Bring a deleted version back, in the initial stage."""
    return await call.write(
        lambda registry: registry.restore_version(f"{project}/{model}", version),
        call.kept.represent,
    )


async def _change(
    call: Call,
    name: str,
    version: str,
    change: Callable[[Registry, int | None], ModelVersion],
) -> Response:
    """Change a version, of the revision that ``If-Match`` names if it names one."""
    wanted = revision_wanted(call.request.headers.get("if-match"))

    def guarded(registry: Registry) -> ModelVersion:
        if wanted is None:
            return change(registry, None)
        found = registry.get_version(name, version)
        require_same(wanted[0], found.uid, "Version", found.reference, found.revision)
        return change(registry, wanted[1])

    return await call.write(guarded, call.kept.represent)
