"""Observations: take in what versions do in use, show it over time, forget it in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate.domain.moments import from_micros
from lockgate.domain.observations import (
    GRAINS_S,
    METRICS_MAX,
    MICROS,
    POINTS_MAX,
    Measured,
    ObservationSeries,
    ObservationsKept,
    Point,
    gathered,
    grain_of,
    parse_observations,
)
from lockgate.domain.permissions import REPORT_OBSERVATIONS
from lockgate.errors import InvalidInput
from lockgate.storage import guard
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
    if isinstance(points, bool) or not isinstance(points, int) or not 1 <= points <= POINTS_MAX:
        raise InvalidInput(
            detail=f"points is a whole number from 1 to {POINTS_MAX}, got {points!r:.60}",
            field="points",
        )

    def use_case(session: Session) -> ObservationSeries:
        stored = model_rows.load_model(session, project, name)
        key, version = version_rows.load_version(session, stored, label)
        begin_us, end_us = _span(session, key, metric, since_us, until_us)
        grain_s, step_s = grain_of(end_us - begin_us, points)
        kept = rows.span_of(session, key, metric, grain_s)
        while kept is not None and kept[0] > begin_us and grain_s < GRAINS_S[-1]:
            # The finer grain is forgotten for the beginning; the next one may reach further back.
            coarser = GRAINS_S[GRAINS_S.index(grain_s) + 1]
            other = rows.span_of(session, key, metric, coarser)
            if other is None or other[0] > kept[0] - coarser * MICROS:
                break
            grain_s, step_s, kept = coarser, max(step_s, coarser), other
            step_s = -(-step_s // coarser) * coarser
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
    """Forget buckets by their grain in seconds once they are older than so many days."""

    def use_case(session: Session) -> int:
        now_us = session.settle_time(0)
        return sum(
            rows.forget_before(session, grain_s, now_us - days * 86_400 * MICROS)
            for grain_s, days in keep_days.items()
        )

    return store.database.write(use_case)


def _span(
    session: Session, key: int, metric: str, since_us: int | None, until_us: int | None
) -> tuple[int, int]:
    """Return from when to when to look: all that is kept, where nobody says otherwise."""
    begin_us, end_us = since_us, until_us
    if begin_us is None or end_us is None:
        kept = [rows.span_of(session, key, metric, grain_s) for grain_s in GRAINS_S]
        found = [each for each in kept if each is not None]
        first = min((each[0] for each in found), default=0)
        finest = found[0][1] + 60 * MICROS if found else first
        begin_us = first if begin_us is None else begin_us
        end_us = max(finest, begin_us + 1) if end_us is None else end_us
    if begin_us >= end_us:
        raise InvalidInput(detail="since must be before until", field="since")
    return begin_us, end_us
