"""Routes of splits: which keys get which version, and what came of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockgate.http.calls import CallOf
from lockgate.http.routing import MODEL, router
from lockgate.wire.answers import AssignmentAnswer, OutcomesAnswer, SplitAnswer, TallyAnswer
from lockgate.wire.bodies import NewOutcomes, NewSplit
from lockgate.wire.queries import KeyWords, OutcomeWords

routes = router("splits")


@routes.put(MODEL + "/split", response_model=SplitAnswer)
async def set_split(call: CallOf, project: str, model: str, body: NewSplit) -> Response:
    """Share the keys of a model out by weight; only the keys that must move do."""
    return await call.write(lambda registry: registry.set_split(f"{project}/{model}", body.arms))


@routes.get(MODEL + "/split", response_model=SplitAnswer)
async def get_split(call: CallOf, project: str, model: str) -> Response:
    """Return how the keys of a model are shared out."""
    return await call.read(lambda registry: registry.get_split(f"{project}/{model}"))


@routes.delete(MODEL + "/split", response_model=SplitAnswer)
async def remove_split(call: CallOf, project: str, model: str) -> Response:
    """Take a model's split away."""
    return await call.write(lambda registry: registry.remove_split(f"{project}/{model}"))


@routes.get(MODEL + "/assign", response_model=AssignmentAnswer)
async def assign(
    call: CallOf, project: str, model: str, words: Annotated[KeyWords, Query()]
) -> Response:
    """Return the arm of a key, and the version it means now."""
    return await call.read(lambda registry: registry.assign(f"{project}/{model}", words.key))


@routes.post(MODEL + "/outcomes", response_model=list[TallyAnswer])  # type: ignore[valid-type]
async def report_outcomes(call: CallOf, project: str, model: str, body: NewOutcomes) -> Response:
    """Count what came of the arms of a split, all or none."""
    return await call.write(
        lambda registry: registry.report_outcomes(
            f"{project}/{model}", body.outcomes, batch=body.batch
        )
    )


@routes.get(MODEL + "/outcomes", response_model=OutcomesAnswer)
async def compare_outcomes(
    call: CallOf, project: str, model: str, words: Annotated[OutcomeWords, Query()]
) -> Response:
    """Compare the arms of a split by a metric, as often as one likes."""
    return await call.read(
        lambda registry: registry.compare_outcomes(f"{project}/{model}", **dict(words))
    )
