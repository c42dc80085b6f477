"""Observations: take in what versions do in use, show it over time, forget it in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.domain.moments import from_micros
from lockgate.domain.observations import (
    GRAINS_S,
    METRICS_MAX,
    MICROS,
    Measured,
    ObservationSeries,
    ObservationsKept,
    Point,
    gathered,
    grain_of,
    parse_observations,
    require_points,
)
from lockgate.domain.permissions import REPORT_OBSERVATIONS
from lockgate.errors import InvalidInput
from lockgate.storage import guard, histograms
from lockgate.storage import models as model_rows
from lockgate.storage import observations as rows
from lockgate.storage import splits as split_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.store import Caller, Store


def report_observations(
    store: Store, who: Caller, project: str, name: str, label: str, given: Any, at: Any
) -> ObservationsKept:
    """Take in values of metrics, all or none; they are figures and no events of the log."""

    def use_case(session: Session) -> ObservationsKept:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, REPORT_OBSERVATIONS, stored)
        key, version = version_rows.load_version(session, stored, label)
        values = parse_observations(given, at, session.settle_time(0))
        for (metric, grain_s), buckets in gathered(values).items():
            rows.add_buckets(session, key, metric, grain_s, buckets)
        return ObservationsKept(
            project=project, model=stored.model.name, version=version.label, count=len(values)
        )

    return store.write(who, use_case)


def list_observations(
    store: Store,
    project: str,
    name: str,
    label: str,
    metric: str,
    since_us: int | None,
    until_us: int | None,
    points: int,
) -> ObservationSeries:
    """Return a metric over time in up to ``points`` steps of equal length.

    All that is kept, unless ``since_us`` and ``until_us`` say otherwise.
    """
    require_points(points)

    def use_case(session: Session) -> ObservationSeries:
        stored = model_rows.load_model(session, project, name)
        key, version = version_rows.load_version(session, stored, label)
        spans = [rows.span_of(session, key, metric, each) for each in GRAINS_S]
        begin_us, end_us = span_of(spans, since_us, until_us)
        grain_s, step_s = grain_kept(spans, begin_us, end_us, points)
        step_us = step_s * MICROS
        first_us = begin_us - begin_us % (grain_s * MICROS)
        steps = rows.list_steps(session, key, metric, grain_s, first_us, end_us, step_us)
        return ObservationSeries(
            project=project,
            model=stored.model.name,
            version=version.label,
            metric=metric,
            step_s=step_s,
            points=tuple(
                Point(at=from_micros(begin), n=n, mean=total / n, low=low, high=high)
                for begin, n, total, low, high in steps
            ),
        )

    return store.snapshot(use_case)


def measured(store: Store, project: str, name: str, label: str) -> Measured:
    """Return which metrics of a version in use there are to look at."""

    def use_case(session: Session) -> Measured:
        stored = model_rows.load_model(session, project, name)
        key, version = version_rows.load_version(session, stored, label)
        return Measured(
            project=project,
            model=stored.model.name,
            version=version.label,
            observations=rows.list_metrics(session, key, METRICS_MAX),
            outcomes=split_rows.list_metrics(session, key, METRICS_MAX),
        )

    return store.snapshot(use_case)


def forget_observations(store: Store, keep_days: Mapping[int, int]) -> int:
    """Forget what is kept by a grain, in seconds, once it is older than that grain's days."""

    def use_case(session: Session) -> int:
        now_us = session.settle_time(0)
        return sum(
            forget(session, grain_s, now_us - days * 86_400 * MICROS)
            for grain_s, days in keep_days.items()
            for forget in (rows.forget_before, histograms.forget_before)
        )

    return store.database.write(use_case)


def grain_kept(
    kept: Sequence[tuple[int, int] | None], begin_us: int, end_us: int, points: int
) -> tuple[int, int]:
    """Return the grain to read and the step of a series, seconds; ``kept`` is as in `span_of`.

    A grain that is forgotten for the beginning gives way to one that reaches further back.
    """
    grain_s, step_s = grain_of(end_us - begin_us, points)
    index = GRAINS_S.index(grain_s)
    for coarser in range(index + 1, len(GRAINS_S)):
        here, further = kept[index], kept[coarser]
        if further is None:
            continue
        ends_us = further[0] + GRAINS_S[coarser] * MICROS
        if here is None or (here[0] > begin_us and ends_us <= here[0]):
            index = coarser
    grain_s = GRAINS_S[index]
    return grain_s, -(-max(step_s, grain_s) // grain_s) * grain_s


def span_of(
    kept: Sequence[tuple[int, int] | None], since_us: int | None, until_us: int | None
) -> tuple[int, int]:
    """Return from when to when to look: all that is kept, where nobody says otherwise.

    ``kept`` says when the first and the last stretch of each grain begin, the finest first.
    """
    begin_us, end_us = since_us, until_us
    if begin_us is None or end_us is None:
        spans = [(grain_s, each) for grain_s, each in zip(GRAINS_S, kept, strict=True) if each]
        first, last = spans[0][1] if spans else (0, 0)
        for grain_s, (begin, _) in spans[1:]:
            # It begins with its hour or its day; it counts where that is over before the others.
            if begin + grain_s * MICROS <= first:
                first = begin
        begin_us = first if begin_us is None else begin_us
        end_us = max(last + 60 * MICROS, begin_us + 1) if end_us is None else end_us
        begin_us = first if begin_us is None else begin_us
        end_us = max(last, begin_us + 1) if end_us is None else end_us
    if begin_us >= end_us:
        raise InvalidInput(detail="since must be before until", field="since")
    return begin_us, end_us
