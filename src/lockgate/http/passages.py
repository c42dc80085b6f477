"""Routes of passages: transitions, rollback, and the record of both."""

from __future__ import annotations

from starlette.responses import Response

from lockgate.http.calls import CallOf
from lockgate.http.routing import MODEL, VERSION, router
from lockgate.wire.answers import OccupancyAnswer, PromotedAnswer, TransitionAnswer
from lockgate.wire.bodies import NewRollback, NewTransition

routes = router("passages")


@routes.post(VERSION + "/transitions", response_model=PromotedAnswer)
async def transition(
    call: CallOf, project: str, model: str, version: str, body: NewTransition
) -> Response:
    """Take a version to another stage: by name, or by a verb that says which.

    A refusal lists the steps that are allowed, or carries the gate's whole report.
    """
    return await call.write(
        lambda registry: registry.transition(f"{project}/{model}", version, **body.given()),
        of=(project, model, version),
    )


@routes.get(VERSION + "/transitions", response_model=list[TransitionAnswer])  # type: ignore[valid-type]
async def get_transitions(call: CallOf, project: str, model: str, version: str) -> Response:
    """List a version's passages, oldest first."""
    return await call.read(lambda registry: registry.get_transitions(f"{project}/{model}", version))


@routes.post(MODEL + "/rollback", response_model=PromotedAnswer)
async def rollback(call: CallOf, project: str, model: str, body: NewRollback) -> Response:
    """Bring back the version that stood in a stage (production unless told) before."""
    return await call.write(
        lambda registry: registry.rollback_stage(f"{project}/{model}", **body.given()),
        of=(project, model),
    )


@routes.get(MODEL + "/history", response_model=list[OccupancyAnswer])  # type: ignore[valid-type]
async def history(call: CallOf, project: str, model: str) -> Response:
    """List who stood where from when to when, stages and aliases, oldest first."""
    return await call.read(lambda registry: registry.history(f"{project}/{model}"))
