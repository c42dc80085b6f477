"""Histograms: take in how values are spread, and show how far that has moved from a reference."""

from __future__ import annotations

from functools import reduce
from itertools import groupby
from typing import Any

from lockgate.domain import names
from lockgate.domain.drift import (
    DriftPoint,
    DriftSeries,
    Histogram,
    HistogramKept,
    distance,
    parse_histogram,
)
from lockgate.domain.moments import from_micros
from lockgate.domain.observations import GRAINS_S, MICROS, observed_at, require_points
from lockgate.domain.permissions import REPORT_OBSERVATIONS
from lockgate.errors import InvalidInput
from lockgate.services.observations import grain_kept, span_of
from lockgate.storage import guard
from lockgate.storage import histograms as rows
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.store import Caller, Store


def report_histogram(
    store: Store,
    who: Caller,
    project: str,
    name: str,
    label: str,
    metric: str,
    given: tuple[Any, Any],
    at: Any,
    reference: bool,
) -> HistogramKept:
    """Take in edges and counts of a metric; as the ``reference``, which is an event of the log.

    Raises `InvalidInput` for other edges than the metric had before.
    """
    title = names.key_name(metric, "metric")
    seen = parse_histogram(*given)
    if reference and at is not None:
        raise InvalidInput(detail="A reference is of no moment: leave at out", field="at")

    def use_case(session: Session) -> HistogramKept:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, REPORT_OBSERVATIONS, stored)
        key, version = version_rows.load_version(session, stored, label)
        at_us = observed_at(at, session.settle_time(0))
        known = _same_edges(session, key, title, seen)
        if not reference:
            for grain_s in GRAINS_S:
                begin_us = at_us - at_us % (grain_s * MICROS)
                rows.add_bucket(session, key, title, grain_s, begin_us, seen)
        elif known != seen:
            rows.set_reference(session, key, title, seen)
            record(
                session,
                stored.project_id,
                who.name,
                "set_reference",
                model=stored.model.name,
                version=version.label,
                detail={"metric": title, "edges": list(seen.edges), "counts": list(seen.counts)},
            )
        return HistogramKept(
            project=project,
            model=stored.model.name,
            version=version.label,
            metric=title,
            n=seen.n,
            reference=reference,
        )

    return store.write(who, use_case)


def _same_edges(session: Session, key: int, metric: str, seen: Histogram) -> Histogram | None:
    """Return the reference that there is. Raises `InvalidInput` for other edges."""
    shape = rows.find_shape(session, key, metric)
    if shape is None:
        rows.add_shape(session, key, metric, seen.edges)
        return None
    edges, reference = shape
    if edges != seen.edges:
        raise InvalidInput(
            detail=f"The histograms of '{metric}' have the edges {list(edges)}; report with these, "
            "or under another name",
            field="edges",
        )
    return reference


def list_drift(
    store: Store,
    project: str,
    name: str,
    label: str,
    metric: str,
    since_us: int | None,
    until_us: int | None,
    points: int,
) -> DriftSeries:
    """Return how far a metric lay from its reference, in up to ``points`` steps.

    Raises `InvalidInput` where the version has no reference of that metric.
    """
    require_points(points)

    def use_case(session: Session) -> DriftSeries:
        stored = model_rows.load_model(session, project, name)
        key, version = version_rows.load_version(session, stored, label)
        _, reference = rows.find_shape(session, key, metric) or (None, None)
        if reference is None:
            raise InvalidInput(
                detail=f"{stored.model.full_name}:{version.label} has no reference histogram of "
                f"'{metric:.60}'; report one as the reference first",
                field="metric",
            )
        spans = [rows.span_of(session, key, metric, each) for each in GRAINS_S]
        begin_us, end_us = span_of(spans, since_us, until_us)
        grain_s, step_s = grain_kept(spans, begin_us, end_us, points)
        first_us = begin_us - begin_us % (grain_s * MICROS)
        found = rows.list_buckets(session, key, metric, grain_s, first_us, end_us, reference.edges)
        step_us = step_s * MICROS
        return DriftSeries(
            project=project,
            model=stored.model.name,
            version=version.label,
            metric=metric,
            step_s=step_s,
            edges=reference.edges,
            reference=reference.counts,
            counts=reduce(Histogram.plus, (each for _, each in found)).counts if found else (),
            points=tuple(
                _point(begin_us, reduce(Histogram.plus, (each for _, each in group)), reference)
                for begin_us, group in groupby(found, lambda each: each[0] - each[0] % step_us)
            ),
        )

    return store.snapshot(use_case)


def total_between(
    session: Session, key: int, metric: str, since_us: int, until_us: int
) -> Histogram | None:
    """Return all that was reported of a metric in whole minutes of a span, or None."""
    shape = rows.find_shape(session, key, metric)
    if shape is None:
        return None
    found = rows.list_buckets(session, key, metric, GRAINS_S[0], since_us, until_us, shape[0])
    return reduce(Histogram.plus, (each for _, each in found)) if found else None


def _point(at_us: int, seen: Histogram, reference: Histogram) -> DriftPoint:
    return DriftPoint(
        at=from_micros(at_us),
        n=seen.n,
        psi=distance("psi", seen, reference),
        ks=distance("ks", seen, reference),
    )
