"""Observations in SQL: buckets of minutes, hours and days."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, delete, func, literal_column, select, update

from lockgate.domain.observations import Bucket
from lockgate.domain.trials import Tally
from lockgate.storage import monitor_tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

_T = monitor_tables.observations
_SERIES = (
    _T.c.version_id == bindparam("version_id"),
    _T.c.metric == bindparam("metric"),
    _T.c.grain_s == bindparam("grain_s"),
)
_COLUMNS = (_T.c.at, _T.c.n, _T.c.total, _T.c.squares, _T.c.low, _T.c.high)
_BETWEEN = Statement(
    select(*_COLUMNS)
    .where(*_SERIES, _T.c.at >= bindparam("since"), _T.c.at < bindparam("until"))
    .order_by(_T.c.at)
)
# One by one: SQLite answers each from an end of the index, and both at once by reading all of it.
_FIRST = Statement(select(_T.c.at).where(*_SERIES).order_by(_T.c.at).limit(1))
_LAST = Statement(select(_T.c.at).where(*_SERIES).order_by(_T.c.at.desc()).limit(1))
_NEXT_METRIC = Statement(
    select(_T.c.metric)
    .where(_T.c.version_id == bindparam("version_id"), _T.c.metric > bindparam("after"))
    .order_by(_T.c.metric)
    .limit(1)
)
_STEP = (_T.c.at - _T.c.at % bindparam("step")).label("step")
_STEPS = Statement(
    select(_STEP, func.sum(_T.c.n), func.sum(_T.c.total), func.min(_T.c.low), func.max(_T.c.high))
    .where(*_SERIES, _T.c.at >= bindparam("since"), _T.c.at < bindparam("until"))
    .group_by(literal_column("step"))
    .order_by(literal_column("step"))
)
_ADD = inserting(_T)
_CHANGE = Statement(
    update(_T)
    .where(
        _T.c.version_id == bindparam("key"),
        _T.c.metric == bindparam("name"),
        _T.c.grain_s == bindparam("grain"),
        _T.c.at == bindparam("moment"),
    )
    .values({each: bindparam(f"new_{each}") for each in ("n", "total", "squares", "low", "high")})
)
_FORGET = Statement(
    delete(_T).where(_T.c.grain_s == bindparam("grain_s"), _T.c.at < bindparam("before"))
)


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
    made, changed = [], []
    for each in buckets:
        if each.at_us in there:
            whole = there[each.at_us].plus(each)
            row = {f"new_{name}": value for name, value in _values(whole).items()}
            changed.append(
                row | {"key": version_id, "name": metric, "grain": grain_s, "moment": each.at_us}
            )
        else:
            row = {"version_id": version_id, "metric": metric, "grain_s": grain_s}
            made.append({**row, "at": each.at_us, **_values(each)})
    session.many(_ADD, made)
    session.many(_CHANGE, changed)


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
    rows = session.all(
        _BETWEEN,
        version_id=version_id,
        metric=metric,
        grain_s=grain_s,
        since=since_us,
        until=until_us,
    )
    return [_bucket(row) for row in rows]


def span_of(session: Session, version_id: int, metric: str, grain_s: int) -> tuple[int, int] | None:
    """Return when the oldest and the newest bucket of a metric begin, or None without any."""
    first = session.value(_FIRST, version_id=version_id, metric=metric, grain_s=grain_s)
    if first is None:
        return None
    return first, session.value(_LAST, version_id=version_id, metric=metric, grain_s=grain_s)


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


def forget_before(session: Session, grain_s: int, before_us: int) -> int:
    """Forget the buckets of a grain that began before a moment; return how many."""
    return session.run(_FORGET, grain_s=grain_s, before=before_us)


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
