"""Routes of monitoring: what versions do in use, and the rules that watch it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockgate.http.calls import CallOf
from lockgate.http.routing import MODEL, VERSION, router
from lockgate.wire.answers import (
    DriftAnswer,
    HistogramAnswer,
    MeasuredAnswer,
    MonitorAnswer,
    ObservedAnswer,
    SeriesAnswer,
    SourceAnswer,
)
from lockgate.wire.bodies import NewHistogram, NewMonitor, NewObservations, NewSource
from lockgate.wire.queries import SeriesWords

routes = router("monitoring")
ONE = MODEL + "/monitors/{monitor}"
SOURCE = MODEL + "/sources/{metric}"


@routes.post(VERSION + "/observations", status_code=201, response_model=ObservedAnswer)
async def report_observations(
    call: CallOf, project: str, model: str, version: str, body: NewObservations
) -> Response:
    """Take in metrics of a version in use."""
    return await call.write(
        lambda registry: registry.report_observations(
            f"{project}/{model}", version, body.observations, at=body.at
        ),
        status=201,
    )


@routes.get(VERSION + "/observations", response_model=SeriesAnswer)
async def list_observations(
    call: CallOf, project: str, model: str, version: str, words: Annotated[SeriesWords, Query()]
) -> Response:
    """Return a metric over time, for a chart."""
    return await call.read(
        lambda registry: registry.list_observations(f"{project}/{model}", version, **dict(words))
    )


@routes.get(VERSION + "/measured", response_model=MeasuredAnswer)
async def measured(call: CallOf, project: str, model: str, version: str) -> Response:
    """Return which metrics of a version in use there are to look at."""
    return await call.read(lambda registry: registry.measured(f"{project}/{model}", version))


@routes.post(VERSION + "/histograms", status_code=201, response_model=HistogramAnswer)
async def report_histogram(
    call: CallOf, project: str, model: str, version: str, body: NewHistogram
) -> Response:
    """Take in how the values of a metric are spread, or what others are held against."""
    return await call.write(
        lambda registry: registry.report_histogram(f"{project}/{model}", version, **body.given()),
        status=201,
    )


@routes.get(VERSION + "/drift", response_model=DriftAnswer)
async def list_drift(
    call: CallOf, project: str, model: str, version: str, words: Annotated[SeriesWords, Query()]
) -> Response:
    """Return how far a metric lay from its reference over time."""
    return await call.read(
        lambda registry: registry.list_drift(f"{project}/{model}", version, **dict(words))
    )


@routes.put(ONE, response_model=MonitorAnswer)
async def set_monitor(
    call: CallOf, project: str, model: str, monitor: str, body: NewMonitor
) -> Response:
    """Watch a metric of whatever stands in a stage."""
    return await call.write(
        lambda registry: registry.set_monitor(f"{project}/{model}", monitor, **body.given())
    )


@routes.get(MODEL + "/monitors", response_model=list[MonitorAnswer])  # type: ignore[valid-type]
async def list_monitors(call: CallOf, project: str, model: str) -> Response:
    """List the monitors of a model and how they stand."""
    return await call.read(lambda registry: registry.list_monitors(f"{project}/{model}"))


@routes.delete(ONE, response_model=MonitorAnswer)
async def remove_monitor(call: CallOf, project: str, model: str, monitor: str) -> Response:
    """Watch no more by this rule."""
    return await call.write(lambda registry: registry.remove_monitor(f"{project}/{model}", monitor))


@routes.put(SOURCE, response_model=SourceAnswer)
async def set_source(
    call: CallOf, project: str, model: str, metric: str, body: NewSource
) -> Response:
    """Read a metric from a Prometheus server."""
    return await call.write(
        lambda registry: registry.set_source(f"{project}/{model}", metric, **body.given())
    )


@routes.get(MODEL + "/sources", response_model=list[SourceAnswer])  # type: ignore[valid-type]
async def list_sources(call: CallOf, project: str, model: str) -> Response:
    """List where metrics of a model are read from, and how that went."""
    return await call.read(lambda registry: registry.list_sources(f"{project}/{model}"))


@routes.delete(SOURCE, response_model=SourceAnswer)
async def remove_source(call: CallOf, project: str, model: str, metric: str) -> Response:
    """Read a metric no more."""
    return await call.write(lambda registry: registry.remove_source(f"{project}/{model}", metric))


@routes.post("/monitors/evaluate", response_model=list[MonitorAnswer])  # type: ignore[valid-type]
async def evaluate_monitors(call: CallOf) -> Response:
    """Look at every monitor now; the server does so by itself."""
    return await call.write(lambda registry: registry.evaluate_monitors())
