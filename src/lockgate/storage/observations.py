"""Observations in SQL: buckets of minutes, hours and days."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select

from lockgate.domain.observations import Bucket
from lockgate.domain.trials import Tally
from lockgate.storage import monitor_tables
from lockgate.storage.database import Session
from lockgate.storage.series import Series
from lockgate.storage.statements import Statement

_T = monitor_tables.observations
_SERIES = Series(_T)
_NEXT_METRIC = Statement(
    select(_T.c.metric)
    .where(_T.c.version_id == bindparam("version_id"), _T.c.metric > bindparam("after"))
    .order_by(_T.c.metric)
    .limit(1)
)
_STEP = (_T.c.at - _T.c.at % bindparam("step")).label("step")
_STEPS = Statement(
    select(_STEP, func.sum(_T.c.n), func.sum(_T.c.total), func.min(_T.c.low), func.max(_T.c.high))
    .where(*_SERIES.of_metric, *_SERIES.between)
    .group_by(literal_column("step"))
    .order_by(literal_column("step"))
)
span_of = _SERIES.span_of
forget_before = _SERIES.forget_before


def add_buckets(
    session: Session, version_id: int, metric: str, grain_s: int, buckets: list[Bucket]
) -> None:
    """Add what is in ``buckets`` (oldest first) to what is there for the same stretches."""
    there = {
        each.at_us: each
        for each in list_buckets(
            session, version_id, metric, grain_s, buckets[0].at_us, buckets[-1].at_us + 1
        )
    }
    held = {
        each.at_us: _values(there[each.at_us].plus(each) if each.at_us in there else each)
        for each in buckets
    }
    _SERIES.put(session, version_id, metric, grain_s, held, there)


def list_metrics(session: Session, version_id: int, count: int) -> tuple[str, ...]:
    """Return up to ``count`` metrics that a version has values of, by name.

    Each is the next one of the index, however many values lie between.
    """
    found: list[str] = []
    row = session.one(_NEXT_METRIC, version_id=version_id, after="")
    while row is not None and len(found) < count:
        found.append(row[0])
        row = session.one(_NEXT_METRIC, version_id=version_id, after=row[0])
    return tuple(found)


def list_buckets(
    session: Session, version_id: int, metric: str, grain_s: int, since_us: int, until_us: int
) -> Iterable[Bucket]:
    """Return the buckets that begin from ``since_us`` on and before ``until_us``, oldest first."""
    rows = _SERIES.rows(session, version_id, metric, grain_s, since_us, until_us)
    return [_bucket(row) for row in rows]


def list_steps(
    session: Session,
    version_id: int,
    metric: str,
    grain_s: int,
    since_us: int,
    until_us: int,
    step_us: int,
) -> list[tuple[int, int, float, float, float]]:
    """Return ``(begin, n, total, low, high)`` of each step that has values, oldest first."""
    found = session.all(
        _STEPS,
        version_id=version_id,
        metric=metric,
        grain_s=grain_s,
        since=since_us,
        until=until_us,
        step=step_us,
    )
    return [(begin, int(n), total, low, high) for begin, n, total, low, high in found]


def _values(bucket: Bucket) -> dict[str, Any]:
    tally = bucket.tally
    return {
        "n": tally.n,
        "total": tally.total,
        "squares": tally.squares,
        "low": bucket.low,
        "high": bucket.high,
    }


def _bucket(row: Any) -> Bucket:
    at_us, n, total, squares, low, high = row
    tally = Tally(kind="value", n=n, total=total, squares=squares)
    return Bucket(at_us=at_us, tally=tally, low=low, high=high)
