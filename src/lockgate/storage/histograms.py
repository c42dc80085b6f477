"""Histograms in SQL: the edges and the reference of a metric, and counts by time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select, update

from lockgate.domain.drift import Histogram
from lockgate.storage import monitor_tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.series import Series
from lockgate.storage.statements import Statement, inserting

_H = monitor_tables.histograms
_OF = (_H.c.version_id == bindparam("version_id"), _H.c.metric == bindparam("metric"))
_SERIES = Series(monitor_tables.histogram_buckets)
_FIND = Statement(select(_H.c.edges, _H.c.reference).where(*_OF))
_ADD = inserting(_H)
_SET = Statement(
    update(_H)
    .where(_H.c.version_id == bindparam("key"), _H.c.metric == bindparam("name"))
    .values(reference=bindparam("new_reference"))
)
span_of = _SERIES.span_of
forget_before = _SERIES.forget_before


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
    there = dict(list_buckets(session, version_id, metric, grain_s, at_us, at_us + 1, more.edges))
    whole = there[at_us].plus(more) if there else more
    held = {at_us: {"counts": to_json(whole.counts)}}
    _SERIES.put(session, version_id, metric, grain_s, held, there)


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
    found = _SERIES.rows(session, version_id, metric, grain_s, since_us, until_us)
    return [(at_us, _histogram(edges, counts)) for at_us, counts in found]


def _histogram(edges: tuple[float, ...], counts: Any) -> Histogram:
    return Histogram(edges=edges, counts=tuple(from_json(counts)))
