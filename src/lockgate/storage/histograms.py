"""Histograms in SQL: the edges and the reference of a metric, and counts by time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, select, update

from lockgate.domain.drift import Histogram
from lockgate.storage import monitor_tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.statements import Statement, inserting

_H = monitor_tables.histograms
_T = monitor_tables.histogram_buckets
_OF = (_H.c.version_id == bindparam("version_id"), _H.c.metric == bindparam("metric"))
_SERIES = (
    _T.c.version_id == bindparam("version_id"),
    _T.c.metric == bindparam("metric"),
    _T.c.grain_s == bindparam("grain_s"),
)
_FIND = Statement(select(_H.c.edges, _H.c.reference).where(*_OF))
_ADD = inserting(_H)
_SET = Statement(
    update(_H)
    .where(_H.c.version_id == bindparam("key"), _H.c.metric == bindparam("name"))
    .values(reference=bindparam("new_reference"))
)
_BETWEEN = Statement(
    select(_T.c.at, _T.c.counts)
    .where(*_SERIES, _T.c.at >= bindparam("since"), _T.c.at < bindparam("until"))
    .order_by(_T.c.at)
)
_FIRST = Statement(select(_T.c.at).where(*_SERIES).order_by(_T.c.at).limit(1))
_LAST = Statement(select(_T.c.at).where(*_SERIES).order_by(_T.c.at.desc()).limit(1))
_PUT = inserting(_T)
_CHANGE = Statement(
    update(_T)
    .where(
        _T.c.version_id == bindparam("key"),
        _T.c.metric == bindparam("name"),
        _T.c.grain_s == bindparam("grain"),
        _T.c.at == bindparam("moment"),
    )
    .values(counts=bindparam("new_counts"))
)
_FORGET = Statement(
    delete(_T).where(_T.c.grain_s == bindparam("grain_s"), _T.c.at < bindparam("before"))
)


def find_shape(
    session: Session, version_id: int, metric: str
) -> tuple[tuple[float, ...], Histogram | None] | None:
    """Return the edges and the reference of a metric's histograms; None where there are none."""
    row = session.one(_FIND, version_id=version_id, metric=metric)
    if row is None:
        return None
    edges = tuple(map(float, from_json(row[0])))
    return edges, None if row[1] is None else _histogram(edges, row[1])


def add_shape(session: Session, version_id: int, metric: str, edges: tuple[float, ...]) -> None:
    """Say what the edges of a metric's histograms are."""
    session.run(_ADD, version_id=version_id, metric=metric, edges=to_json(edges), reference=None)


def set_reference(session: Session, version_id: int, metric: str, reference: Histogram) -> None:
    """Say what others are held against; the edges are there, and the same."""
    session.run(_SET, key=version_id, name=metric, new_reference=to_json(reference.counts))


def add_bucket(
    session: Session, version_id: int, metric: str, grain_s: int, at_us: int, more: Histogram
) -> None:
    """Add a histogram to what is there for the stretch of time that begins at ``at_us``."""
    there = list_buckets(session, version_id, metric, grain_s, at_us, at_us + 1, more.edges)
    if there:
        counts = to_json(there[0][1].plus(more).counts)
        session.run(
            _CHANGE, key=version_id, name=metric, grain=grain_s, moment=at_us, new_counts=counts
        )
    else:
        session.run(
            _PUT,
            version_id=version_id,
            metric=metric,
            grain_s=grain_s,
            at=at_us,
            counts=to_json(more.counts),
        )


def list_buckets(
    session: Session,
    version_id: int,
    metric: str,
    grain_s: int,
    since_us: int,
    until_us: int,
    edges: tuple[float, ...],
) -> list[tuple[int, Histogram]]:
    """Return beginning and histogram of the stretches that begin in a span, oldest first."""
    found = session.all(
        _BETWEEN,
        version_id=version_id,
        metric=metric,
        grain_s=grain_s,
        since=since_us,
        until=until_us,
    )
    return [(at_us, _histogram(edges, counts)) for at_us, counts in found]


def span_of(session: Session, version_id: int, metric: str, grain_s: int) -> tuple[int, int] | None:
    """Return when the oldest and the newest stretch of a metric begin, or None without any."""
    first = session.value(_FIRST, version_id=version_id, metric=metric, grain_s=grain_s)
    if first is None:
        return None
    return first, session.value(_LAST, version_id=version_id, metric=metric, grain_s=grain_s)


def forget_before(session: Session, grain_s: int, before_us: int) -> int:
    """Forget the stretches of a grain that began before a moment; return how many."""
    return session.run(_FORGET, grain_s=grain_s, before=before_us)


def _histogram(edges: tuple[float, ...], counts: Any) -> Histogram:
    return Histogram(edges=edges, counts=tuple(from_json(counts)))
