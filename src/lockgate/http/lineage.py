"""The route of lineage."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockgate.http.calls import CallOf
from lockgate.http.routing import VERSION, router
from lockgate.wire.answers import LineageAnswer
from lockgate.wire.artifacts import Card
from lockgate.wire.queries import LineageWords

routes = router("lineage")


@routes.get(VERSION + "/lineage", response_model=LineageAnswer)
async def lineage(
    call: CallOf,
    project: str,
    model: str,
    version: str,
    words: Annotated[LineageWords, Query()],
) -> Response:
    """Return what a version came from, and what came from it."""
    return await call.read(
        lambda registry: registry.lineage(f"{project}/{model}:{version}", **dict(words))
    )


@routes.get(VERSION + "/generated-card", response_model=Card)
async def generate_card(call: CallOf, project: str, model: str, version: str) -> Response:
    """Return a model card in Hugging Face's form, from what is known of a version."""
    return await call.read(
        lambda registry: {"text": registry.generate_card(f"{project}/{model}:{version}")}
    )
