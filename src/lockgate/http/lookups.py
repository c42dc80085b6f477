"""Routes that look things up: what stands where, searches, comparisons, counts."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockgate.http.calls import Call, CallOf
from lockgate.http.representations import Represent, represent_then
from lockgate.http.routing import MODEL, VERSION, router
from lockgate.wire.answers import (
    BoardAnswer,
    ComparisonAnswer,
    CountAnswer,
    KnownKeysAnswer,
    LineupAnswer,
    ModelPage,
    OverviewPage,
    PlaceAnswer,
    SummaryAnswer,
    VersionAnswer,
    VersionPage,
)
from lockgate.wire.queries import (
    AtWords,
    BoardWords,
    CompareWords,
    CountWords,
    LatestWords,
    LineupWords,
    ProjectPageWords,
    ReferenceWords,
    SearchWords,
    SummaryWords,
)

routes = router("lookups")


@routes.get("/resolve", response_model=VersionAnswer)
async def resolve(call: CallOf, words: Annotated[ReferenceWords, Query()]) -> Response:
    """Return the version that a reference means, now or at a moment in the past."""
    return await call.read(
        lambda registry: registry.resolve(words.ref, at=words.at), _now_or_then(call, words.at)
    )


@routes.get(MODEL + "/latest", response_model=VersionAnswer)
async def get_latest(
    call: CallOf, project: str, model: str, words: Annotated[LatestWords, Query()]
) -> Response:
    """Return the latest version of a model, or the latest that stands in a stage."""
    return await call.read(
        lambda registry: registry.get_latest(f"{project}/{model}", words.stage, at=words.at),
        _now_or_then(call, words.at),
    )


@routes.get(MODEL + "/latest-by-stage", response_model=list[VersionAnswer])  # type: ignore[valid-type]
async def get_latest_by_stage(call: CallOf, project: str, model: str) -> Response:
    """List the latest version in each stage that has one, in the order of the stages."""
    return await call.read(lambda registry: registry.get_latest_by_stage(f"{project}/{model}"))


@routes.get(MODEL + "/production", response_model=VersionAnswer)
async def production(
    call: CallOf, project: str, model: str, words: Annotated[AtWords, Query()]
) -> Response:
    """Return the version in production, now or at a moment in the past."""
    return await call.read(
        lambda registry: registry.production(f"{project}/{model}", at=words.at),
        _now_or_then(call, words.at),
    )


@routes.get(VERSION + "/children", response_model=list[VersionAnswer])  # type: ignore[valid-type]
async def children(call: CallOf, project: str, model: str, version: str) -> Response:
    """List the versions of the project that name this one as a parent, newest first."""
    return await call.read(lambda registry: registry.children(f"{project}/{model}", version))


@routes.get(MODEL + "/compare", response_model=ComparisonAnswer)
async def compare_versions(
    call: CallOf, project: str, model: str, words: Annotated[CompareWords, Query()]
) -> Response:
    """Return what differs from version a to version b."""
    return await call.read(
        lambda registry: registry.compare_versions(f"{project}/{model}", words.a, words.b)
    )


@routes.get(MODEL + "/lineup", response_model=LineupAnswer)
async def compare_many(
    call: CallOf, project: str, model: str, words: Annotated[LineupWords, Query()]
) -> Response:
    """Return two to six versions side by side, with the files and tensors that differ."""
    return await call.read(
        lambda registry: registry.compare_many(f"{project}/{model}", words.version)
    )


@routes.get("/search/versions", response_model=VersionPage)
async def search(call: CallOf, words: Annotated[SearchWords, Query()]) -> Response:
    """Find versions, newest first unless ordered. An error points at the column of the fault."""
    return await call.read(
        lambda registry: registry.search(
            words.filter,
            order_by=words.order,
            project=words.project,
            limit=words.limit,
            cursor=words.cursor,
        ),
        call.kept.represent_page,
    )


@routes.get("/search/models", response_model=ModelPage)
async def search_models(call: CallOf, words: Annotated[SearchWords, Query()]) -> Response:
    """Find models, by name unless ordered."""
    return await call.read(
        lambda registry: registry.search_models(
            words.filter,
            order_by=words.order,
            project=words.project,
            limit=words.limit,
            cursor=words.cursor,
        )
    )


@routes.get("/overview", response_model=OverviewPage)
async def overview(call: CallOf, words: Annotated[SearchWords, Query()]) -> Response:
    """List models as ``/search/models`` does, each with its version in production."""
    return await call.read(
        lambda registry: registry.overview(
            words.filter,
            order_by=words.order,
            project=words.project,
            limit=words.limit,
            cursor=words.cursor,
        )
    )


@routes.get("/stages/{stage}/versions", response_model=VersionPage)
async def get_by_stage(
    call: CallOf, stage: str, words: Annotated[ProjectPageWords, Query()]
) -> Response:
    """List the versions of all models that stand in a stage, newest first."""
    return await call.read(
        lambda registry: registry.get_by_stage(
            stage, project=words.project, limit=words.limit, cursor=words.cursor
        ),
        call.kept.represent_page,
    )


@routes.get("/projects/{project}/board", response_model=BoardAnswer)
async def project_board(
    call: CallOf, project: str, words: Annotated[BoardWords, Query()]
) -> Response:
    """Return the board of all models of a project: a column a stage, a card a version."""
    return await call.read(lambda registry: registry.board(project=project, limit=words.limit))


@routes.get(MODEL + "/board", response_model=BoardAnswer)
async def board(
    call: CallOf, project: str, model: str, words: Annotated[BoardWords, Query()]
) -> Response:
    """Return a model's board: a column a stage, a card a version, newest first."""
    return await call.read(lambda registry: registry.board(f"{project}/{model}", limit=words.limit))


@routes.get("/projects/{project}/keys", response_model=KnownKeysAnswer)
async def known_keys(call: CallOf, project: str) -> Response:
    """Return which tags, metrics and params the newest of a project have, to search by."""
    return await call.read(lambda registry: registry.known_keys(project=project))


@routes.get("/summary", response_model=SummaryAnswer)
async def summary(call: CallOf, words: Annotated[SummaryWords, Query()]) -> Response:
    """Count models, versions and stages, in one project or in all."""
    return await call.read(
        lambda registry: registry.summary(project=words.project, model=words.model)
    )


@routes.get("/models/count", response_model=CountAnswer)
async def count_models(call: CallOf, words: Annotated[CountWords, Query()]) -> Response:
    """Count the models that a filter selects."""
    return await call.read(
        lambda registry: {"count": registry.count_models(words.filter, project=words.project)}
    )


@routes.get("/uids/{uid}", response_model=PlaceAnswer)
async def locate(call: CallOf, uid: str) -> Response:
    """Return the reference of a version, or the full name of a model, by its uid."""
    return await call.read(lambda registry: {"reference": registry.locate(uid)})


def _now_or_then(call: Call, at: str | None) -> Represent:
    return call.kept.represent if at is None else represent_then
